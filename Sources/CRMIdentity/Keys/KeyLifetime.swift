/// How long a key document may be used, from its caching headers.
package enum KeyLifetime {
    package static let shortest = Duration.seconds(5 * 60)
    package static let longest = Duration.seconds(24 * 3_600)
    /// Where the headers are missing or make no sense. No lifetime at all would mean a fetch per request.
    package static let assumed = Duration.seconds(3_600)

    package static func of(cacheControl: String?, age: String?) -> Duration {
        guard let maximumAge = cacheControl.flatMap(maximumAge), let age = age.map(wholeSeconds) ?? 0 else { return assumed }
        return min(max(.seconds(maximumAge - age), shortest), longest)
    }

    /// `nil` when there is no `max-age`, or more than one.
    private static func maximumAge(in cacheControl: String) -> Int64? {
        var found: [Int64?] = []
        for directive in cacheControl.split(separator: ",") {
            let parts = directive.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].trimmingBlanks.lowercased() == "max-age" else { continue }
            var value = parts[1].trimmingBlanks
            if value.count > 1, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            found.append(wholeSeconds(String(value)))
        }
        return found.count == 1 ? found[0] : nil
    }

    private static func wholeSeconds(_ text: String) -> Int64? {
        let digits = text[...].trimmingBlanks
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        // RFC 9111, 1.2.2: a number too large to hold counts as the largest that can be held.
        return min(Int64(digits) ?? .max, Int64(Int32.max))
    }
}

extension Substring {
    fileprivate var trimmingBlanks: Substring {
        var trimmed = self
        while let first = trimmed.first, first == " " || first == "\t" { trimmed.removeFirst() }
        while let last = trimmed.last, last == " " || last == "\t" { trimmed.removeLast() }
        return trimmed
    }
}
