/// Takes what came from a merchant or a customer out of a text that goes where others read it.
struct Redaction: Sendable {
    private let sources: [JSONValue]

    /// Collecting waits until there is a text: most operations never need it.
    init(of sources: [JSONValue]) { self.sources = sources }

    func applied(to text: String) -> String {
        var values: Set<[UInt8]> = []
        for source in sources { Self.collect(source, into: &values) }
        // Longest first, so that a value inside another does not leave the rest of it behind.
        return values.sorted { $0.count > $1.count }.reduce(Array(text.utf8)) { Self.replace($1, in: $0) }.text
    }

    private static func collect(_ value: JSONValue, into values: inout Set<[UInt8]>) {
        switch value {
        case .string(let text) where text.utf8.count >= 4: values.insert(text.utf8.map(lowercase))
        case .array(let elements): for element in elements { collect(element, into: &values) }
        case .object(let members): for member in members { collect(member.value, into: &values) }
        default: break
        }
    }

    private static func replace(_ value: [UInt8], in text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var position = 0
        while position < text.count {
            let candidate = text[position...].prefix(value.count)
            if candidate.count == value.count, candidate.elementsEqual(value, by: { lowercase($0) == $1 }) {
                result += "[redacted]".utf8
                position += value.count
            } else {
                result.append(text[position])
                position += 1
            }
        }
        return result
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
    }
}

extension [UInt8] {
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
