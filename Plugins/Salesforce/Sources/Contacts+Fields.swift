internal import CRMPluginSDK

/// A contact as Salesforce's fields, with what had to be left out on the way.
struct Draft {
    private(set) var values = JSONObject()
    private(set) var warnings: [Warning] = []
    /// Field → our name, for warnings.
    private var places: [String: String] = [:]
    /// What identifies the contact is never left out.
    private var kept: Set<String> = []
    /// Made from what is there, for a record that may be new.
    private let spareLastName: String?
    let lastNameField: String
    /// Boxes of opt-outs that a consent would untick.
    private var grants: [(field: String, place: String)] = []
    /// Two upserts of one new key at once: the second attempt finds the record.
    var hasMetDuplicate = false

    private let object: String

    /// Nothing yet, for a record of any object.
    init(object: String) {
        self.object = object
        lastNameField = "LastName"
        spareLastName = nil
    }

    /// `null` clears a field in Salesforce: what was not said is not sent.
    init(_ contact: Contact, _ settings: Settings, _ description: ObjectDescription) {
        object = "Contact"
        lastNameField = settings.fields[.lastName] ?? "LastName"
        spareLastName = Self.spareLastName(contact, settings)
        for (field, value) in contact.values {
            guard let name = settings.fields[field] else {
                warn(
                    "salesforce.unmapped_field", field.place, "no field of Contact is named for it in settings.fields; the rest was written"
                )
                continue
            }
            add(value, name, field.place, description)
            if field.isOptOut, value == false, !settings.overwritesOptOut { holdBack(name, field.place) }
        }
        if contact.address?.line1 == nil, contact.address?.line2 != nil {
            warn(
                "salesforce.street_incomplete", "address.line2",
                "Salesforce keeps both lines in one field, and without the first the one that is there would be lost; the rest was written")
        }
        warnings += contact.consentWarnings
        for (name, value) in contact.properties {
            let place = "properties.\(name)"
            guard let field = settings.properties.first(where: { $0.name == name })?.field else {
                warn(
                    "salesforce.unmapped_property", place,
                    "no field of Contact is named for it in settings.properties; the rest was written")
                continue
            }
            add(value, field, place, description)
        }
        if contact.externalID == nil, let handle = Handle(contact, settings) { kept.insert(handle.field) }
    }

    mutating func warn(_ code: String, _ field: String?, _ detail: String) {
        warnings.append(Warning(code: code, field: field, detail: detail))
    }

    /// Sets a field that is no part of the contact, such as the key that it takes over.
    mutating func set(_ field: String, _ value: JSONValue) {
        values[field] = value
        kept.insert(field)
    }

    /// Sets a field that may be left out when Salesforce does not take it.
    mutating func put(_ field: String, _ value: JSONValue, _ place: String) {
        values[field] = value
        places[field] = place
    }

    mutating func mayLeaveOut(_ fields: String..., place: String) {
        for field in fields where values[field] != nil {
            kept.remove(field)
            places[field] = place
        }
    }

    mutating func unset(_ field: String) {
        values[field] = nil
        kept.remove(field)
    }

    /// For a record that is to be made: Salesforce makes no contact without a last name.
    mutating func completeName() {
        guard values[lastNameField] == nil, let spareLastName else { return }
        values[lastNameField] = .string(spareLastName)
        warn("salesforce.last_name_made_up", "last_name", "Salesforce makes no contact without a last name: it was made from what is there")
    }

    private mutating func holdBack(_ name: String, _ place: String) {
        guard values[name] != nil else { return }
        values[name] = nil
        grants.append((name, place))
    }

    /// For a call that can do nothing but make a record.
    mutating func grantToNewcomer() {
        for grant in grants { put(grant.field, false, grant.place) }
        grants = []
    }

    /// A record that was there keeps an opt-out that somebody has noted in Salesforce.
    mutating func keepWithdrawals() {
        for grant in grants {
            warn(
                "salesforce.withdrawal_kept", grant.place,
                "the box \(grant.field) was left as it is, because somebody may have opted out in Salesforce; the rest was written")
        }
        grants = []
    }

    /// `isFinal`: a record that nobody can change afterwards, such as a platform event.
    mutating func add(
        _ value: JSONValue, _ name: String, _ place: String, _ description: ObjectDescription, isFinal: Bool = false
    ) {
        guard let field = description[name] else {
            return warn(
                "salesforce.no_such_field", place, "\(object) has no field \(name), or this user may not see it; the rest was written")
        }
        guard field.isCreateable, isFinal || field.isUpdateable else {
            return warn("salesforce.field_not_writable", place, "this user may not write the field \(name); the rest was written")
        }
        guard let fitting = field.fitting(value) else {
            return warn("salesforce.invalid_value", place, "the value does not fit the field \(name); the rest was written")
        }
        if field.isText, field.length > 0, let text = fitting.stringValue, text.utf16.count > field.length {
            return warn("salesforce.too_long", place, "the field \(name) takes \(field.length) characters; the rest was written")
        }
        values[name] = fitting
        places[name] = place
    }
}

