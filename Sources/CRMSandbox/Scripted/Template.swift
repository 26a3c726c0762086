import CRMCore

/// JSON with places in it that are filled in for each request: `{body/properties/email}`, `{path.id}`, `{record.id}`.
struct Template {
    private indirect enum Node {
        case fixed(JSONValue)
        /// The whole text is one place: what stands there keeps its type.
        case place(Place)
        case text([Piece])
        case array([Node])
        case object([(name: String, value: Node)])
    }

    private enum Piece {
        case fixed(String)
        case place(Place)
    }

    private let root: Node

    init(_ source: JSONValue) throws(SetupError) { root = try Self.node(source) }

    /// A place where nothing is becomes `null`.
    func json(_ scope: TemplateScope) -> JSONValue { Self.json(root, scope) }

    /// `nil` when nothing stands at one of its places.
    func text(_ scope: TemplateScope) -> String? {
        switch json(scope) {
        case .string(let text): text
        case .number(let number): number.literal
        case .bool(let flag): String(flag)
        case .null, .array, .object: nil
        }
    }

    private static func json(_ node: Node, _ scope: TemplateScope) -> JSONValue {
        switch node {
        case .fixed(let value): return value
        case .place(let place): return scope.value(at: place) ?? .null
        case .array(let elements): return .array(elements.map { json($0, scope) })
        case .object(let members): return .object(JSONObject(members.map { ($0.name, json($0.value, scope)) }))
        case .text(let pieces):
            var text = ""
            for piece in pieces {
                switch piece {
                case .fixed(let fixed): text += fixed
                case .place(let place):
                    guard let value = scope.value(at: place), !value.isNull else { return .null }
                    text += value.stringValue ?? String(decoding: value.serialized(), as: UTF8.self)
                }
            }
            return .string(text)
        }
    }

    private static func node(_ source: JSONValue) throws(SetupError) -> Node {
        switch source {
        case .null, .bool, .number: return .fixed(source)
        case .array(let elements):
            var nodes: [Node] = []
            for element in elements { nodes.append(try node(element)) }
            return .array(nodes)
        case .object(let members):
            var nodes: [(name: String, value: Node)] = []
            for (name, value) in members { nodes.append((name, try node(value))) }
            return .object(nodes)
        case .string(let text):
            let pieces = try pieces(of: text)
            if pieces.isEmpty { return .fixed(source) }
            if pieces.count == 1, case .place(let place) = pieces[0] { return .place(place) }
            if pieces.count == 1, case .fixed(let fixed) = pieces[0] { return .fixed(.string(fixed)) }
            return .text(pieces)
        }
    }

    /// `{{` and `}}` stand for the characters themselves.
    private static func pieces(of text: String) throws(SetupError) -> [Piece] {
        var pieces: [Piece] = []
        var fixed = ""
        var rest = text[...]
        while let first = rest.first {
            rest.removeFirst()
            if first == "{" || first == "}", rest.first == first {
                fixed.append(first)
                rest.removeFirst()
            } else if first == "{" {
                guard let end = rest.firstIndex(of: "}") else {
                    throw SetupError("\"\(text.prefix(60))\" opens a place and does not close it.")
                }
                if !fixed.isEmpty { pieces.append(.fixed(fixed)) }
                fixed = ""
                pieces.append(.place(try Place(rest[..<end])))
                rest = rest[rest.index(after: end)...]
            } else {
                fixed.append(first)
            }
        }
        return fixed.isEmpty ? pieces : pieces + [.fixed(fixed)]
    }
}

/// A name, perhaps with a name of its own behind a dot, perhaps with a JSON pointer into what stands there.
struct Place: Hashable {
    let root: String
    let member: String?
    let pointer: JSONPointer

    private static let single: Set<String> = [
        "body", "item", "record", "records", "count", "items", "failures", "account", "now", "now_ms", "counter", "status", "code",
        "message",
    ]
    private static let withMember: [String: Set<String>?] = [
        "path": nil, "query": nil, "header": nil, "record": ["id", "key", "created", "updated"],
    ]

    init(_ text: some StringProtocol) throws(SetupError) {
        let name = text.prefix { $0 != "/" }
        pointer = JSONPointer(String(text[name.endIndex...]))
        let parts = String(name).split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        root = parts[0]
        member = parts.count == 2 ? parts[1] : nil
        let isKnown =
            if let member { Self.withMember[root].map { $0?.contains(member) ?? !member.isEmpty } ?? false } else {
                Self.single.contains(root)
            }
        guard isKnown else {
            throw SetupError(
                "There is no place {\(text.prefix(60))}; there are path.NAME, query.NAME, header.NAME, record.id, record.key, record.created, "
                    + "record.updated, \(Self.single.sorted().joined(separator: ", ")), each with a JSON pointer behind it if need be.")
        }
    }
}

/// RFC 6901.
struct JSONPointer: Hashable {
    private let steps: [String]

    init(_ text: String) {
        let parts: [Substring] = text.split(separator: Character("/"), omittingEmptySubsequences: false)
        steps = parts.dropFirst().map(Self.unescaped)
    }

    /// `~1` is a slash, `~0` a tilde.
    private static func unescaped(_ step: Substring) -> String {
        var text = ""
        var rest = step
        while let first = rest.popFirst() {
            if first == "~", let code = rest.first, code == "0" || code == "1" {
                rest.removeFirst()
                text.append(code == "0" ? "~" : "/")
            } else {
                text.append(first)
            }
        }
        return text
    }

    func value(in value: JSONValue) -> JSONValue? {
        var here = value
        for step in steps {
            let next: JSONValue? =
                switch here {
                case .object(let members): members[step]
                case .array(let elements): Int(step).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
                default: nil
                }
            guard let next else { return nil }
            here = next
        }
        return here
    }
}
