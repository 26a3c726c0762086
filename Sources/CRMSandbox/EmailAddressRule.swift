/// How the imitations tell an e-mail address from something else: on purpose not the service's own rule, which they are there to test.
enum EmailAddressRule {
    /// Works on bytes: every request is asked about several addresses.
    static func accepts(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].count), (3...253).contains(parts[1].count) else { return false }
        return isLocalPart(parts[0]) && isDomain(parts[1]) && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !forbidden.contains($0) }
    }

    private static let forbidden = Set("()<>[]:;,\\\"".utf8)
    private static let dot = UInt8(ascii: ".")
    private static let hyphen = UInt8(ascii: "-")

    private static func isLocalPart(_ part: Substring.UTF8View) -> Bool {
        part.split(separator: dot, omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
    }

    private static func isDomain(_ part: Substring.UTF8View) -> Bool {
        let labels = part.split(separator: dot, omittingEmptySubsequences: false)
        return labels.count >= 2 && labels.allSatisfy { !$0.isEmpty && $0.first != hyphen && $0.last != hyphen }
    }
}
