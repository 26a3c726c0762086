import CRMCore
import Yams

/// A YAML mapping read key by key, with errors that name the key and its line.
struct YAMLMapping {
    private let mapping: Node.Mapping
    /// `egress.` for what is inside `egress`.
    private let path: String

    /// An alias can make a short document very large.
    private static let maximumNodes = 10_000

    init(document: String) throws(ProviderEntryError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: document)
        } catch let error as YamlError {
            throw ProviderEntryError(yaml: error)
        } catch {
            throw ProviderEntryError("cannot be read as YAML")
        }
        guard let root else { throw ProviderEntryError("the file is empty") }
        guard case .mapping(let mapping) = root else {
            throw ProviderEntryError("expected a mapping with library: and so on", line: root.mark?.line)
        }
        self.init(mapping: mapping, path: "")
    }

    private init(mapping: Node.Mapping, path: String) {
        self.mapping = mapping
        self.path = path
    }

    func error(_ key: String, _ reason: String) -> ProviderEntryError {
        ProviderEntryError("\(path)\(key) \(reason)", line: node(key)?.mark?.line)
    }

    func allowOnly(_ keys: [String]) throws(ProviderEntryError) {
        for (key, _) in mapping where !keys.contains(key.string ?? "") {
            let list = keys.map { path + $0 }.joined(separator: ", ")
            throw ProviderEntryError("unknown key \(path)\(key.string ?? "?"); known are \(list)", line: key.mark?.line)
        }
    }

    func text(_ key: String) throws(ProviderEntryError) -> String? {
        guard let node = node(key), !node.isNull else { return nil }
        guard case .scalar(let scalar) = node else { throw error(key, "must be a string") }
        return scalar.string
    }

    func flag(_ key: String) throws(ProviderEntryError) -> Bool? {
        guard let node = node(key), !node.isNull else { return nil }
        guard let flag = node.bool else { throw error(key, "must be true or false") }
        return flag
    }

    func integer(_ key: String, in range: ClosedRange<Int>) throws(ProviderEntryError) -> Int? {
        guard let node = node(key), !node.isNull else { return nil }
        guard let value = node.int, range.contains(value) else {
            throw error(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func texts(_ key: String) throws(ProviderEntryError) -> [String]? {
        guard let node = node(key), !node.isNull else { return nil }
        guard case .sequence(let sequence) = node else { throw error(key, "must be a list of strings") }
        var texts: [String] = []
        for element in sequence {
            guard case .scalar(let scalar) = element else { throw error(key, "must be a list of strings") }
            texts.append(scalar.string)
        }
        return texts
    }

    func mapping(_ key: String) throws(ProviderEntryError) -> YAMLMapping? {
        guard let node = node(key), !node.isNull else { return nil }
        guard case .mapping(let mapping) = node else { throw error(key, "must be a mapping") }
        return YAMLMapping(mapping: mapping, path: "\(path)\(key).")
    }

    /// The whole mapping as JSON.
    func json() throws(ProviderEntryError) -> JSONObject {
        var budget = Self.maximumNodes
        return try json(mapping, &budget)
    }

    private func node(_ key: String) -> Node? { mapping.first { $0.key.string == key }?.value }

    private func json(_ mapping: Node.Mapping, _ budget: inout Int) throws(ProviderEntryError) -> JSONObject {
        var object = JSONObject()
        for (key, value) in mapping {
            guard let name = key.string else { throw ProviderEntryError("\(path)* has a key that is not a string", line: key.mark?.line) }
            object[name] = try json(value, &budget)
        }
        return object
    }

    private func json(_ node: Node, _ budget: inout Int) throws(ProviderEntryError) -> JSONValue {
        budget -= 1
        guard budget > 0 else { throw ProviderEntryError("\(path)* is too large", line: node.mark?.line) }
        switch node {
        case .mapping(let mapping): return .object(try json(mapping, &budget))
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence { elements.append(try json(element, &budget)) }
            return .array(elements)
        case .scalar(let scalar):
            // Quoted text is text, whatever it looks like.
            guard scalar.style == .plain else { return .string(scalar.string) }
            if node.isNull { return .null }
            if let flag = node.bool { return .bool(flag) }
            if let number = node.int { return .integer(number) }
            if let number = node.float { return JSONNumber(number).map(JSONValue.number) ?? .string(scalar.string) }
            return .string(scalar.string)
        case .alias: throw ProviderEntryError("\(path)* has an alias that leads nowhere", line: node.mark?.line)
        }
    }
}

extension Node {
    fileprivate var isNull: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}

extension ProviderEntryError {
    init(yaml error: YamlError) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            self.init("not YAML: \(problem)", line: mark.line)
        case .duplicatedKeysInMapping(let keys, _):
            self.init("the same key twice: \(keys.map { $0.description }.joined(separator: ", "))")
        case .reader, .dataCouldNotBeDecoded:
            self.init("not YAML: not UTF-8 text")
        default:
            self.init("not YAML")
        }
    }
}
