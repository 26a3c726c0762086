/// The part of JSON Schema (draft 2020-12) that describes credentials, settings and configurations of providers, and bodies of requests.
///
/// Nothing in it can be made slow by input: no patterns, and each value is looked at once per form. Objects are closed unless they
/// declare no `properties` or say `"additionalProperties": true`; with a schema there, what has no name of its own must fit it.
package struct Schema: Sendable, Hashable {
    enum Kind: String, Sendable, CaseIterable {
        case object, array, string, number, integer, boolean, null
    }

    struct Property: Sendable, Hashable {
        var name: String
        var schema: Schema
    }

    var kinds: [Kind] = []
    var properties: [Property] = []
    var required: [String] = []
    var isOpen = false
    /// What members without a schema of their own must fit; at most one.
    var others: [Schema] = []
    var allowed: [JSONValue]?
    var lengths: ClosedRange<Int> = 0...Int.max
    var minimum: Double?
    var maximum: Double?
    /// At most one: a struct cannot hold itself, an array of it can.
    var items: [Schema] = []
    var format: SchemaFormat?
    var prefixes: [String] = []
    var characters: CharacterClass?
    var forms: [Schema] = []
    /// The value is a secret.
    package private(set) var isWriteOnly = false
    package private(set) var title: String?

    package init(_ json: JSONValue) throws(SchemaError) { try self.init(json, at: "") }

    /// The names of the secret members, of all forms.
    package var secretNames: Set<String> {
        Set(properties.filter(\.schema.isWriteOnly).map(\.name)).union(forms.flatMap(\.secretNames))
    }
}

/// Why a schema is not one that we can apply: what a provider's author has to change, and where.
package struct SchemaError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The place in the schema, as a JSON pointer.
    package let pointer: String
    package let detail: String

    package var description: String { "the schema \(pointer.isEmpty ? "" : "at \(pointer) ")\(detail)" }
}

extension Schema {
    private init(_ json: JSONValue, at pointer: String) throws(SchemaError) {
        guard let object = json.objectValue else { throw SchemaError(pointer: pointer, detail: "is not an object") }
        var closed: Bool?
        for (keyword, value) in object {
            let place = pointer + pointerStep(keyword)
            switch keyword {
            case "type": kinds = try Self.kinds(value, at: place)
            case "properties": properties = try Self.properties(value, at: place)
            case "required": required = try Self.strings(value, at: place)
            case "additionalProperties":
                if value.objectValue != nil { others = [try Schema(value, at: place)] }
                guard let flag = value.boolValue ?? (others.isEmpty ? nil : false) else {
                    throw SchemaError(pointer: place, detail: "must be true, false or a schema")
                }
                closed = !flag
            case "enum":
                guard let values = value.arrayValue, !values.isEmpty else { throw SchemaError(pointer: place, detail: "must list values") }
                allowed = values
            case "const": allowed = [value]
            case "minLength": lengths = try Self.count(value, at: place)...lengths.upperBound
            case "maxLength":
                let limit = try Self.count(value, at: place)
                guard limit >= lengths.lowerBound else { throw SchemaError(pointer: place, detail: "is below minLength") }
                lengths = lengths.lowerBound...limit
            case "minimum": minimum = try Self.number(value, at: place)
            case "maximum": maximum = try Self.number(value, at: place)
            case "items": items = [try Schema(value, at: place)]
            case "format":
                guard let format = value.stringValue.flatMap(SchemaFormat.init) else {
                    throw SchemaError(pointer: place, detail: "must be one of \(SchemaFormat.names)")
                }
                self.format = format
            case "x-prefix": prefixes = try Self.oneOrMore(value, at: place)
            case "x-charset":
                guard let set = value.stringValue.flatMap(CharacterClass.init) else {
                    throw SchemaError(pointer: place, detail: "must list characters and ranges, as in A-Za-z0-9_-")
                }
                characters = set
            case "oneOf":
                guard let values = value.arrayValue, !values.isEmpty else { throw SchemaError(pointer: place, detail: "must list schemas") }
                forms = try Self.forms(values, at: place)
            case "writeOnly":
                guard let flag = value.boolValue else { throw SchemaError(pointer: place, detail: "must be true or false") }
                isWriteOnly = flag
            case "title", "description", "x-help-url", "$schema", "$id", "$comment":
                guard let text = value.stringValue else { throw SchemaError(pointer: place, detail: "must be a string") }
                if keyword == "title" { title = text }
            case "default", "examples", "x-order", "x-placeholder": break
            default: throw SchemaError(pointer: place, detail: "is not in the part of JSON Schema that is understood here")
            }
        }
        isOpen = closed.map { !$0 } ?? (object["properties"] == nil && forms.isEmpty)
        try checkRequired(at: pointer)
        mergeIntoForms()
    }

    private func checkRequired(at pointer: String) throws(SchemaError) {
        for name in required where !isOpen && forms.isEmpty && !properties.contains(where: { $0.name == name }) {
            throw SchemaError(pointer: pointer + "/required", detail: "names \(name), which is not among the properties")
        }
    }

    /// What stands beside `oneOf` holds for each of its forms.
    private mutating func mergeIntoForms() {
        forms = forms.map { form in
            var merged = form
            merged.properties += properties.filter { outer in !form.properties.contains { $0.name == outer.name } }
            merged.required += required.filter { !form.required.contains($0) }
            return merged
        }
    }

    private static func kinds(_ value: JSONValue, at place: String) throws(SchemaError) -> [Kind] {
        let names = try oneOrMore(value, at: place)
        let kinds = names.compactMap(Kind.init)
        guard !kinds.isEmpty, kinds.count == names.count else {
            throw SchemaError(pointer: place, detail: "must be one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return kinds
    }

    private static func properties(_ value: JSONValue, at place: String) throws(SchemaError) -> [Property] {
        guard let members = value.objectValue else { throw SchemaError(pointer: place, detail: "must be an object") }
        var properties: [Property] = []
        for (name, schema) in members {
            properties.append(Property(name: name, schema: try Schema(schema, at: place + pointerStep(name))))
        }
        return properties
    }

    private static func forms(_ values: [JSONValue], at place: String) throws(SchemaError) -> [Schema] {
        var forms: [Schema] = []
        for (index, value) in values.enumerated() {
            let form = try Schema(value, at: place + pointerStep(String(index)))
            guard form.forms.isEmpty else { throw SchemaError(pointer: place, detail: "may not be nested") }
            guard form.kinds.isEmpty || form.kinds == [.object] else { throw SchemaError(pointer: place, detail: "is for objects only") }
            forms.append(form)
        }
        return forms
    }

    private static func oneOrMore(_ value: JSONValue, at place: String) throws(SchemaError) -> [String] {
        if let single = value.stringValue { return [single] }
        return try strings(value, at: place)
    }

    private static func strings(_ value: JSONValue, at place: String) throws(SchemaError) -> [String] {
        guard let elements = value.arrayValue else { throw SchemaError(pointer: place, detail: "must be an array of strings") }
        let strings = elements.compactMap(\.stringValue)
        guard strings.count == elements.count, !strings.isEmpty else {
            throw SchemaError(pointer: place, detail: "must be an array of strings")
        }
        return strings
    }

    private static func count(_ value: JSONValue, at place: String) throws(SchemaError) -> Int {
        guard let count = value.intValue, count >= 0 else { throw SchemaError(pointer: place, detail: "must be a whole number from 0 on") }
        return count
    }

    private static func number(_ value: JSONValue, at place: String) throws(SchemaError) -> Double {
        guard let number = value.doubleValue else { throw SchemaError(pointer: place, detail: "must be a number") }
        return number
    }
}
