/// An element of the answer to a login: as much of XML as that needs.
///
/// No document type is read, so nothing can be expanded or fetched; size and depth are bounded.
struct XMLElement {
    /// Without its prefix.
    let name: String
    var text = ""
    var children: [XMLElement] = []

    init(name: String) { self.name = name }

    /// `nil` for what is not well-formed enough to be trusted.
    init?(parsing bytes: [UInt8]) {
        guard bytes.count <= 256 * 1_024 else { return nil }
        var parser = XMLParser(bytes)
        guard let root = parser.document() else { return nil }
        self = root
    }

    /// The first element down that path of names.
    subscript(path: String...) -> XMLElement? {
        path.reduce(Optional(self)) { element, name in element?.children.first { $0.name == name } }
    }

    /// The first element of that name at any depth.
    func first(_ name: String) -> XMLElement? {
        if self.name == name { return self }
        for child in children {
            if let found = child.first(name) { return found }
        }
        return nil
    }

    /// `nil` for an empty element.
    var value: String? {
        let blanks: Set<Character> = [" ", "\n", "\r", "\t", "\r\n"]
        var rest = text[...]
        while let first = rest.first, blanks.contains(first) { rest.removeFirst() }
        while let last = rest.last, blanks.contains(last) { rest.removeLast() }
        return rest.isEmpty ? nil : String(rest)
    }
}

enum XMLText {
    /// Fit for an element's content. Characters that no XML document may hold are left out.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&apos;"
            // A parser would make a line feed of a bare carriage return.
            case "\r": escaped += "&#13;"
            case "\t", "\n": escaped.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": break
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

private struct XMLParser {
    private static let maximumDepth = 32

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() -> XMLElement? {
        var open: [XMLElement] = []
        while position < bytes.count {
            if skip("<!--") {
                guard text(until: "-->") != nil else { return nil }
            } else if skip("<?") {
                guard text(until: "?>") != nil else { return nil }
            } else if skip("<![CDATA[") {
                guard let data = text(until: "]]>"), !open.isEmpty else { return nil }
                open[open.count - 1].text += String(decoding: data, as: UTF8.self)
            } else if starts(with: "<!") {
                return nil
            } else if skip("</") {
                guard let tag = text(until: ">"), let ended = open.popLast(), Self.localName(tag) == ended.name else { return nil }
                guard !open.isEmpty else { return ended }
                open[open.count - 1].children.append(ended)
            } else if skip("<") {
                guard let tag = tag(), let name = Self.localName(tag), open.count < Self.maximumDepth else { return nil }
                let element = XMLElement(name: name)
                if tag.last != UInt8(ascii: "/") {
                    open.append(element)
                } else if open.isEmpty {
                    return element
                } else {
                    open[open.count - 1].children.append(element)
                }
            } else {
                let start = position
                while position < bytes.count, bytes[position] != UInt8(ascii: "<") { position += 1 }
                if !open.isEmpty {
                    guard let text = Self.decoded(bytes[start..<position]) else { return nil }
                    open[open.count - 1].text += text
                }
            }
        }
        return nil
    }

    /// What stands between `<` and `>`; a `>` inside an attribute's value does not end it.
    private mutating func tag() -> ArraySlice<UInt8>? {
        let start = position
        var quote: UInt8?
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if byte == UInt8(ascii: ">") {
                return bytes[start..<position - 1]
            } else if byte == UInt8(ascii: "<") {
                return nil
            }
        }
        return nil
    }

    private func starts(with text: StaticString) -> Bool {
        bytes[position...].starts(with: text.description.utf8)
    }

    private mutating func skip(_ text: StaticString) -> Bool {
        guard starts(with: text) else { return false }
        position += text.utf8CodeUnitCount
        return true
    }

    private mutating func text(until end: StaticString) -> ArraySlice<UInt8>? {
        let start = position
        while position < bytes.count {
            if starts(with: end) {
                defer { position += end.utf8CodeUnitCount }
                return bytes[start..<position]
            }
            position += 1
        }
        return nil
    }

    private static func localName(_ tag: ArraySlice<UInt8>) -> String? {
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: "/")]
        let name = tag.prefix { !blanks.contains($0) }
        let local = name.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).last ?? []
        return local.isEmpty ? nil : String(decoding: local, as: UTF8.self)
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> String? {
        var decoded: [UInt8] = []
        var rest = text
        while let byte = rest.first {
            rest = rest.dropFirst()
            guard byte == UInt8(ascii: "&") else {
                decoded.append(byte)
                continue
            }
            guard let end = rest.prefix(12).firstIndex(of: UInt8(ascii: ";")),
                let scalar = character(String(decoding: rest[rest.startIndex..<end], as: UTF8.self))
            else { return nil }
            decoded += String(scalar).utf8
            rest = rest[(end + 1)...]
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func character(_ entity: String) -> Character? {
        switch entity {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default: break
        }
        guard entity.hasPrefix("#") else { return nil }
        let number = entity.hasPrefix("#x") ? UInt32(entity.dropFirst(2), radix: 16) : UInt32(entity.dropFirst())
        return number.flatMap(Unicode.Scalar.init).map(Character.init)
    }
}
