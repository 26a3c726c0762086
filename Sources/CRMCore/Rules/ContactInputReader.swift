/// Brings the members of an object of input into their normal form and notes what cannot be.
///
/// What has the wrong type is left alone: the schema has said so already.
struct InputReader {
    private(set) var fields: JSONObject
    private(set) var violations: [SchemaViolation] = []
    private let pointer: String

    /// An empty text says nothing and is left out.
    init(_ members: JSONObject, at pointer: String = "") {
        fields = JSONObject(members.filter { $0.value != .string("") }.map { ($0.key, $0.value) })
        self.pointer = pointer
    }

    mutating func refuse(_ name: String, _ code: SchemaViolation.Code, _ detail: String) {
        violations.append(SchemaViolation(pointer: pointer + pointerStep(name), code: code, detail: detail))
    }

    mutating func replaceText(_ name: String, _ code: SchemaViolation.Code, _ detail: String, _ normal: (String) -> String?) {
        guard let text = fields[name]?.stringValue else { return }
        if let replacement = normal(text) { fields[name] = .string(replacement) } else { refuse(name, code, detail) }
    }

    mutating func descend(_ name: String, _ body: (inout InputReader) -> Void) {
        guard let members = fields[name]?.objectValue else { return }
        var inner = InputReader(members, at: pointer + pointerStep(name))
        body(&inner)
        fields[name] = inner.fields.isEmpty ? nil : .object(inner.fields)
        violations += inner.violations
    }

    /// `properties` is open, so its size and depth are what is checked.
    mutating func checkProperties() {
        guard let properties = fields["properties"]?.objectValue else { return }
        if properties.isEmpty { fields["properties"] = nil }
        if properties.count > 400 { refuse("properties", .tooManyValues, "may have at most 400 members") }
        let place = pointer + "/properties"
        for (name, value) in properties {
            if !(1...255).contains(name.unicodeScalars.count) {
                violations.append(
                    SchemaViolation(
                        pointer: place + pointerStep(name), code: name.isEmpty ? .tooShort : .tooLong,
                        detail: "must have a name of 1 to 255 characters"))
            }
            if value.isDeeper(than: 8) {
                violations.append(
                    SchemaViolation(pointer: place + pointerStep(name), code: .tooDeep, detail: "may be nested at most 8 levels deep"))
            }
        }
    }
}

extension JSONValue {
    fileprivate func isDeeper(than levels: Int) -> Bool {
        switch self {
        case .array(let elements): levels == 0 || elements.contains { $0.isDeeper(than: levels - 1) }
        case .object(let members): levels == 0 || members.contains { $0.value.isDeeper(than: levels - 1) }
        default: false
        }
    }
}
