package import FoundationEssentials

/// The id of one kind of thing; ids of different things do not mix.
package struct Identifier<Subject>: Hashable, Sendable, CustomStringConvertible {
    package let uuid: UUID

    package init(_ uuid: UUID) { self.uuid = uuid }

    /// `nil` unless the text is a UUID in its usual 36 characters.
    package init?(_ text: String) {
        guard text.utf8.count == 36, let uuid = UUID(uuidString: text) else { return nil }
        self.uuid = uuid
    }

    /// Lower case, as RFC 9562 writes UUIDs.
    package var description: String { uuid.uuidString.lowercased() }
}

package typealias MerchantID = Identifier<Merchant>
package typealias IntegrationID = Identifier<Integration>
package typealias DeliveryID = Identifier<Delivery>
package typealias LaneID = Identifier<Lane>
package typealias LogID = Identifier<SyncLogEntry>

extension UUID {
    /// A version 7 UUID (RFC 9562): ordered by its time in milliseconds.
    package static func v7(at time: Timestamp, random: [UInt8]) -> UUID {
        let milliseconds = UInt64(max(0, time.milliseconds))
        var bytes = (0..<6).map { UInt8(truncatingIfNeeded: milliseconds >> (40 - 8 * UInt64($0))) } + random.prefix(10)
        bytes += Array(repeating: 0, count: 16 - bytes.count)
        return UUID(bytes: bytes, version: 7)
    }

    /// Sixteen bytes as a UUID of the given version: bits of version and variant are set, the rest is kept.
    package init(bytes: [UInt8], version: UInt8) {
        var b = bytes
        b[6] = b[6] & 0x0F | version << 4
        b[8] = b[8] & 0x3F | 0x80
        self.init(bytes: b)
    }

    package init(bytes b: [UInt8]) {
        self.init(uuid: (b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]))
    }

    package var bytes: [UInt8] {
        let b = uuid
        return [b.0, b.1, b.2, b.3, b.4, b.5, b.6, b.7, b.8, b.9, b.10, b.11, b.12, b.13, b.14, b.15]
    }

    /// The time inside a version 7 UUID.
    package var v7Time: Timestamp {
        Timestamp(microseconds: bytes.prefix(6).reduce(0) { $0 << 8 | Int64($1) } * 1_000)
    }
}

/// Makes ids and other random bytes: the system's generator in production, a seeded one in tests.
package typealias RandomBytes = @Sendable (_ count: Int) -> [UInt8]
