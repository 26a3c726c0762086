/// A block of addresses, `10.0.0.0/8`.
struct AddressRange: Sendable {
    private let prefix: [UInt8]
    private let bits: Int

    init(_ prefix: [UInt8], _ bits: Int) {
        self.prefix = prefix
        self.bits = bits
    }

    /// The first groups of an IPv6 address.
    static func six(_ groups: [UInt16], _ bits: Int) -> AddressRange {
        AddressRange(groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }, bits)
    }

    func contains(_ bytes: [UInt8]) -> Bool {
        for bit in 0..<bits {
            let mask: UInt8 = 0x80 >> UInt8(bit % 8)
            let wanted = bit / 8 < prefix.count ? prefix[bit / 8] : 0
            if bytes[bit / 8] & mask != wanted & mask { return false }
        }
        return true
    }
}

extension IPAddress {
    /// Whether the address belongs to the public Internet, as IANA's special-purpose registries have it.
    package var isPublic: Bool {
        bytes.count == 4
            ? !Self.refusedIPv4.contains { $0.contains(bytes) }
            : Self.globalUnicast.contains(bytes) && !Self.refusedIPv6.contains { $0.contains(bytes) }
    }

    private static let refusedIPv4: [AddressRange] = [
        AddressRange([0], 8),
        AddressRange([10], 8),
        AddressRange([100, 64], 10),  // shared by carriers; one cloud's metadata service lives here
        AddressRange([127], 8),
        AddressRange([168, 63, 129, 16], 32),  // another cloud's
        AddressRange([169, 254], 16),  // link-local, and most clouds' metadata service
        AddressRange([172, 16], 12),
        AddressRange([192, 0, 0], 24),
        AddressRange([192, 0, 2], 24),
        AddressRange([192, 88, 99], 24),
        AddressRange([192, 168], 16),
        AddressRange([198, 18], 15),
        AddressRange([198, 51, 100], 24),
        AddressRange([203, 0, 113], 24),
        AddressRange([224], 4),
        AddressRange([240], 4),
    ]

    /// Everything outside is refused, which covers loopback, NAT64, unique local, link-local and multicast addresses.
    private static let globalUnicast = AddressRange.six([0x2000], 3)

    private static let refusedIPv6: [AddressRange] = [
        .six([0x2001, 0], 32),  // Teredo carries an IPv4 address of somebody's choice
        .six([0x2001, 2, 0], 48),
        .six([0x2001, 0x10], 28),
        .six([0x2001, 0x20], 28),
        .six([0x2001, 0xDB8], 32),
        .six([0x2002], 16),  // 6to4, likewise
        .six([0x3FFF], 20),
    ]
}
