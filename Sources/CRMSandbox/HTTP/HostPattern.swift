/// A host name, or `*.` and a domain for all names below it.
enum HostPattern {
    static func matches(_ host: String, _ pattern: String) -> Bool {
        pattern.hasPrefix("*.") ? host.hasSuffix(pattern.dropFirst()) && host.count >= pattern.count : host == pattern
    }
}
