internal import CRMPluginSDK

/// What a merchant chose for the connection.
struct Settings: Sendable {
    /// How a granted consent is written.
    enum GrantedConsent: String, CaseIterable {
        /// As a new subscription: Klaviyo asks the person to confirm where the list or the account says so.
        case confirm
        /// As collected before, at the time that the consent names: nobody is asked again.
        case collected
        /// Not at all. A withdrawal is written nevertheless.
        case ignore
    }

    let fields: FieldMap
    let listID: String?
    let grantedConsent: GrantedConsent

    init(_ context: OperationContext) {
        fields = FieldMap(fields: context.settings["fields"], properties: context.settings["properties"])
        listID = context.settings["list_id"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        grantedConsent = context.settings["granted_consent"]?.stringValue.flatMap(GrantedConsent.init) ?? .confirm
    }

    static let schema: JSONValue = [
        "type": "object", "additionalProperties": false,
        "properties": [
            "fields": [
                "type": "object", "additionalProperties": false, "title": "Fields",
                "description":
                    "Where a field goes in Klaviyo: another of its fields, such as title or location.region, or the name of a custom property.",
                "properties": .object(
                    JSONObject(
                        FieldMap.standard.map { field in
                            (field.ours, ["type": "string", "minLength": 1, "maxLength": 255, "default": .string(field.theirs)])
                        })),
            ],
            "properties": [
                "type": "object", "title": "Properties",
                "description":
                    "Our names of properties and Klaviyo's. A property that is not named here keeps its name; title, image, locale, organization and location.timezone are fields of Klaviyo.",
                "additionalProperties": ["type": "string", "minLength": 1, "maxLength": 255],
            ],
            "list_id": [
                "type": "string", "title": "List for subscriptions", "minLength": 1, "maxLength": 64,
                "description":
                    "The id of the list that granted consents subscribe to; its opt-in process decides whether people confirm. Without it the account's default does.",
                "examples": ["Y6nRLr"],
            ],
            "granted_consent": [
                "type": "string", "title": "Granted consent", "default": .string(GrantedConsent.confirm.rawValue),
                "enum": .array(GrantedConsent.allCases.map { .string($0.rawValue) }),
                "description":
                    "confirm: a new subscription, with Klaviyo's opt-in process. collected: an import of consent that you hold, at its own time. ignore: not written.",
            ],
        ],
    ]
}

/// Where each of our fields stands in a profile.
struct FieldMap: Sendable {
    enum Place: Hashable, Sendable {
        case attribute(String)
        case location(String)
        case property(String)

        private static let attributes: Set<String> = ["first_name", "last_name", "organization", "title", "locale", "image"]
        private static let locations: Set<String> = [
            "address1", "address2", "city", "region", "country", "zip", "latitude", "longitude", "timezone", "ip",
        ]

        /// A name that is none of Klaviyo's fields is a custom property. Identifiers are no place: they decide who is meant.
        init(_ name: String) {
            if Self.attributes.contains(name) {
                self = .attribute(name)
            } else if name.hasPrefix("location."), Self.locations.contains(String(name.dropFirst("location.".count))) {
                self = .location(String(name.dropFirst("location.".count)))
            } else {
                self = .property(name)
            }
        }

        /// As it stands in a pointer behind `attributes/`.
        var path: [String] {
            switch self {
            case .attribute(let name): [name]
            case .location(let name): ["location", name]
            case .property(let name): ["properties", name]
            }
        }

        func value(in attributes: JSONValue) -> JSONValue? { path.reduce(attributes) { $0?[$1] } }
    }

    /// Fields that have a place of their own in Klaviyo.
    static let standard: [(ours: String, theirs: String)] = [
        ("first_name", "first_name"), ("last_name", "last_name"), ("organization", "organization"), ("title", "title"),
        ("locale", "locale"), ("address.line1", "location.address1"), ("address.line2", "location.address2"),
        ("address.city", "location.city"), ("address.region", "location.region"), ("address.country", "location.country"),
        ("address.postal_code", "location.zip"),
    ]
    /// Who is meant: always the same fields.
    static let identifiers: [(ours: String, theirs: String)] = [
        ("email", "email"), ("phone", "phone_number"), ("external_id", "external_id"),
    ]

    private let places: [String: Place]
    private let properties: [String: Place]

    init(fields: JSONValue?, properties: JSONValue?) {
        places = Dictionary(
            uniqueKeysWithValues: Self.standard.map { field in (field.ours, Place(fields?[field.ours]?.stringValue ?? field.theirs)) })
        var renamed: [String: Place] = [:]
        for (name, theirs) in properties?.objectValue ?? [:] { if let theirs = theirs.stringValue { renamed[name] = Place(theirs) } }
        self.properties = renamed
    }

    func place(of field: String) -> Place? { places[field] }
    func place(ofProperty name: String) -> Place { properties[name] ?? .property(name) }

    /// Our name of a field that Klaviyo names.
    func field(at path: [String]) -> String {
        if path.count == 1, let identifier = Self.identifiers.first(where: { $0.theirs == path[0] }) { return identifier.ours }
        if let field = places.first(where: { $0.value.path == path }) { return field.key }
        if let property = properties.first(where: { $0.value.path == path }) { return "properties.\(property.key)" }
        return path.joined(separator: ".")
    }

    /// The merchant's own properties of a profile, under the merchant's names.
    func properties(in attributes: JSONValue) -> JSONObject {
        let fields = Set(places.values)
        let names = Dictionary(properties.map { ($0.value, $0.key) }, uniquingKeysWith: min)
        var found = JSONObject()
        for (name, value) in attributes["properties"]?.objectValue ?? [:] where !fields.contains(.property(name)) {
            found[names[.property(name)] ?? name] = value
        }
        for (name, place) in properties.sorted(by: { $0.key < $1.key }) where place.path[0] != "properties" && !fields.contains(place) {
            if let value = place.value(in: attributes), !value.isNull { found[name] = value }
        }
        return found
    }
}
