/// One JSON value as it crosses a boundary: a request body, a provider's answer, a schema.
///
/// Equality of objects ignores the order of their members, as JSON does.
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    public static func integer(_ value: some BinaryInteger) -> JSONValue { .number(JSONNumber(value)) }

    /// A string, or `null` for `nil`.
    public static func optional(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }

    public subscript(key: String) -> JSONValue? { objectValue?[key] }

    public var isNull: Bool { if case .null = self { true } else { false } }
    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
    public var numberValue: JSONNumber? { if case .number(let value) = self { value } else { nil } }
    /// The number as an integer, when it is one (`1` and `1.0` are, `1.5` is not).
    public var intValue: Int? { numberValue?.int }
    public var doubleValue: Double? { numberValue?.double }
    public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// What JSON calls the value's type, for messages.
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

// Not by `nil`: `object[key] = condition ? nil : value` would then store a null instead of removing the member.
extension JSONValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral,
    ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}

/// A JSON number as it was written, so that money and large integers pass through unchanged.
public struct JSONNumber: Hashable, Sendable {
    /// The literal, in JSON's grammar.
    public let literal: String

    public init(_ value: some BinaryInteger) { literal = String(value) }

    /// `nil` for infinities and NaN, which JSON cannot hold.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        literal = value == value.rounded() && value.magnitude < 1e15 ? String(Int64(value)) : String(value)
    }

    /// `nil` when the text is not a JSON number.
    public init?(literal: String) {
        var parser = JSONParser(Array(literal.utf8), limits: .standard)
        guard let number = try? parser.onlyNumber() else { return nil }
        self = number
    }

    /// `literal` is known to be a JSON number.
    init(validated literal: String) { self.literal = literal }

    public var double: Double { Double(literal) ?? 0 }

    public var int: Int? {
        if let exact = Int(literal) { return exact }
        let value = double
        return value == value.rounded() && value.magnitude <= 9_007_199_254_740_992 ? Int(value) : nil
    }
}
