/// The values of `format` that are checked.
enum SchemaFormat: String, Sendable, CaseIterable {
    case uri
    case email
    case hostname
    case dateTime = "date-time"

    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    func accepts(_ text: String) -> Bool {
        switch self {
        case .uri: isWebAddress(text)
        case .email: EmailAddress(text) != nil
        case .hostname: isHostname(text)
        case .dateTime: Timestamp(rfc3339: text) != nil
        }
    }

    var expectation: String {
        switch self {
        case .uri: "must be an absolute http or https URL"
        case .email: "must be an e-mail address"
        case .hostname: "must be a host name"
        case .dateTime: "must be a time as RFC 3339 writes it, such as 2026-01-31T09:30:00Z"
        }
    }
}

/// Characters by ranges: `A-Za-z0-9_-`. A hyphen that is first or last stands for itself.
struct CharacterClass: Sendable, Hashable {
    private let ranges: [ClosedRange<Unicode.Scalar>]
    let description: String

    /// `nil` when it is empty or a range runs backwards.
    init?(_ text: String) {
        let scalars = Array(text.unicodeScalars)
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        var index = 0
        while index < scalars.count {
            if index + 2 < scalars.count, scalars[index + 1] == "-" {
                guard scalars[index] <= scalars[index + 2] else { return nil }
                ranges.append(scalars[index]...scalars[index + 2])
                index += 3
            } else {
                ranges.append(scalars[index]...scalars[index])
                index += 1
            }
        }
        guard !ranges.isEmpty else { return nil }
        self.ranges = ranges
        description = text
    }

    func accepts(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in ranges.contains { $0.contains(scalar) } }
    }
}

/// Whether this is an http or https URL with a host and nothing in it that a URL cannot hold.
func isWebAddress(_ text: String) -> Bool {
    let lowered = text.lowercased()
    guard text.utf8.count <= 2_048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }),
        let scheme = ["https://", "http://"].first(where: lowered.hasPrefix)
    else { return false }
    let authority = lowered.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !authority.contains("@") else { return false }
    if authority.hasPrefix("[") {
        return authority.dropFirst().prefix { $0 != "]" }.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }
    let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let host = parts.first, isHostname(String(host)) else { return false }
    return parts.count == 1 || UInt16(parts[1]) != nil
}

/// Letters, digits and hyphens in labels of 1 to 63 characters, 253 in all (RFC 1123).
func isHostname(_ text: String) -> Bool {
    guard (1...253).contains(text.utf8.count) else { return false }
    return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
        (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
            && label.utf8.allSatisfy(isAlphanumericOrHyphen)
    }
}

private func isAlphanumericOrHyphen(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"):
        true
    default: false
    }
}
