import CRMCore

/// A profile as an account keeps it.
struct KlaviyoProfile {
    let id: String
    let created: Timestamp
    private(set) var updated: Timestamp
    var lastEvent: Timestamp?
    private(set) var attributes: JSONObject = [:]
    private var location: JSONObject = [:]
    private var properties: JSONObject = [:]
    var consent = KlaviyoConsent()

    init(id: String, created: Timestamp) {
        self.id = id
        self.created = created
        updated = created
    }

    var email: String? { attributes["email"]?.stringValue }

    var keys: [KlaviyoProfileKey] {
        KlaviyoProfileInput.identifiers.compactMap { name in attributes[name]?.stringValue.map { KlaviyoProfileKey(name, $0) } }
    }

    /// `null` clears, absent keeps; custom properties and the location's fields one by one.
    mutating func apply(_ input: KlaviyoProfileInput, at now: Timestamp, keeping kept: Set<String> = []) {
        for (name, value) in input.attributes where !kept.contains(name) { attributes[name] = value.nilIfNull }
        for (name, value) in input.location { location[name] = value.nilIfNull }
        for (name, value) in input.properties { properties[name] = value }
        input.patch.apply(to: &properties)
        updated = now
    }

    mutating func applyConsent(_ change: (inout KlaviyoConsent) -> Void, at now: Timestamp) {
        change(&consent)
        updated = now
    }

    /// The resource as it stands in answers.
    func json(links base: String, withSubscriptions: Bool, ban: String?, fields: Set<String>?) -> JSONValue {
        var members: JSONObject = [:]
        for name in ["email", "phone_number", "external_id", "first_name", "last_name", "organization", "locale", "title", "image"] {
            members[name] = attributes[name] ?? .null
        }
        members["created"] = .string(KlaviyoTime.text(created))
        members["updated"] = .string(KlaviyoTime.text(updated))
        members["last_event_date"] = .optional(lastEvent.map(KlaviyoTime.text))
        var place: JSONObject = [:]
        for name in ["address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone", "ip"] {
            place[name] = location[name] ?? .null
        }
        members["location"] = .object(place)
        members["properties"] = .object(properties)
        if withSubscriptions { members["subscriptions"] = consent.json(ban: ban, since: created) }
        if let fields { members = JSONObject(members.filter { fields.contains($0.key) }.map { ($0.key, $0.value) }) }
        let own = "\(base)/api/profiles/\(id)"
        return [
            "type": "profile", "id": .string(id), "attributes": .object(members),
            "relationships": .object(
                JSONObject(
                    ["lists", "segments", "push-tokens", "conversations"].map { name in
                        (name, ["links": ["self": .string("\(own)/relationships/\(name)/"), "related": .string("\(own)/\(name)/")]])
                    })),
            "links": ["self": .string("\(own)/")],
        ]
    }
}

/// Klaviyo's form of a time: whole seconds, the offset written out.
enum KlaviyoTime {
    static func text(_ time: Timestamp) -> String { String(time.description.prefix(19)) + "+00:00" }
}
