internal import CRMPluginSDK

/// What a merchant chose for his connection, with Creatio's own names where he chose nothing.
struct Settings: Sendable {
    enum Platform: String, Sendable, CaseIterable {
        /// Found out.
        case automatic
        case framework = "net_framework"
        case core = "net_core"

        /// Where OData is, below the site's address.
        var root: String? {
            switch self {
            case .automatic: nil
            case .framework: "/0/odata"
            case .core: "/odata"
            }
        }
    }

    enum EventTarget: String, Sendable, CaseIterable {
        /// The custom object where the site has it, else an activity.
        case automatic
        case customObject = "custom_object"
        case activity
    }

    let platform: Platform
    let eventTarget: EventTarget
    let eventObject: String
    let searchesCommunications: Bool
    /// Whether a consent takes back an objection of a contact that is there.
    let overwritesOptOut: Bool
    let activityType: String
    let activityCategory: String?
    let activityStatus: String?
    private let fields: [String: String]
    private let eventFields: [String: String]
    private let properties: JSONObject

    init(_ settings: JSONObject) throws(CRMError) {
        platform = try Self.choice(settings, "platform", .automatic)
        eventTarget = try Self.choice(settings, "event_target", .automatic)
        let name = settings["event_object"]?.stringValue ?? "UsrIntegrationEvent"
        guard name.isColumnName else { throw Self.refusal("event_object") }
        eventObject = name
        searchesCommunications = settings["search_communications"]?.boolValue ?? true
        overwritesOptOut = settings["overwrite_opt_out"]?.boolValue ?? false
        // "Task", as every site has it.
        activityType = try Self.guid(settings, "activity_type_id") ?? "fbe0acdc-cfc0-df11-b00f-001d60e938c6"
        activityCategory = try Self.guid(settings, "activity_category_id")
        activityStatus = try Self.guid(settings, "activity_status_id")
        fields = try Self.names(settings, "fields")
        eventFields = try Self.names(settings, "event_fields")
        properties = JSONObject(try Self.names(settings, "properties").map { ($0.key, JSONValue.string($0.value)) })
    }

    func column(_ field: ContactField) -> String { fields[field.rawValue] ?? field.column }

    /// A field that the merchant gave a column of its own is written as text.
    func lookup(_ field: ContactField) -> Lookup? { fields[field.rawValue] == nil ? field.lookup : nil }

    func column(_ field: EventField) -> String { eventFields[field.rawValue] ?? field.column }

    func column(ofProperty name: String) -> String? { properties[name]?.stringValue }

    /// Our names with Creatio's, in a fixed order.
    var mappedProperties: [(name: String, column: String)] {
        properties.compactMap { member in member.value.stringValue.map { (member.key, $0) } }.sorted { $0.name < $1.name }
    }
}

extension Settings {
    private static func choice<Choice: RawRepresentable<String>>(
        _ settings: JSONObject, _ key: String, _ standard: Choice
    ) throws(CRMError) -> Choice {
        guard let text = settings[key]?.stringValue else { return standard }
        guard let choice = Choice(rawValue: text) else { throw refusal(key) }
        return choice
    }

    private static func guid(_ settings: JSONObject, _ key: String) throws(CRMError) -> String? {
        guard let text = settings[key]?.stringValue, !text.isEmpty else { return nil }
        guard let guid = GUID(text) else { throw refusal(key) }
        return guid.text
    }

    /// Names become parts of addresses and of bodies: nothing but a name may stand there.
    private static func names(_ settings: JSONObject, _ key: String) throws(CRMError) -> [String: String] {
        var names: [String: String] = [:]
        for (ours, theirs) in settings[key]?.objectValue ?? [:] {
            guard let column = theirs.stringValue, column.isColumnName, column != "Id" else { throw refusal("\(key).\(ours)") }
            names[ours] = column
        }
        return names
    }

    private static func refusal(_ key: String) -> CRMError {
        CRMError(
            .invalidArgument, code: "creatio.bad_setting", message: "the setting \(key.prefix(80)) holds nothing that Creatio has",
            details: ["setting": .string(String(key.prefix(80)))])
    }
}

extension String {
    fileprivate var isColumnName: Bool {
        guard let first = utf8.first, utf8.count <= 128, !(0x30...0x39).contains(first) else { return false }
        return utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "_")
        }
    }
}

/// An id of Creatio's, in its one form that is fit for an address.
struct GUID: Sendable, Hashable {
    let text: String

    init?(_ text: String) {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12] else { return nil }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) || $0 == UInt8(ascii: "-") }) else {
            return nil
        }
        self.text = text.lowercased()
    }

    /// What stands where nothing is referred to.
    static let none = "00000000-0000-0000-0000-000000000000"
}