extension Draft {
    /// Takes out what Salesforce refuses; `false` when the refusal is about something that cannot be left out.
    mutating func reduce(after refusal: Refusal) -> Bool {
        var isReduced = false
        for error in refusal.errors {
            if error.code == "REQUIRED_FIELD_MISSING", names(error, [lastNameField]).first != nil, values[lastNameField] == nil {
                completeName()
                isReduced = isReduced || values[lastNameField] != nil
                continue
            }
            guard Self.fieldCodes.contains(error.code) else { return false }
            let refused = names(error, values.keys)
            guard !refused.isEmpty, kept.isDisjoint(with: refused) else { return false }
            for name in refused {
                values[name] = nil
                warn(
                    refusal.error.code, places[name] ?? (name == lastNameField ? "last_name" : nil),
                    "Salesforce does not take the value of \(name); the rest was written")
            }
            isReduced = true
        }
        return isReduced
    }

    private static let fieldCodes: Set<String> = [
        "INVALID_EMAIL_ADDRESS", "STRING_TOO_LONG", "INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "FIELD_INTEGRITY_EXCEPTION", "NUMBER_OUTSIDE_VALID_RANGE",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION", "JSON_PARSER_ERROR",
    ]

    /// Those of `candidates` that the error is about: by its list, else by what its message quotes.
    private func names(_ error: RemoteError, _ candidates: [String]) -> [String] {
        let fields = Set(error.fields.map { $0.lowercased() })
        // A relation is sent as `Contact__r` and named by its field `Contact__c`.
        let listed = candidates.filter { name in
            let name = name.lowercased()
            return fields.contains(name) || (name.hasSuffix("__r") && fields.contains("\(name.dropLast(3))__c"))
        }
        guard listed.isEmpty else { return listed }
        return candidates.filter { name in
            ["'\(name)'", "[\(name)]", "(\(name))", " \(name):"].contains(where: error.message.contains)
        }
    }

    private static func spareLastName(_ contact: Contact, _ settings: Settings) -> String? {
        let mailbox = contact.email.map { String($0.prefix { $0 != "@" }) }
        let name = settings.lastName ?? mailbox ?? contact.externalID ?? contact.phone
        return name.flatMap { $0.isEmpty ? nil : String($0.prefix(80)) }
    }
}

extension Contact {
    /// What was said, in the order of `ContactField`.
    fileprivate var values: [(ContactField, JSONValue)] {
        ContactField.allCases.compactMap { field in value(field).map { (field, $0) } }
    }

    private func value(_ field: ContactField) -> JSONValue? {
        switch field {
        case .firstName: firstName.map(JSONValue.string)
        // Nobody's name is empty, and Salesforce would refuse it.
        case .lastName: lastName.flatMap { $0.isEmpty ? nil : .string($0) }
        case .email: email.map(JSONValue.string)
        case .phone: phone.map(JSONValue.string)
        case .title: title.map(JSONValue.string)
        case .organization: organization.map(JSONValue.string)
        case .locale: locale.map(JSONValue.string)
        case .street: address?.street.map(JSONValue.string)
        case .city: address?.city.map(JSONValue.string)
        case .region: address?.region.map(JSONValue.string)
        case .postalCode: address?.postalCode.map(JSONValue.string)
        case .country: address?.country.map(JSONValue.string)
        case .emailOptOut: emailMarketing.map { .bool($0.state == .withdrawn) }
        case .smsOptOut: smsMarketing.map { .bool($0.state == .withdrawn) }
        }
    }

    fileprivate var consentWarnings: [Warning] {
        [("email_marketing", emailMarketing), ("sms_marketing", smsMarketing)].compactMap { name, consent in
            guard let consent, consent.at != nil || consent.source != nil else { return nil }
            return Warning(
                code: "salesforce.consent_details_left_out", field: "consent.\(name)",
                detail: "a box in Salesforce holds whether, not when and where; the rest was written")
        }
    }
}

extension Contact.Address {
    /// Salesforce has one field for both lines.
    fileprivate var street: String? {
        guard let line1 else { return nil }
        let lines = [line1, line2].compactMap(\.self)
        return lines.filter { !$0.isEmpty }.joined(separator: "\n")
    }
}

extension ObjectDescription.Field {
    /// The value in the type that the field takes; `nil` when it has none. One value of a wrong type would cost the whole record.
    func fitting(_ value: JSONValue) -> JSONValue? {
        if value.isNull { return .null }
        switch type {
        case "boolean": return value.boolValue.map(JSONValue.bool) ?? value.stringValue.flatMap(Bool.init).map(JSONValue.bool)
        case "int", "long": return value.intValue.map { .integer($0) } ?? value.stringValue.flatMap { Int($0) }.map { .integer($0) }
        case "double", "currency", "percent":
            return value.numberValue.map(JSONValue.number) ?? value.stringValue.flatMap(JSONNumber.init(literal:)).map(JSONValue.number)
        case _ where isText: return text(value).map(JSONValue.string)
        default: return value.stringValue.map(JSONValue.string)
        }
    }

    private func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .number(let number): number.literal
        case .array(let elements) where type == "multipicklist": elements.compactMap(\.stringValue).joined(separator: ";")
        case .array, .object: type == "string" || type == "textarea" ? value.text : nil
        case .null: nil
        }
    }
}
