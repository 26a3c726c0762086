import CRMCore

/// A value of a request body together with the JSON pointer under which an error about it is reported.
struct KlaviyoField {
    let value: JSONValue
    let pointer: String

    /// `nil` when the member is absent; a member that is `null` is there.
    subscript(name: String) -> KlaviyoField? {
        value[name].map { KlaviyoField(value: $0, pointer: "\(pointer)/\(name)") }
    }

    func required(_ name: String) throws(KlaviyoRefusal) -> KlaviyoField {
        guard let field = self[name], !field.value.isNull else {
            throw .invalid("The field '\(name)' is required.", at: "\(pointer)/\(name)")
        }
        return field
    }

    /// `nil` for absent and for `null`.
    func optional(_ name: String) -> KlaviyoField? {
        self[name].flatMap { $0.value.isNull ? nil : $0 }
    }

    func object() throws(KlaviyoRefusal) -> JSONObject {
        guard let object = value.objectValue else { throw wrongType("an object") }
        return object
    }

    func string() throws(KlaviyoRefusal) -> String {
        guard let string = value.stringValue else { throw wrongType("a string") }
        return string
    }

    func bool() throws(KlaviyoRefusal) -> Bool {
        guard let bool = value.boolValue else { throw wrongType("a boolean") }
        return bool
    }

    func elements() throws(KlaviyoRefusal) -> [KlaviyoField] {
        guard let elements = value.arrayValue else { throw wrongType("an array") }
        return elements.enumerated().map { KlaviyoField(value: $1, pointer: "\(pointer)/\($0)") }
    }

    func onlyMembers(_ known: Set<String>, of resource: String) throws(KlaviyoRefusal) {
        for name in try object().keys where !known.contains(name) {
            throw .invalid("'\(name.prefix(80))' is not a valid field for the resource '\(resource)'.", at: "\(pointer)/\(name.prefix(80))")
        }
    }

    /// The object under `data` (or this one), which must name its JSON:API type.
    func resource(_ type: String, members: Set<String> = ["type", "attributes"]) throws(KlaviyoRefusal) -> KlaviyoField {
        try onlyMembers(members, of: type)
        let given = try required("type")
        guard try given.string() == type else { throw .invalid("The type must be '\(type)'.", at: given.pointer) }
        return self
    }

    private func wrongType(_ wanted: String) -> KlaviyoRefusal { .invalid("This must be \(wanted), not \(value.typeName).", at: pointer) }
}
