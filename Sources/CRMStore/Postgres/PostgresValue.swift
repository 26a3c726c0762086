package import CRMCore
package import FoundationEssentials

/// A Swift value with its place in PostgreSQL's type system, sent and read in the binary format.
package protocol PostgresValue: Sendable {
    static var postgresType: PostgresType { get }
    var postgresBytes: [UInt8] { get }
    /// `nil` when the bytes are no value of the type.
    init?(postgresBytes: [UInt8])
}

/// The types our tables use, by their OIDs, which are the same on every server.
package enum PostgresType: UInt32, Sendable {
    case bool = 16
    case bytea = 17
    case int8 = 20
    case int2 = 21
    case int4 = 23
    case text = 25
    case timestamptz = 1184
    case uuid = 2950
    case jsonb = 3802

    var arrayOID: UInt32 {
        switch self {
        case .bool: 1000
        case .bytea: 1001
        case .int8: 1016
        case .int2: 1005
        case .int4: 1007
        case .text: 1009
        case .timestamptz: 1185
        case .uuid: 2951
        case .jsonb: 3807
        }
    }
}

extension FixedWidthInteger {
    var bigEndianBytes: [UInt8] {
        (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> (Self.bitWidth - 8 - 8 * $0)) }
    }

    init?(bigEndianBytes bytes: some Collection<UInt8>) {
        guard bytes.count == Self.bitWidth / 8 else { return nil }
        self = bytes.reduce(0) { $0 << 8 | Self(truncatingIfNeeded: $1) }
    }
}

extension Bool: PostgresValue {
    package static let postgresType = PostgresType.bool
    package var postgresBytes: [UInt8] { [self ? 1 : 0] }
    package init?(postgresBytes bytes: [UInt8]) {
        guard bytes.count == 1 else { return nil }
        self = bytes[0] != 0
    }
}

extension Int64: PostgresValue {
    package static let postgresType = PostgresType.int8
    package var postgresBytes: [UInt8] { bigEndianBytes }
    package init?(postgresBytes bytes: [UInt8]) { self.init(bigEndianBytes: bytes) }
}

extension Int: PostgresValue {
    package static let postgresType = PostgresType.int8
    package var postgresBytes: [UInt8] { bigEndianBytes }
    package init?(postgresBytes bytes: [UInt8]) { self.init(bigEndianBytes: bytes) }
}

extension Int32: PostgresValue {
    package static let postgresType = PostgresType.int4
    package var postgresBytes: [UInt8] { bigEndianBytes }
    package init?(postgresBytes bytes: [UInt8]) { self.init(bigEndianBytes: bytes) }
}

extension Int16: PostgresValue {
    package static let postgresType = PostgresType.int2
    package var postgresBytes: [UInt8] { bigEndianBytes }
    package init?(postgresBytes bytes: [UInt8]) { self.init(bigEndianBytes: bytes) }
}

extension String: PostgresValue {
    package static let postgresType = PostgresType.text
    package var postgresBytes: [UInt8] { Array(utf8) }
    package init?(postgresBytes bytes: [UInt8]) { self.init(validating: bytes, as: UTF8.self) }
}

extension CRMType: PostgresValue {
    package static let postgresType = PostgresType.text
    package var postgresBytes: [UInt8] { Array(name.utf8) }
    package init?(postgresBytes bytes: [UInt8]) {
        guard let name = String(postgresBytes: bytes) else { return nil }
        self.init(name)
    }
}

extension [UInt8]: PostgresValue {
    package static var postgresType: PostgresType { .bytea }
    package var postgresBytes: [UInt8] { self }
    package init?(postgresBytes bytes: [UInt8]) { self = bytes }
}

extension UUID: PostgresValue {
    package static let postgresType = PostgresType.uuid
    package var postgresBytes: [UInt8] { bytes }
    package init?(postgresBytes bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.init(bytes: bytes)
    }
}

extension Identifier: PostgresValue {
    package static var postgresType: PostgresType { .uuid }
    package var postgresBytes: [UInt8] { uuid.bytes }
    package init?(postgresBytes bytes: [UInt8]) {
        guard let uuid = UUID(postgresBytes: bytes) else { return nil }
        self.init(uuid)
    }
}

extension Timestamp: PostgresValue {
    /// PostgreSQL counts from 2000-01-01.
    private static let postgresEpoch: Int64 = 946_684_800_000_000

    package static let postgresType = PostgresType.timestamptz
    package var postgresBytes: [UInt8] { (microseconds - Self.postgresEpoch).bigEndianBytes }
    package init?(postgresBytes bytes: [UInt8]) {
        // The ends of the range stand for plus and minus infinity.
        guard let count = Int64(bigEndianBytes: bytes), count != .max, count != .min else { return nil }
        self.init(microseconds: count + Self.postgresEpoch)
    }
}

extension JSONValue: PostgresValue {
    package static let postgresType = PostgresType.jsonb
    package var postgresBytes: [UInt8] { [1] + serialized() }
    package init?(postgresBytes bytes: [UInt8]) {
        guard bytes.first == 1, let value = try? JSONValue(parsing: Array(bytes.dropFirst())) else { return nil }
        self = value
    }
}

extension JSONObject: PostgresValue {
    package static let postgresType = PostgresType.jsonb
    package var postgresBytes: [UInt8] { JSONValue.object(self).postgresBytes }
    package init?(postgresBytes bytes: [UInt8]) {
        guard let object = JSONValue(postgresBytes: bytes)?.objectValue else { return nil }
        self = object
    }
}
