/// One element of an XML document, as far as SOAP needs them: names with their namespaces, children, text.
struct XMLElement {
    var namespace: String
    var name: String
    var children: [XMLElement] = []
    var text = ""

    /// `nil` for whatever is not well-formed, and for documents with a DOCTYPE, which SOAP forbids.
    init?(document: [UInt8]) {
        guard let text = String(validating: document, as: UTF8.self) else { return nil }
        var reader = XMLReader(text)
        guard let root = reader.document() else { return nil }
        self = root
    }

    init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    subscript(name: String) -> XMLElement? { children.first { $0.name == name } }

    static func escape(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
