internal import CRMPluginSDK

/// Salesforce's own id of a record: 15 characters with case, or the same with three that make case needless.
struct RecordID: Hashable {
    /// Always 18 characters.
    let text: String

    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 15 || bytes.count == 18, bytes.allSatisfy(Self.isAlphanumeric) else { return nil }
        self.text = bytes.count == 18 ? text : String(decoding: bytes + Self.check(bytes), as: UTF8.self)
    }

    /// The first three characters name the object.
    func isOf(_ prefix: String) -> Bool { text.hasPrefix(prefix) }

    /// One character for five: a bit for each capital among them.
    private static func check(_ base: [UInt8]) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".utf8)
        return stride(from: 0, to: 15, by: 5).map { start in
            let bits = (0..<5).reduce(0) { bits, offset in
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(base[start + offset]) ? bits | 1 << offset : bits
            }
            return alphabet[bits]
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}

enum SalesforceTime {
    /// `2026-11-01T10:00:00.000+0000` as we write it: `2026-11-01T10:00:00Z`. Salesforce always answers in UTC.
    static func utc(_ text: String) -> String {
        var time = text[...]
        for zone in ["+0000", "+00:00", "Z"] where time.hasSuffix(zone) {
            time = time.dropLast(zone.count)
            if time.hasSuffix(".000") { time = time.dropLast(4) }
            return "\(time)Z"
        }
        return text
    }

    /// The day of a time in UTC; `nil` for what is no time.
    static func day(_ text: String) -> String? {
        let day = Array(text.utf8.prefix(10))
        guard day.count == 10, text.utf8.dropFirst(10).first == UInt8(ascii: "T"), text.hasSuffix("Z") else { return nil }
        for (index, byte) in day.enumerated() {
            let isDash = index == 4 || index == 7
            guard isDash ? byte == UInt8(ascii: "-") : (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        }
        return String(decoding: day, as: UTF8.self)
    }
}
