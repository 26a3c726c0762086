/// A UUID that follows from a name (RFC 9562, 5.5): who derives a record's id from its idempotency key writes the same record twice
/// instead of two records.
public struct UUIDv5: Sendable, Hashable, CustomStringConvertible {
    /// What keeps the names of one purpose apart from those of another: a UUID itself.
    public struct Namespace: Sendable, Hashable {
        let high: UInt64
        let low: UInt64

        /// The UUID's 32 digits as two numbers: `Namespace(0x6ba7b810_9dad11d1, 0x80b400c0_4fd430c8)`.
        public init(_ high: UInt64, _ low: UInt64) {
            self.high = high
            self.low = low
        }

        /// For names that are domain names.
        public static let dns = Namespace(0x6ba7_b810_9dad_11d1, 0x80b4_00c0_4fd4_30c8)
        /// For names that are URLs.
        public static let url = Namespace(0x6ba7_b811_9dad_11d1, 0x80b4_00c0_4fd4_30c8)
    }

    private let high: UInt64
    private let low: UInt64

    public init(namespace: Namespace, name: String) {
        let digest = SHA1.digest(Self.bytes(namespace.high) + Self.bytes(namespace.low) + Array(name.utf8))
        let (high, low) = (digest[0..<8].reduce(0, Self.shifted), digest[8..<16].reduce(0, Self.shifted))
        self.high = high & ~0xF000 | 0x5000
        self.low = low & ~(3 << 62) | 2 << 62
    }

    /// This UUID as the namespace of other names.
    public var namespace: Namespace { Namespace(high, low) }

    /// `2ed6657d-e927-568b-95e1-2665a8aea6a2`, in lower case.
    public var description: String {
        let digits = Self.digits(high) + Self.digits(low)
        return [digits.prefix(8), digits[8..<12], digits[12..<16], digits[16..<20], digits[20...]]
            .map { String(decoding: $0, as: UTF8.self) }.joined(separator: "-")
    }

    private static func shifted(_ value: UInt64, _ byte: UInt8) -> UInt64 { value << 8 | UInt64(byte) }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
    }

    private static func digits(_ value: UInt64) -> [UInt8] {
        let text = Array(String(value, radix: 16).utf8)
        return [UInt8](repeating: UInt8(ascii: "0"), count: 16 - text.count) + text
    }
}
