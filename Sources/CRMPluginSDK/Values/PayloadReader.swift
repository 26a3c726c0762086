/// Reads the members of a JSON object that is known by name: `null` counts as absent, unknown members are nobody's business, and
/// a value of the wrong type is refused with the place where it stands.
struct PayloadReader {
    private let members: JSONObject
    /// Where the object stands: the parent's place and the name in it. Joined only when something is refused.
    private let parent: String
    private let name: String

    init(_ members: JSONObject, in parent: String = "", named name: String = "") {
        self.members = members
        self.parent = parent
        self.name = name
    }

    init(_ value: JSONValue, at pointer: String) throws(CRMError) {
        guard let members = value.objectValue else { throw Self.refusal(pointer, expected: "an object") }
        self.init(members, in: pointer)
    }

    func string(_ key: String) throws(CRMError) -> String? {
        guard let value = members[key] else { return nil }
        switch value {
        case .string(let text): return text
        case .null: return nil
        default: throw Self.refusal("\(pointer)/\(key)", expected: "a string")
        }
    }

    func object(_ key: String) throws(CRMError) -> JSONObject? {
        guard let value = members[key] else { return nil }
        switch value {
        case .object(let members): return members
        case .null: return nil
        default: throw Self.refusal("\(pointer)/\(key)", expected: "an object")
        }
    }

    func reader(_ key: String) throws(CRMError) -> PayloadReader? {
        guard let object = try object(key) else { return nil }
        return PayloadReader(object, in: pointer, named: key)
    }

    func array(_ key: String) throws(CRMError) -> [JSONValue]? {
        guard let value = members[key], !value.isNull else { return nil }
        guard let elements = value.arrayValue else { throw Self.refusal("\(pointer)/\(key)", expected: "an array") }
        return elements
    }

    func required<Value>(_ key: String, _ value: Value?) throws(CRMError) -> Value {
        guard let value else { throw refusal(key, "is missing") }
        return value
    }

    func refusal(_ key: String, _ problem: String) -> CRMError {
        Self.refusal("\(pointer)/\(key)", problem)
    }

    private var pointer: String { name.isEmpty ? parent : parent + "/" + name }

    private static func refusal(_ pointer: String, expected: String) -> CRMError { refusal(pointer, "is not \(expected)") }

    private static func refusal(_ pointer: String, _ problem: String) -> CRMError {
        CRMError(
            .invalidArgument, code: "invalid_payload", message: "\(pointer.isEmpty ? "the payload" : pointer) \(problem)",
            details: ["pointer": .string(pointer)])
    }
}
