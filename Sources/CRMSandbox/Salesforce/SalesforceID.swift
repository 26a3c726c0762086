/// A record's id: three characters for the object, twelve that count, and three that make upper and lower case matter less.
struct SalesforceID: Hashable, Comparable {
    /// In its long form, of 18 characters.
    let text: String

    init(prefix: String, serial: Int) {
        var rest = serial
        var digits: [UInt8] = []
        for _ in 0..<9 {
            digits.append(Self.digits[rest % Self.digits.count])
            rest /= Self.digits.count
        }
        let short = prefix + "5g0" + String(decoding: digits.reversed(), as: UTF8.self)
        text = short + Self.suffix(of: Array(short.utf8))
    }

    /// `nil` unless it has 15 characters, or 18 of which the last three fit.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 15 || bytes.count == 18, bytes.allSatisfy({ Self.digits.contains($0) }) else { return nil }
        let short = Array(bytes.prefix(15))
        let suffix = Self.suffix(of: short)
        guard bytes.count == 15 || text.hasSuffix(suffix) else { return nil }
        self.text = String(decoding: short, as: UTF8.self) + suffix
    }

    /// Whether somebody meant an id, right or wrong.
    static func looksLike(_ text: String) -> Bool {
        (text.utf8.count == 15 || text.utf8.count == 18) && text.utf8.allSatisfy { digits.contains($0) }
    }

    var prefix: Substring { text.prefix(3) }
    var short: Substring { text.prefix(15) }

    static func < (left: SalesforceID, right: SalesforceID) -> Bool { left.text < right.text }

    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// Each character of it says which of five are in upper case.
    private static func suffix(of short: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".utf8)
        let suffix = stride(from: 0, to: 15, by: 5).map { start -> UInt8 in
            var index = 0
            for offset in 0..<5 where (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(short[start + offset]) { index |= 1 << offset }
            return alphabet[index]
        }
        return String(decoding: suffix, as: UTF8.self)
    }
}
