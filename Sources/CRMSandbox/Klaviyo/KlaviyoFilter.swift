import CRMCore

/// The part of Klaviyo's filter language that lists of profiles and events know: comparisons, joined by commas or `and(…)`.
struct KlaviyoFilter {
    struct Condition {
        let comparison: String
        let field: String
        let values: [String]
    }

    let conditions: [Condition]

    init(_ text: String) throws(KlaviyoRefusal) {
        var reader = FilterReader(text)
        conditions = text.isEmpty ? [] : try reader.conditions()
        for condition in conditions { try Self.check(condition) }
    }

    /// Ids worth looking at: what the index knows when the filter names an identifier, otherwise all.
    func candidates(in account: KlaviyoAccount) -> [String] {
        guard let condition = conditions.first(where: { Self.identifiers.contains($0.field) }) else { return account.profileIDs }
        var found: [String] = []
        for value in condition.values {
            let id = condition.field == "id" ? value : account.owner(of: KlaviyoProfileKey(condition.field, value))
            if let id, !found.contains(id) { found.append(id) }
        }
        return found
    }

    func accepts(_ profile: KlaviyoProfile) -> Bool {
        conditions.allSatisfy { condition in
            switch condition.field {
            case "id": condition.values.contains(profile.id)
            case "created": Self.compare(profile.created, condition)
            case "updated": Self.compare(profile.updated, condition)
            default:
                condition.values.contains { value in profile.keys.contains(KlaviyoProfileKey(condition.field, value)) }
            }
        }
    }

    private static let identifiers: Set<String> = ["id", "email", "phone_number", "external_id"]

    private static func check(_ condition: Condition) throws(KlaviyoRefusal) {
        switch (condition.comparison, condition.field) {
        case ("equals", let field) where identifiers.contains(field) && condition.values.count == 1: return
        case ("any", let field) where identifiers.contains(field): return
        case ("equals", "profile_id"), ("equals", "metric_id"): return
        case ("greater-than", "created"), ("less-than", "created"), ("greater-than", "updated"), ("less-than", "updated"):
            guard condition.values.count == 1, Timestamp(rfc3339: condition.values[0]) != nil else {
                throw .invalidParameter("filter", "'\(condition.field)' is compared with a date-time.")
            }
        default:
            throw .invalidParameter("filter", "'\(condition.comparison.prefix(40))' is not possible with '\(condition.field.prefix(40))'.")
        }
    }

    private static func compare(_ time: Timestamp, _ condition: Condition) -> Bool {
        guard let bound = condition.values.first.flatMap({ Timestamp(rfc3339: $0) }) else { return false }
        return condition.comparison == "greater-than" ? time > bound : time < bound
    }
}

/// Reads `name(field,value)`; values are JSON strings, JSON arrays of strings, or bare text up to the parenthesis.
private struct FilterReader {
    private let text: [UInt8]
    private var position = 0

    init(_ text: String) { self.text = Array(text.utf8) }

    mutating func conditions() throws(KlaviyoRefusal) -> [KlaviyoFilter.Condition] {
        let found = try list()
        guard position == text.count else { throw malformed }
        return found
    }

    private mutating func list() throws(KlaviyoRefusal) -> [KlaviyoFilter.Condition] {
        var found: [KlaviyoFilter.Condition] = []
        repeat { found += try condition() } while take(",")
        return found
    }

    private mutating func condition() throws(KlaviyoRefusal) -> [KlaviyoFilter.Condition] {
        let comparison = word()
        guard !comparison.isEmpty, take("(") else { throw malformed }
        if comparison == "and" {
            let inner = try list()
            guard take(")") else { throw malformed }
            return inner
        }
        let field = word()
        guard !field.isEmpty, take(",") else { throw malformed }
        let values = try values()
        guard take(")") else { throw malformed }
        return [KlaviyoFilter.Condition(comparison: comparison, field: field, values: values)]
    }

    private mutating func values() throws(KlaviyoRefusal) -> [String] {
        let start = position
        var isQuoted = false
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: "\\"), isQuoted { position += 1 }
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: ")"), !isQuoted { break }
            position += 1
        }
        guard position < text.count, start < position else { throw malformed }
        let value = Array(text[start..<position])
        switch value.first {
        case UInt8(ascii: "\""):
            guard let string = try? JSONValue(parsing: value).stringValue else { throw malformed }
            return [string]
        case UInt8(ascii: "["):
            guard let elements = try? JSONValue(parsing: value).arrayValue, !elements.isEmpty, elements.count <= 100 else {
                throw malformed
            }
            let strings = elements.compactMap(\.stringValue)
            guard strings.count == elements.count else { throw malformed }
            return strings
        default:
            return [String(decoding: value, as: UTF8.self)]
        }
    }

    private mutating func word() -> String {
        let start = position
        while position < text.count,
            ![UInt8(ascii: "("), UInt8(ascii: ","), UInt8(ascii: ")"), UInt8(ascii: "\"")].contains(text[position])
        {
            position += 1
        }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private var malformed: KlaviyoRefusal { .invalidParameter("filter", "The filter is malformed near position \(position).") }
}
