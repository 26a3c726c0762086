internal import CRMPluginSDK

extension Contact {
    /// Absent keeps what Klaviyo holds, `null` would clear it: what was not said is not sent.
    var profileAttributes: JSONObject {
        var attributes = JSONObject()
        attributes.set("email", email)
        attributes.set("phone_number", phone)
        attributes.set("external_id", externalID)
        attributes.set("first_name", firstName)
        attributes.set("last_name", lastName)
        attributes.set("organization", organization)
        attributes.set("title", title)
        attributes.set("locale", locale)
        if let location = address?.location, !location.isEmpty { attributes["location"] = .object(location) }
        if !properties.isEmpty { attributes["properties"] = .object(properties) }
        return attributes
    }
}

extension Contact.Address {
    fileprivate var location: JSONObject {
        var location = JSONObject()
        location.set("address1", line1)
        location.set("address2", line2)
        location.set("city", city)
        location.set("region", region)
        location.set("country", country)
        location.set("zip", postalCode)
        return location
    }

    fileprivate init?(_ location: JSONValue?) {
        self.init(
            line1: location?["address1"]?.stringValue, line2: location?["address2"]?.stringValue, city: location?["city"]?.stringValue,
            region: location?["region"]?.stringValue, postalCode: location?["zip"]?.stringValue,
            country: location?["country"]?.stringValue)
        if self == Contact.Address() { return nil }
    }
}

extension FoundContact {
    init?(profile: JSONValue) {
        guard let id = profile["id"]?.stringValue, let attributes = profile["attributes"] else { return nil }
        let text = { (name: String) in attributes[name]?.stringValue }
        let subscriptions = attributes["subscriptions"]
        let contact = Contact(
            email: text("email"), externalID: text("external_id"), phone: text("phone_number"), firstName: text("first_name"),
            lastName: text("last_name"), title: text("title"), organization: text("organization"), locale: text("locale"),
            address: Contact.Address(attributes["location"]), emailMarketing: Contact.Consent(subscriptions?["email"]?["marketing"]),
            smsMarketing: Contact.Consent(subscriptions?["sms"]?["marketing"]),
            properties: attributes["properties"]?.objectValue ?? [:])
        self.init(contact: contact, remoteID: id, updatedAt: text("updated").map(KlaviyoTime.utc))
    }
}

extension Contact.Consent {
    /// `nil` when the person never said anything (`NEVER_SUBSCRIBED`).
    fileprivate init?(_ marketing: JSONValue?) {
        let state: State
        switch marketing?["consent"]?.stringValue {
        case "SUBSCRIBED": state = .granted
        case "UNSUBSCRIBED": state = .withdrawn
        default: return nil
        }
        self.init(
            state: state, at: marketing?["consent_timestamp"]?.stringValue.map(KlaviyoTime.utc),
            source: marketing?["method"]?.stringValue)
    }
}

/// Klaviyo writes UTC as an offset of zero, we write `Z`.
enum KlaviyoTime {
    static func utc(_ text: String) -> String { text.hasSuffix("+00:00") ? "\(text.dropLast(6))Z" : text }
    static func offset(_ text: String) -> String { text.hasSuffix("Z") ? "\(text.dropLast())+00:00" : text }
}
