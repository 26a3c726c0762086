import CRMCore

/// What a column of a row holds. An empty column has no value at all.
enum CreatioValue: Hashable {
    case text(String)
    case bool(Bool)
    case integer(Int)
    /// As it was written, so that money comes back unchanged.
    case decimal(JSONNumber)
    case date(Timestamp)
    case guid(CreatioID)
}

/// A GUID, written in lower case as OData writes it.
struct CreatioID: Hashable, Comparable, CustomStringConvertible {
    static let zero = CreatioID(known: "00000000-0000-0000-0000-000000000000")

    let description: String

    init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 36 else { return nil }
        for (index, byte) in bytes.enumerated() {
            let isHyphen = byte == UInt8(ascii: "-")
            guard [8, 13, 18, 23].contains(index) ? isHyphen : Character(Unicode.Scalar(byte)).isHexDigit else { return nil }
        }
        description = text.lowercased()
    }

    /// For GUIDs that stand in the source.
    init(known text: String) { description = text }

    /// A random one, of version 4.
    init(random bytes: [UInt8]) {
        var bytes = bytes
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        description = text
    }

    static func < (left: CreatioID, right: CreatioID) -> Bool { left.description < right.description }
}

/// Times as OData writes them.
enum CreatioTime {
    /// What an empty date reads as.
    static let empty = "0001-01-01T00:00:00Z"

    static func text(_ time: Timestamp) -> String {
        let text = time.description
        return text.hasSuffix(".000Z") ? text.dropLast(5) + "Z" : text
    }
}
