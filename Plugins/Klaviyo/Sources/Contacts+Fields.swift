internal import CRMPluginSDK

extension Contact {
    /// The text of each of our fields that has a place of its own.
    fileprivate func text(_ field: String) -> String? {
        switch field {
        case "first_name": firstName
        case "last_name": lastName
        case "organization": organization
        case "title": title
        case "locale": locale
        case "address.line1": address?.line1
        case "address.line2": address?.line2
        case "address.city": address?.city
        case "address.region": address?.region
        case "address.country": address?.country
        case "address.postal_code": address?.postalCode
        default: nil
        }
    }

    /// Absent keeps what Klaviyo holds, `null` would clear it: what was not said is not sent.
    func profileAttributes(_ map: FieldMap) -> (attributes: JSONObject, warnings: [Warning]) {
        var profile = ProfileAttributes()
        profile.members.set("email", email)
        profile.members.set("phone_number", phone)
        profile.members.set("external_id", externalID)
        for (field, _) in FieldMap.standard {
            if let place = map.place(of: field), let text = text(field) { profile.put(.string(text), at: place) }
        }
        var warnings: [Warning] = []
        for (name, value) in properties where !profile.put(value, at: map.place(ofProperty: name)) {
            warnings.append(
                Warning(
                    code: "klaviyo.unfit_value", field: "properties.\(name)",
                    detail: "the field of Klaviyo that this property is mapped to takes text only; the rest was written"))
        }
        return (profile.complete, warnings)
    }
}

private struct ProfileAttributes {
    var members = JSONObject()
    private var location = JSONObject()
    private var properties = JSONObject()

    /// False when Klaviyo's field cannot hold such a value.
    @discardableResult
    mutating func put(_ value: JSONValue, at place: FieldMap.Place) -> Bool {
        switch place {
        case .property(let name):
            properties[name] = value
            return true
        case .attribute(let name):
            guard value.stringValue != nil else { return false }
            members[name] = value
            return true
        case .location(let name):
            guard value.stringValue != nil || (value.numberValue != nil && (name == "latitude" || name == "longitude")) else {
                return false
            }
            location[name] = value
            return true
        }
    }

    var complete: JSONObject {
        var complete = members
        if !location.isEmpty { complete["location"] = .object(location) }
        if !properties.isEmpty { complete["properties"] = .object(properties) }
        return complete
    }
}

extension FoundContact {
    init?(profile: JSONValue, _ map: FieldMap) {
        guard let id = profile["id"]?.stringValue, let attributes = profile["attributes"] else { return nil }
        let text = { (field: String) in map.place(of: field)?.value(in: attributes)?.stringValue }
        let subscriptions = attributes["subscriptions"]
        let address = Contact.Address(
            line1: text("address.line1"), line2: text("address.line2"), city: text("address.city"), region: text("address.region"),
            postalCode: text("address.postal_code"), country: text("address.country"))
        let contact = Contact(
            email: attributes["email"]?.stringValue, externalID: attributes["external_id"]?.stringValue,
            phone: attributes["phone_number"]?.stringValue, firstName: text("first_name"), lastName: text("last_name"),
            title: text("title"), organization: text("organization"), locale: text("locale"),
            address: address == Contact.Address() ? nil : address,
            emailMarketing: ChannelState(subscriptions?["email"]?["marketing"]).consent,
            smsMarketing: ChannelState(subscriptions?["sms"]?["marketing"]).consent, properties: map.properties(in: attributes))
        self.init(contact: contact, remoteID: id, updatedAt: attributes["updated"]?.stringValue.map(KlaviyoTime.utc))
    }
}

/// Klaviyo writes UTC as an offset of zero, we write `Z`.
enum KlaviyoTime {
    static func utc(_ text: String) -> String { text.hasSuffix("+00:00") ? "\(text.dropLast(6))Z" : text }
    static func offset(_ text: String) -> String { text.hasSuffix("Z") ? "\(text.dropLast())+00:00" : text }

    /// To the second. False where one of the two is not written in UTC: then nobody can tell without a calendar.
    static func isLater(_ text: String, than other: String) -> Bool {
        let (text, other) = (utc(text), utc(other))
        guard text.hasSuffix("Z"), other.hasSuffix("Z") else { return false }
        return text.prefix(19) > other.prefix(19)
    }
}
