/// Reads the members of a JSON object that is known by name: `null` counts as absent, unknown members are nobody's business, and
/// a value of the wrong type is refused with the place where it stands.
struct PayloadReader {
    private let members: JSONObject
    private let pointer: String

    init(_ value: JSONValue, at pointer: String = "") throws(CRMError) {
        guard let members = value.objectValue else { throw Self.refusal(pointer, expected: "an object") }
        self.members = members
        self.pointer = pointer
    }

    func string(_ key: String) throws(CRMError) -> String? {
        try read(key, "a string") { $0.stringValue }
    }

    func object(_ key: String) throws(CRMError) -> JSONObject? {
        try read(key, "an object") { $0.objectValue }
    }

    func reader(_ key: String) throws(CRMError) -> PayloadReader? {
        guard let object = try object(key) else { return nil }
        return try PayloadReader(.object(object), at: "\(pointer)/\(key)")
    }

    func array(_ key: String) throws(CRMError) -> [JSONValue]? {
        try read(key, "an array") { $0.arrayValue }
    }

    func required<Value>(_ key: String, _ value: Value?) throws(CRMError) -> Value {
        guard let value else { throw refusal(key, "is missing") }
        return value
    }

    func refusal(_ key: String, _ problem: String) -> CRMError {
        Self.refusal("\(pointer)/\(key)", problem)
    }

    private func read<Value>(_ key: String, _ expected: String, _ convert: (JSONValue) -> Value?) throws(CRMError) -> Value? {
        guard let value = members[key], !value.isNull else { return nil }
        guard let converted = convert(value) else { throw Self.refusal("\(pointer)/\(key)", expected: expected) }
        return converted
    }

    private static func refusal(_ pointer: String, expected: String) -> CRMError { refusal(pointer, "is not \(expected)") }

    private static func refusal(_ pointer: String, _ problem: String) -> CRMError {
        CRMError(
            .invalidArgument, code: "invalid_payload", message: "\(pointer.isEmpty ? "the payload" : pointer) \(problem)",
            details: ["pointer": .string(pointer)])
    }
}
