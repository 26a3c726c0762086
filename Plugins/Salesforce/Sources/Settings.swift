internal import CRMPluginSDK

/// What the merchant has chosen for a connection. Every name of an object or a field is checked here, because it becomes part of paths
/// and queries.
struct Settings {
    var keyField = "External_Id__c"
    /// Contacts without an external id get a key made of their address or phone, so that two at once become one record.
    var derivesKeys = true
    /// Lets alert rules about duplicates pass where the key decides who is who.
    var savesDuplicates = true
    /// A consent that was given also unticks a box that somebody has ticked in Salesforce.
    var overwritesOptOut = false
    var lastName: String?
    var fields: [ContactField: String] = ContactField.defaults
    /// Our property → Salesforce's field.
    var properties: [(name: String, field: String)] = []
    /// `nil`: the custom object where the org has it, else a task.
    var eventTarget: EventTarget?
    var eventObject = "CRM_Event__c"
    var platformEvent = "CRM_Event__e"
    var eventFields: [EventField: String] = EventField.defaults
    var taskKeyField: String?
    var taskStatus = "Completed"
    var taskPriority = "Normal"

    init(_ members: JSONObject) throws(CRMError) {
        if let field = try Self.name(members, "external_id_field") { keyField = field }
        if let choice = members["contacts_without_external_id"]?.stringValue { derivesKeys = choice != "look_up" }
        if let choice = members["save_despite_duplicate_rules"]?.boolValue { savesDuplicates = choice }
        if let choice = members["overwrite_opt_out"]?.boolValue { overwritesOptOut = choice }
        if let text = members["missing_last_name"]?.stringValue, !text.isEmpty { lastName = text }
        for field in ContactField.allCases {
            if let name = try Self.name(members["fields"]?.objectValue ?? [:], field.rawValue) { fields[field] = name }
        }
        for (name, value) in members["properties"]?.objectValue ?? [:] {
            properties.append((name, try Self.checked(value, "properties.\(name)")))
        }
        eventTarget = members["event_target"]?.stringValue.flatMap(EventTarget.init)
        if let name = try Self.name(members, "event_object") { eventObject = name }
        if let name = try Self.name(members, "platform_event") { platformEvent = name }
        for field in EventField.allCases {
            if let name = try Self.name(members["event_fields"]?.objectValue ?? [:], field.rawValue) { eventFields[field] = name }
        }
        taskKeyField = try Self.name(members, "task_external_id_field")
        if let text = members["task_status"]?.stringValue { taskStatus = text }
        if let text = members["task_priority"]?.stringValue { taskPriority = text }
    }

    /// Takes the names of Contact's fields as the org spells them: Salesforce takes any capitals and answers with its own.
    mutating func spell(contact description: ObjectDescription) {
        keyField = description.spelling(of: keyField)
        fields = fields.mapValues(description.spelling)
        properties = properties.map { ($0.name, description.spelling(of: $0.field)) }
    }

    /// The same of the object that records events.
    mutating func spell(event description: ObjectDescription) { eventFields = eventFields.mapValues(description.spelling) }

    private static func name(_ members: JSONObject, _ key: String) throws(CRMError) -> String? {
        guard let value = members[key] else { return nil }
        return try checked(value, key)
    }

    private static func checked(_ value: JSONValue, _ key: String) throws(CRMError) -> String {
        guard let name = value.stringValue, isAPIName(name) else {
            throw CRMError(
                .invalidArgument, code: "salesforce.bad_setting",
                message: "the setting \(key) is not the API name of an object or a field, such as Plan__c",
                details: ["setting": .string(key)])
        }
        return name
    }

    private static func isAPIName(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetter(first), text.utf8.count <= 80 else { return false }
        return text.utf8.allSatisfy {
            isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}

/// Where an event is recorded.
enum EventTarget: String, CaseIterable {
    case customObject = "custom_object"
    case task
    case platformEvent = "platform_event"
}

/// Fields of a contact by our names, in the order in which they are sent.
enum ContactField: String, CaseIterable {
    case firstName = "first_name"
    case lastName = "last_name"
    case email
    case phone
    case title
    case organization
    case locale
    case street
    case city
    case region
    case postalCode = "postal_code"
    case country
    case emailOptOut = "email_opt_out"
    case smsOptOut = "sms_opt_out"

    /// Organisation and consent to messages have no field in every org.
    static let defaults: [ContactField: String] = [
        .firstName: "FirstName", .lastName: "LastName", .email: "Email", .phone: "MobilePhone", .title: "Title", .locale: "Locale__c",
        .street: "MailingStreet", .city: "MailingCity", .region: "MailingState", .postalCode: "MailingPostalCode",
        .country: "MailingCountry", .emailOptOut: "HasOptedOutOfEmail",
    ]

    var isOptOut: Bool { self == .emailOptOut || self == .smsOptOut }

    /// The name in a warning.
    var place: String {
        switch self {
        case .street, .city, .region, .postalCode, .country: "address.\(self == .street ? "line1" : rawValue)"
        case .emailOptOut: "consent.email_marketing"
        case .smsOptOut: "consent.sms_marketing"
        default: rawValue
        }
    }
}

/// Fields of the object that records events, by our names, in the order in which they are sent.
enum EventField: String, CaseIterable {
    case uniqueID = "unique_id"
    case name
    case occurredAt = "occurred_at"
    case amount
    case currency
    case payload
    case contact

    static let defaults: [EventField: String] = [
        .uniqueID: "External_Id__c", .name: "Name__c", .occurredAt: "Occurred_At__c", .amount: "Amount__c", .currency: "Currency__c",
        .payload: "Payload__c", .contact: "Contact__c",
    ]

    var place: String {
        switch self {
        case .amount, .currency: "value.\(rawValue)"
        case .payload: "properties"
        default: rawValue
        }
    }
}
