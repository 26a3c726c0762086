import CRMCore

/// A comparison of one column with literals of its type.
struct SalesforceMatch {
    private let comparison: SalesforceQuery.Operator
    private let isCaseSensitive: Bool
    private let values: [JSONValue]

    init(
        _ field: SalesforceField, _ comparison: SalesforceQuery.Operator, _ literals: [SalesforceQuery.Literal]
    ) throws(SalesforceRefusal) {
        self.comparison = comparison
        isCaseSensitive = field.isCaseSensitive
        var values: [JSONValue] = []
        for literal in literals { values.append(try Self.value(literal, for: field, isPattern: comparison == .like)) }
        self.values = values
        let isOrdering = [.less, .lessOrEqual, .greater, .greaterOrEqual].contains(comparison)
        if comparison == .like && !field.isText || isOrdering && field.typeName == "boolean" {
            throw SalesforceRefusal("INVALID_FIELD", "invalid operator on \(field.typeName) field", fields: [field.name])
        }
    }

    func accepts(_ value: JSONValue) -> Bool {
        switch comparison {
        case .equal, .isIn: return values.contains { isSame(value, $0) }
        case .unequal, .isNotIn: return !values.contains { isSame(value, $0) }
        case .like: return value.stringValue.map { text in values.contains { Self.isLike(text, $0.stringValue ?? "") } } ?? false
        case .less: return compare(value) { Self.isBefore($0, $1) }
        case .lessOrEqual: return compare(value) { !Self.isBefore($1, $0) }
        case .greater: return compare(value) { Self.isBefore($1, $0) }
        case .greaterOrEqual: return compare(value) { !Self.isBefore($0, $1) }
        }
    }

    /// Times and dates are kept in a form that sorts as text.
    static func isBefore(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let left = left.doubleValue, let right = right.doubleValue { return left < right }
        return (left.stringValue ?? left.text).lowercased() < (right.stringValue ?? right.text).lowercased()
    }

    private func compare(_ value: JSONValue, _ test: (JSONValue, JSONValue) -> Bool) -> Bool {
        guard !value.isNull, let bound = values.first, !bound.isNull else { return false }
        return test(value, bound)
    }

    private func isSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let left = left.doubleValue, let right = right.doubleValue { return left == right }
        guard !isCaseSensitive, let left = left.stringValue, let right = right.stringValue else { return left == right }
        return left.lowercased() == right.lowercased()
    }

    private static func value(
        _ literal: SalesforceQuery.Literal, for field: SalesforceField, isPattern: Bool
    ) throws(SalesforceRefusal) -> JSONValue {
        switch (field.kind, literal) {
        case (_, .null): return .null
        case (.boolean, .bool(let value)): return .bool(value)
        case (.double, .number(let value)): return JSONNumber(value).map(JSONValue.number) ?? .null
        case (.date, .date(let day)): return .string(day)
        case (.datetime, .time(let time)): return .string(SalesforceTime.text(time))
        case (.id, .text(let text)), (.reference, .text(let text)):
            guard let id = SalesforceID(text) else {
                throw SalesforceRefusal("INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: \(text.prefix(40))", fields: [field.name])
            }
            return .string(id.text)
        case (_, .text(let text)) where field.isText: return .string(isPattern ? text : plain(text))
        default:
            throw SalesforceRefusal(
                "INVALID_FIELD",
                "value of filter criterion for field '\(field.name)' must be of type \(field.typeName) and written as such",
                fields: [field.name])
        }
    }

    /// Outside of LIKE, the two wildcards mean themselves.
    private static func plain(_ text: String) -> String { text.replacing("\\%", with: "%").replacing("\\_", with: "_") }

    private static func isLike(_ text: String, _ pattern: String) -> Bool {
        var parts: [Part] = []
        var isEscaped = false
        for character in pattern.lowercased() {
            if isEscaped {
                parts.append(.only(character))
            } else if character == "%" {
                parts.append(.anything)
            } else if character == "_" {
                parts.append(.anyOne)
            } else if character != "\\" {
                parts.append(.only(character))
            }
            isEscaped = character == "\\" && !isEscaped
        }
        return matches(Array(text.lowercased())[...], parts[...])
    }

    private enum Part {
        case anything, anyOne
        case only(Character)
    }

    private static func matches(_ text: ArraySlice<Character>, _ pattern: ArraySlice<Part>) -> Bool {
        var (text, pattern) = (text, pattern)
        /// Where to go on when a part does not fit: after the last `%`, one character further.
        var retry: (text: ArraySlice<Character>, pattern: ArraySlice<Part>)?
        while true {
            switch (pattern.first, text.first) {
            case (.anything, _):
                pattern = pattern.dropFirst()
                retry = (text, pattern)
                continue
            case (.anyOne, .some): break
            case (.only(let wanted), .some(let character)) where wanted == character: break
            case (nil, nil): return true
            default:
                guard let last = retry, !last.text.isEmpty else { return false }
                text = last.text.dropFirst()
                pattern = last.pattern
                retry = (text, pattern)
                continue
            }
            text = text.dropFirst()
            pattern = pattern.dropFirst()
        }
    }
}
