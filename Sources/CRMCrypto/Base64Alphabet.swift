/// The 64 symbols and the way back; padding is the caller's.
struct Base64Alphabet: Sendable {
    private let symbols: [UInt8]
    /// The value of each byte, 0xFF where it is no symbol.
    private let values: [UInt8]

    static let standard = Base64Alphabet(last: "+/")
    static let urlSafe = Base64Alphabet(last: "-_")

    private init(last: String) {
        symbols = Array(("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + last).utf8)
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, symbol) in symbols.enumerated() { values[Int(symbol)] = UInt8(value) }
        self.values = values
    }

    func encode(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: (bytes.count * 4 + 2) / 3) { output in
            var written = 0
            var bits: UInt32 = 0
            var pending = 0
            func write(_ value: UInt32) {
                output[written] = symbols[Int(value & 0x3F)]
                written += 1
            }
            for byte in bytes {
                bits = bits << 8 | UInt32(byte)
                pending += 8
                while pending >= 6 {
                    pending -= 6
                    write(bits >> pending)
                }
            }
            if pending > 0 { write(bits << (6 - pending)) }
            return written
        }
    }

    func decode(_ text: [UInt8]) -> [UInt8]? {
        // One symbol left over holds six bits, which is no byte.
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var bits: UInt32 = 0
        var pending = 0
        for symbol in text {
            let value = values[Int(symbol)]
            guard value != 0xFF else { return nil }
            bits = bits << 6 | UInt32(value)
            pending += 6
            if pending >= 8 {
                pending -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> pending))
            }
        }
        // Two spellings of the same bytes would be two spellings of one token.
        guard bits & (1 << pending - 1) == 0 else { return nil }
        return bytes
    }
}
