/// Rules about names alone, before anybody is asked what they resolve to.
enum HostName {
    /// At least two labels of `[a-z0-9-]`, the last not numeric, and no name that is reserved for local use.
    static func isPublic(_ host: String) -> Bool {
        guard host.utf8.count <= 253 else { return false }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, labels.allSatisfy(isLabel), let last = labels.last else { return false }
        // "127.1", "2130706433" and "0x7f.1" are addresses to a resolver.
        guard let first = last.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return !localSuffixes.contains { host == $0 || host.hasSuffix("." + $0) }
    }

    private static let localSuffixes = ["localhost", "local", "internal", "arpa", "home.arpa", "lan", "intranet", "corp", "home"]

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
            && label.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
                default: false
                }
            }
    }
}
