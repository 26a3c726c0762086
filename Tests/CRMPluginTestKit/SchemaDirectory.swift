package import CRMPluginSDK
internal import Foundation

/// The JSON Schemas of the boundary, and as much of draft 2020-12 as they use.
package struct SchemaDirectory: Sendable {
    private let schemas: [String: JSONValue]

    package init(path: String) throws {
        var schemas: [String: JSONValue] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.hasSuffix(".json") {
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
            schemas[name] = try JSONValue(parsing: Array(data))
        }
        self.schemas = schemas
    }

    package var names: [String] { schemas.keys.sorted() }
    package subscript(name: String) -> JSONValue? { schemas[name] }

    /// What is wrong with `value`; empty when it fits the schema of that name.
    package func problems(_ value: JSONValue, _ name: String) -> [String] {
        guard let schema = schemas[name] else { return ["there is no schema \(name)"] }
        return check(value, schema, in: name, at: "")
    }

    /// Keywords of the schema that `check` would pass over in silence.
    package func unknownKeywords(_ name: String) -> Set<String> {
        schemas[name].map { keywords($0).subtracting(Self.known) } ?? []
    }

    private static let known: Set<String> = [
        "$schema", "$id", "$ref", "$defs", "title", "description", "type", "properties", "required", "items", "enum", "const", "anyOf",
        "oneOf", "additionalProperties", "uniqueItems", "minItems", "minLength", "minimum", "maximum", "pattern", "format",
    ]

    private func keywords(_ schema: JSONValue) -> Set<String> {
        guard let members = schema.objectValue else { return [] }
        var found = Set(members.keys)
        for key in ["properties", "$defs"] {
            for (_, child) in members[key]?.objectValue ?? [:] { found.formUnion(keywords(child)) }
        }
        for key in ["items", "additionalProperties"] { found.formUnion(members[key].map(keywords) ?? []) }
        for key in ["anyOf", "oneOf"] {
            for child in members[key]?.arrayValue ?? [] { found.formUnion(keywords(child)) }
        }
        return found
    }

    private func check(_ value: JSONValue, _ schema: JSONValue, in file: String, at place: String) -> [String] {
        guard let schema = schema.objectValue else { return schema == false ? ["\(place) is not allowed"] : [] }
        var problems: [String] = []
        if let reference = schema["$ref"]?.stringValue { problems += follow(reference, value, in: file, at: place) }
        if let type = schema["type"], !Self.hasType(value, type) { problems.append("\(place) is not of type \(type.text)") }
        if let choices = schema["enum"]?.arrayValue, !choices.contains(value) { problems.append("\(place) is none of the choices") }
        if let constant = schema["const"], constant != value { problems.append("\(place) is not \(constant.text)") }
        if let options = schema["anyOf"]?.arrayValue, !options.contains(where: { check(value, $0, in: file, at: place).isEmpty }) {
            problems.append("\(place) fits no alternative")
        }
        if let options = schema["oneOf"]?.arrayValue, options.count(where: { check(value, $0, in: file, at: place).isEmpty }) != 1 {
            problems.append("\(place) does not fit exactly one alternative")
        }
        switch value {
        case .object(let members): problems += checkObject(members, schema, in: file, at: place)
        case .array(let elements): problems += checkArray(elements, schema, in: file, at: place)
        case .string(let text): problems += Self.checkText(text, schema, at: place)
        case .number(let number):
            if let minimum = schema["minimum"]?.doubleValue, number.double < minimum { problems.append("\(place) is too small") }
            if let maximum = schema["maximum"]?.doubleValue, number.double > maximum { problems.append("\(place) is too large") }
        case .null, .bool: break
        }
        return problems
    }

    private func checkObject(_ members: JSONObject, _ schema: JSONObject, in file: String, at place: String) -> [String] {
        var problems: [String] = []
        for case let name? in (schema["required"]?.arrayValue ?? []).map(\.stringValue) where members[name] == nil {
            problems.append("\(place)/\(name) is missing")
        }
        for (name, member) in members {
            if let known = schema["properties"]?[name] {
                problems += check(member, known, in: file, at: "\(place)/\(name)")
            } else if let other = schema["additionalProperties"] {
                problems += check(member, other, in: file, at: "\(place)/\(name)")
            }
        }
        return problems
    }

    private func checkArray(_ elements: [JSONValue], _ schema: JSONObject, in file: String, at place: String) -> [String] {
        var problems: [String] = []
        if let minimum = schema["minItems"]?.intValue, elements.count < minimum { problems.append("\(place) has too few items") }
        if schema["uniqueItems"] == true, Set(elements).count != elements.count { problems.append("\(place) repeats an item") }
        guard let items = schema["items"] else { return problems }
        for (index, element) in elements.enumerated() { problems += check(element, items, in: file, at: "\(place)/\(index)") }
        return problems
    }

    private static func checkText(_ text: String, _ schema: JSONObject, at place: String) -> [String] {
        var problems: [String] = []
        if let minimum = schema["minLength"]?.intValue, text.unicodeScalars.count < minimum { problems.append("\(place) is too short") }
        if let pattern = schema["pattern"]?.stringValue, text.range(of: pattern, options: .regularExpression) == nil {
            problems.append("\(place) does not match \(pattern)")
        }
        if schema["format"] == "date-time", text.range(of: timePattern, options: .regularExpression) == nil {
            problems.append("\(place) is not a time in UTC")
        }
        if schema["format"] == "uri", URL(string: text)?.scheme == nil { problems.append("\(place) is not a URI") }
        if schema["format"] == "email", !text.contains("@") { problems.append("\(place) is not an e-mail address") }
        return problems
    }

    private static let timePattern = #"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"#

    private func follow(_ reference: String, _ value: JSONValue, in file: String, at place: String) -> [String] {
        let parts = reference.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let target = parts[0].isEmpty ? file : String(parts[0])
        var schema = schemas[target]
        for name in parts.count > 1 ? parts[1].split(separator: "/") : [] { schema = schema?[String(name)] }
        guard let schema else { return ["\(reference) leads nowhere"] }
        return check(value, schema, in: target, at: place)
    }

    private static func hasType(_ value: JSONValue, _ type: JSONValue) -> Bool {
        if let types = type.arrayValue { return types.contains { hasType(value, $0) } }
        return type.stringValue == value.typeName || (type == "integer" && value.intValue != nil)
    }
}
