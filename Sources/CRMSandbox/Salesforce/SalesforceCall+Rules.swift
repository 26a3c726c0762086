import CRMCore

extension SalesforceCall {
    /// What an organization asks of a whole record, new or changed.
    func check(
        _ row: SalesforceTable.Row, of object: SalesforceObject, id: SalesforceID?, allowsDuplicates: Bool
    ) throws(SalesforceRefusal) {
        let missing = object.fields.filter { $0.isRequired && (row[$0.name] ?? .null).isNull }.map(\.name)
        guard missing.isEmpty else {
            throw SalesforceRefusal(
                "REQUIRED_FIELD_MISSING", "Required fields are missing: [\(missing.joined(separator: ", "))]", fields: missing)
        }
        for field in object.fields {
            guard let value = row[field.name], !value.isNull else { continue }
            try field.check(value)
            try checkReference(value, field)
            try checkUniqueness(value, field, object, id)
        }
        if let birth = row["Birthdate"]?.stringValue, birth > SalesforceTime.day(now) {
            throw SalesforceRefusal(
                "FIELD_CUSTOM_VALIDATION_EXCEPTION", "The date of birth must not lie in the future.", fields: ["Birthdate"])
        }
        if object.name == "Contact" { try checkDuplicates(row, object, id, allowsDuplicates) }
    }

    private func checkReference(_ value: JSONValue, _ field: SalesforceField) throws(SalesforceRefusal) {
        guard let (_, targets) = field.relationship, let text = value.stringValue else { return }
        guard let id = SalesforceID(text), let object = targets.compactMap({ org.object($0) }).first(where: { $0.prefix == id.prefix })
        else {
            throw SalesforceRefusal("MALFORMED_ID", "\(field.label): id value of incorrect type: \(text.prefix(40))", fields: [field.name])
        }
        guard org.row(id, of: object.name) != nil else {
            throw SalesforceRefusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields: [field.name])
        }
    }

    private func checkUniqueness(
        _ value: JSONValue, _ field: SalesforceField, _ object: SalesforceObject, _ id: SalesforceID?
    ) throws(SalesforceRefusal) {
        guard field.isUnique, let text = value.stringValue,
            let other = org.tables[object.name]?.ids(where: field, equals: text).first(where: { $0 != id })
        else { return }
        throw SalesforceRefusal(
            "DUPLICATE_VALUE", "duplicate value found: \(field.name) duplicates value on record with id: \(other.short)")
    }

    /// The organization's duplicate rule, when it has one: no two contacts with one address.
    private func checkDuplicates(
        _ row: SalesforceTable.Row, _ object: SalesforceObject, _ id: SalesforceID?, _ allowsDuplicates: Bool
    ) throws(SalesforceRefusal) {
        let rule = org.settings.duplicateRule
        guard rule == .block || rule == .alert && !allowsDuplicates, let email = row["Email"]?.stringValue,
            let field = object.field("Email"),
            org.tables[object.name]?.ids(where: field, equals: email).contains(where: { $0 != id }) == true
        else { return }
        throw SalesforceRefusal("DUPLICATES_DETECTED", "Use one of these records?")
    }
}
