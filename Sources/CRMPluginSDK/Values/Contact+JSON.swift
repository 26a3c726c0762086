extension Contact {
    init(_ reader: PayloadReader) throws(CRMError) {
        // Whole at once: changing a value of this size after it is made copies it.
        var address: Address?
        if let place = try reader.reader("address") { address = try Address(place) }
        let consent = try reader.reader("consent")
        self.init(
            email: try reader.string("email").nonEmpty, externalID: try reader.string("external_id").nonEmpty,
            phone: try reader.string("phone").nonEmpty, firstName: try reader.string("first_name"),
            lastName: try reader.string("last_name"), title: try reader.string("title"),
            organization: try reader.string("organization"), locale: try reader.string("locale"), address: address,
            emailMarketing: try Consent(consent, "email_marketing"), smsMarketing: try Consent(consent, "sms_marketing"),
            properties: try reader.object("properties") ?? [:])
    }

    public var json: JSONValue {
        var members = JSONObject()
        members.set("email", email)
        members.set("external_id", externalID)
        members.set("phone", phone)
        members.set("first_name", firstName)
        members.set("last_name", lastName)
        members.set("title", title)
        members.set("organization", organization)
        members.set("locale", locale)
        if let address, !address.json.isEmpty { members["address"] = .object(address.json) }
        var consent = JSONObject()
        if let emailMarketing { consent["email_marketing"] = emailMarketing.json }
        if let smsMarketing { consent["sms_marketing"] = smsMarketing.json }
        if !consent.isEmpty { members["consent"] = .object(consent) }
        if !properties.isEmpty { members["properties"] = .object(properties) }
        return .object(members)
    }
}

extension Contact.Address {
    init(_ reader: PayloadReader) throws(CRMError) {
        self.init(
            line1: try reader.string("line1"), line2: try reader.string("line2"), city: try reader.string("city"),
            region: try reader.string("region"), postalCode: try reader.string("postal_code"), country: try reader.string("country"))
    }

    var json: JSONObject {
        var members = JSONObject()
        members.set("line1", line1)
        members.set("line2", line2)
        members.set("city", city)
        members.set("region", region)
        members.set("postal_code", postalCode)
        members.set("country", country)
        return members
    }
}

extension Contact.Consent {
    /// The consent of that name; `nil` when nothing is said about it.
    fileprivate init?(_ consents: PayloadReader?, _ name: String) throws(CRMError) {
        guard let reader = try consents?.reader(name) else { return nil }
        try self.init(reader)
    }

    init(_ reader: PayloadReader) throws(CRMError) {
        let text = try reader.required("state", try reader.string("state"))
        guard let state = State(rawValue: text) else { throw reader.refusal("state", "is neither granted nor withdrawn") }
        self.init(state: state, at: try reader.string("at"), source: try reader.string("source"))
    }

    var json: JSONValue {
        var members: JSONObject = ["state": .string(state.rawValue)]
        members.set("at", at)
        members.set("source", source)
        return .object(members)
    }
}

extension String? {
    /// An empty identifier identifies nobody.
    var nonEmpty: String? { self.flatMap { $0.isEmpty ? nil : $0 } }
}
