internal import CRMPluginSDK

/// What we know about a person that Creatio has a column for.
enum ContactField: String, CaseIterable, Sendable {
    case email
    case externalID = "external_id"
    case phone
    case firstName = "first_name"
    case lastName = "last_name"
    case title
    case organization
    case locale
    case address
    case city
    case region
    case postalCode = "postal_code"
    case country
    case emailMarketing = "email_marketing"
    case smsMarketing = "sms_marketing"

    /// Where it is on a site that nobody has changed; the one for our ids is made by an administrator.
    var column: String {
        switch self {
        case .email: "Email"
        case .externalID: "UsrExternalId"
        case .phone: "MobilePhone"
        case .firstName: "GivenName"
        case .lastName: "Surname"
        case .title: "JobTitle"
        case .organization: "AccountId"
        case .locale: "LanguageId"
        case .address: "Address"
        case .city: "CityId"
        case .region: "RegionId"
        case .postalCode: "Zip"
        case .country: "CountryId"
        case .emailMarketing: "DoNotUseEmail"
        case .smsMarketing: "DoNotUseSms"
        }
    }

    var lookup: Lookup? {
        switch self {
        case .organization: Lookup("Account")
        case .city: Lookup("City")
        case .region: Lookup("Region")
        case .country: Lookup("Country")
        case .locale: Lookup("Language", entity: "SysLanguage", key: "Code")
        default: nil
        }
    }

    /// The place in our contact.
    var path: String {
        switch self {
        case .address: "address.line1"
        case .city, .region, .postalCode, .country: "address.\(rawValue)"
        case .emailMarketing, .smsMarketing: "consent.\(rawValue)"
        default: rawValue
        }
    }
}

/// A list of Creatio's that a column refers to.
struct Lookup: Sendable {
    /// How a record leads to what it refers to.
    let navigation: String
    let entity: String
    /// What we know an entry by.
    let key: String

    init(_ navigation: String, entity: String? = nil, key: String = "Name") {
        self.navigation = navigation
        self.entity = entity ?? navigation
        self.key = key
    }

    var expansion: String { "\(navigation)($select=\(key))" }
}

extension Contact {
    func text(_ field: ContactField) -> String? {
        switch field {
        case .email: email
        case .externalID: externalID
        case .phone: phone
        case .firstName: firstName
        case .lastName: lastName
        case .title: title
        case .organization: organization
        case .locale: locale
        case .address: address.flatMap(\.lines)
        case .city: address?.city
        case .region: address?.region
        case .postalCode: address?.postalCode
        case .country: address?.country
        case .emailMarketing, .smsMarketing: nil
        }
    }

    /// A record of Creatio's must have one; `nil` when only a phone is known.
    var fullName: String? {
        let names = [firstName, lastName].compactMap { $0 }.filter { !$0.isEmpty }
        return names.isEmpty ? nil : names.joined(separator: " ")
    }

    var hasIdentifier: Bool { externalID != nil || email != nil || phone != nil }
}

extension Contact.Address {
    /// Creatio has one column for both.
    fileprivate var lines: String? {
        // The second alone would take the place of both.
        guard let line1 else { return nil }
        let lines = [line1, line2 ?? ""].filter { !$0.isEmpty }
        return lines.joined(separator: ", ")
    }
}

// MARK: - Reading

extension FoundContact {
    init?(_ row: JSONValue, _ settings: Settings) {
        guard let id = row.recordID else { return nil }
        let text = { (field: ContactField) -> String? in
            guard let lookup = settings.lookup(field) else { return row.present(settings.column(field))?.stringValue }
            return row[lookup.navigation]?.present(lookup.key)?.stringValue
        }
        let withdrawn = { (field: ContactField) -> Contact.Consent? in
            // The column says who must not be written to; that nobody has objected is no consent.
            row[settings.column(field)] == true ? Contact.Consent(state: .withdrawn) : nil
        }
        let address = Contact.Address(
            line1: text(.address), city: text(.city), region: text(.region), postalCode: text(.postalCode), country: text(.country))
        let properties = settings.mappedProperties.compactMap { property in row.present(property.column).map { (property.name, $0) } }
        let contact = Contact(
            email: text(.email), externalID: text(.externalID), phone: text(.phone), firstName: text(.firstName),
            lastName: text(.lastName), title: text(.title), organization: text(.organization), locale: text(.locale),
            address: address == Contact.Address() ? nil : address, emailMarketing: withdrawn(.emailMarketing),
            smsMarketing: withdrawn(.smsMarketing), properties: JSONObject(properties))
        self.init(contact: contact, remoteID: id.text, updatedAt: row.present("ModifiedOn")?.stringValue.flatMap(CreatioTime.utc))
    }
}

extension JSONValue {
    /// The id of a record, unless it is the one that stands for none.
    var recordID: GUID? { guid("Id") }

    func guid(_ column: String) -> GUID? { present(column)?.stringValue.flatMap(GUID.init) }

    /// Creatio fills what is empty with something: zeros, the first year, a text of nothing.
    func present(_ column: String) -> JSONValue? {
        guard let value = self[column] else { return nil }
        switch value {
        case .null, "", .string(GUID.none): return nil
        case .string(let text) where text.hasPrefix("0001-01-01T00:00:00"): return nil
        default: return value
        }
    }
}

enum CreatioTime {
    /// `nil` for a time with another offset than zero, or with none.
    static func utc(_ text: String) -> String? {
        if text.hasSuffix("Z") { return text }
        return text.hasSuffix("+00:00") ? "\(text.dropLast(6))Z" : nil
    }
}
