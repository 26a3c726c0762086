/// Reads a whole document, or nothing of it.
struct XMLReader {
    private static let deepest = 32

    private let text: [UInt8]
    private var position = 0

    init(_ text: String) { self.text = Array(text.utf8) }

    mutating func document() -> XMLElement? {
        guard skipMiscellany(), let root = element(scope: ["": "", "xml": ""], depth: 0), skipMiscellany(), position == text.count else {
            return nil
        }
        return root
    }

    /// Space, comments and processing instructions.
    private mutating func skipMiscellany() -> Bool {
        while true {
            skipSpace()
            if take("<?") {
                guard skip(past: "?>") else { return false }
            } else if take("<!--") {
                guard skip(past: "-->") else { return false }
            } else {
                return true
            }
        }
    }

    private mutating func element(scope: [String: String], depth: Int) -> XMLElement? {
        guard depth < Self.deepest, take("<"), let tag = name(), var scope = Optional(scope), let isEmpty = attributes(&scope) else {
            return nil
        }
        let parts = tag.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let local = parts.last, let namespace = scope[parts.count == 2 ? String(parts[0]) : ""] else { return nil }
        var element = XMLElement(namespace: namespace, name: String(local))
        if isEmpty { return element }
        while position < text.count {
            if take("</") {
                guard name() == tag else { return nil }
                skipSpace()
                return take(">") ? element : nil
            } else if take("<!--") {
                guard skip(past: "-->") else { return nil }
            } else if take("<![CDATA[") {
                let start = position
                guard skip(past: "]]>") else { return nil }
                element.text += String(decoding: text[start..<position - 3], as: UTF8.self)
            } else if text[position] == UInt8(ascii: "<") {
                guard let child = self.element(scope: scope, depth: depth + 1) else { return nil }
                element.children.append(child)
            } else {
                let start = position
                while position < text.count, text[position] != UInt8(ascii: "<") { position += 1 }
                guard let decoded = Self.decode(text[start..<position]) else { return nil }
                element.text += decoded
            }
        }
        return nil
    }

    /// Whether the tag ends here, as in `<a/>`; `nil` when it is malformed.
    private mutating func attributes(_ scope: inout [String: String]) -> Bool? {
        while true {
            skipSpace()
            if take("/>") { return true }
            if take(">") { return false }
            guard let name = name() else { return nil }
            skipSpace()
            guard take("=") else { return nil }
            skipSpace()
            guard position < text.count, text[position] == UInt8(ascii: "\"") || text[position] == UInt8(ascii: "'") else { return nil }
            let quote = text[position]
            let start = position + 1
            guard let end = text[start...].firstIndex(of: quote), let value = Self.decode(text[start..<end]) else { return nil }
            position = end + 1
            if name == "xmlns" { scope[""] = value }
            if name.hasPrefix("xmlns:") { scope[String(name.dropFirst(6))] = value }
        }
    }

    private mutating func name() -> String? {
        let start = position
        let ends = Array(" \t\r\n/>=<\"'&".utf8)
        while position < text.count, !ends.contains(text[position]) { position += 1 }
        return position > start ? String(decoding: text[start..<position], as: UTF8.self) : nil
    }

    private static func decode(_ bytes: ArraySlice<UInt8>) -> String? {
        var decoded: [UInt8] = []
        var rest = bytes
        while let start = rest.firstIndex(of: UInt8(ascii: "&")) {
            guard let end = rest[start...].firstIndex(of: UInt8(ascii: ";")) else { return nil }
            guard let scalar = scalar(String(decoding: rest[(start + 1)..<end], as: UTF8.self)) else { return nil }
            decoded += rest[rest.startIndex..<start] + Array(String(Character(scalar)).utf8)
            rest = rest[(end + 1)...]
        }
        return String(decoding: decoded + rest, as: UTF8.self)
    }

    private static func scalar(_ entity: String) -> Unicode.Scalar? {
        switch entity {
        case "amp": "&"
        case "lt": "<"
        case "gt": ">"
        case "quot": "\""
        case "apos": "'"
        case let hex where hex.hasPrefix("#x"): UInt32(hex.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init)
        case let decimal where decimal.hasPrefix("#"): UInt32(decimal.dropFirst()).flatMap(Unicode.Scalar.init)
        default: nil
        }
    }

    private mutating func skipSpace() {
        while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) { position += 1 }
    }

    private mutating func skip(past end: String) -> Bool {
        guard let range = text[position...].firstRange(of: Array(end.utf8)) else { return false }
        position = range.upperBound
        return true
    }

    private mutating func take(_ word: String) -> Bool {
        guard text[position...].starts(with: word.utf8) else { return false }
        position += word.utf8.count
        return true
    }
}
