/// The name of a CRM in URLs, in the database and in a provider's descriptor: `klaviyo`.
package struct CRMType: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let name: String

    /// Words of our own routes under `/crm/`, which a provider may not take.
    package static let reserved: Set<String> = [
        "list", "validate", "connect", "providers", "contacts", "events", "batch", "deliveries", "dead-letters", "sync-logs",
    ]

    /// `nil` unless the text matches `[a-z][a-z0-9_-]{1,31}`.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (2...32).contains(bytes.count), (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[0]) else { return nil }
        let allowed = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
        guard allowed else { return nil }
        name = text
    }

    package var isReserved: Bool { Self.reserved.contains(name) }
    package var description: String { name }
    package static func < (left: CRMType, right: CRMType) -> Bool { left.name < right.name }
}
