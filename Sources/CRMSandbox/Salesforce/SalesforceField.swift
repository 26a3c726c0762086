import CRMCore

/// A column of an object: what it takes, and what describe says of it.
struct SalesforceField {
    enum Kind {
        case id
        case string
        /// Long ones cannot be compared in a query.
        case textarea(isLong: Bool)
        case email
        case phone
        case boolean
        case double(scale: Int)
        case date
        case datetime
        case picklist([String], isRestricted: Bool)
        case reference([String], relationship: String)
    }

    var name: String
    var label: String
    var kind: Kind
    var length = 0
    var isRequired = false
    var isExternalID = false
    var isUnique = false
    var isCreateable = true
    var isUpdateable = true
    /// What a new record gets when nobody says otherwise.
    var initial = JSONValue.null

    var isCustom: Bool { name.hasSuffix("__c") }
    var isIndexed: Bool { isExternalID || isUnique || name == "Email" || name == "WhoId" || name == "Contact__c" }
    var isFilterable: Bool { if case .textarea(isLong: true) = kind { false } else { true } }
    /// Text in unique columns is compared as it is written; elsewhere, upper and lower case are the same.
    var isCaseSensitive: Bool { isUnique || isExternalID }

    var relationship: (name: String, targets: [String])? {
        if case .reference(let targets, let relationship) = kind { (relationship, targets) } else { nil }
    }

    var typeName: String {
        switch kind {
        case .id: "id"
        case .string: "string"
        case .textarea: "textarea"
        case .email: "email"
        case .phone: "phone"
        case .boolean: "boolean"
        case .double: "double"
        case .date: "date"
        case .datetime: "datetime"
        case .picklist: "picklist"
        case .reference: "reference"
        }
    }

    var isNumber: Bool { if case .double = kind { true } else { false } }
    var isText: Bool {
        switch kind {
        case .boolean, .double, .date, .datetime: false
        default: true
        }
    }

    /// The value in the type that the column has; text that is empty is no value.
    func typed(_ value: JSONValue) throws(SalesforceRefusal) -> JSONValue {
        switch (kind, value) {
        case (.boolean, .bool), (.double, .number): return value
        case (.boolean, .null): throw wrongType(value)
        case (_, .null): return .null
        case (.date, .string(let text)):
            guard Timestamp(rfc3339: "\(text)T00:00:00Z") != nil else { throw wrongType(value) }
            return value
        case (.datetime, .string(let text)):
            guard let time = SalesforceTime.parse(text) else { throw wrongType(value) }
            return .string(SalesforceTime.text(time))
        case (.boolean, _), (.double, _), (.date, _), (.datetime, _): throw wrongType(value)
        case (_, .string(let text)):
            let trimmed = text.trimmingSpace
            return trimmed.isEmpty ? .null : .string(trimmed)
        default: throw wrongType(value)
        }
    }

    /// What the column refuses although the type is right.
    func check(_ value: JSONValue) throws(SalesforceRefusal) {
        guard let text = value.stringValue else { return }
        if length > 0, text.unicodeScalars.count > length {
            throw SalesforceRefusal(
                "STRING_TOO_LONG", "\(label): data value too large: \(text.prefix(255)) (max length=\(length))", fields: [name])
        }
        switch kind {
        case .email where !EmailAddressRule.accepts(text):
            throw SalesforceRefusal("INVALID_EMAIL_ADDRESS", "\(label): invalid email address: \(text)", fields: [name])
        case .picklist(let values, isRestricted: true) where !values.contains(text):
            throw SalesforceRefusal(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "\(label): bad value for restricted picklist field: \(text.prefix(255))",
                fields: [name])
        default: return
        }
    }

    private func wrongType(_ value: JSONValue) -> SalesforceRefusal {
        .unreadable("Cannot deserialize instance of \(typeName) from VALUE_\(value.typeName.uppercased()) value \(value.text.prefix(80))")
    }
}

/// Date-times as Salesforce writes them: milliseconds, and an offset without a colon.
enum SalesforceTime {
    static func text(_ time: Timestamp) -> String { time.description.dropLast() + "+0000" }

    /// With a colon in the offset or without.
    static func parse(_ text: String) -> Timestamp? {
        if let time = Timestamp(rfc3339: text) { return time }
        guard let sign = text.utf8.dropLast(4).last, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
        return Timestamp(rfc3339: "\(text.dropLast(2)):\(text.suffix(2))")
    }

    static func day(_ time: Timestamp) -> String { String(time.description.prefix(10)) }
}

extension String {
    fileprivate var trimmingSpace: String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }
        let scalars = unicodeScalars.drop(while: isSpace)
        return String(String.UnicodeScalarView(scalars.reversed().drop(while: isSpace).reversed()))
    }
}
