import CRMCore

extension KlaviyoCall {
    func subscribe() throws(KlaviyoRefusal) -> Answer {
        try changeConsent(
            job: "profile-subscription-bulk-create-job", to: "SUBSCRIBED", limit: 1_000,
            members: ["custom_source", "profiles", "historical_import"])
    }

    func unsubscribe() throws(KlaviyoRefusal) -> Answer {
        try changeConsent(job: "profile-subscription-bulk-delete-job", to: "UNSUBSCRIBED", limit: 100, members: ["profiles"])
    }

    private func changeConsent(job: String, to consent: String, limit: Int, members: Set<String>) throws(KlaviyoRefusal) -> Answer {
        let data = try data.resource(job, members: ["type", "attributes", "relationships"])
        let attributes = try data.required("attributes")
        try attributes.onlyMembers(members, of: job)
        let source = try attributes.optional("custom_source")?.string()
        let isHistorical = try attributes.optional("historical_import")?.bool() ?? false
        let profiles = try attributes.required("profiles").required("data")
        var changes: [KlaviyoConsentChange] = []
        for profile in try profiles.elements() {
            changes.append(try KlaviyoConsentChange(profile, to: consent, isHistorical: isHistorical, source: source, at: now))
        }
        let list = try list(data.optional("relationships"))
        guard (1...limit).contains(changes.count) else { throw .invalid("A request holds 1 to \(limit) profiles.", at: profiles.pointer) }
        var effects: [Effect] = []
        for change in changes {
            let (profile, isNew) = try upsert(change.profile)
            // Who must confirm is asked to, and is subscribed when they do: the sandbox's people never do.
            let waits = consent == "SUBSCRIBED" && !isHistorical && list?.isDoubleOptIn == true
            if !waits {
                account.changeConsent(of: profile.id, at: now, change.apply)
                if let email = change.subscribedAddress { account.settings.liftSuppression(of: email) }
            }
            effects.append(effect(isNew ? .contactCreated : .contactUpdated, profile))
        }
        return Answer(status: 202, effects: effects)
    }
}

extension KlaviyoCall {
    private func list(_ relationships: KlaviyoField?) throws(KlaviyoRefusal) -> (id: String, isDoubleOptIn: Bool)? {
        guard let relationships else { return nil }
        try relationships.onlyMembers(["list"], of: "relationships")
        guard let list = relationships.optional("list") else { return nil }
        let id = try list.required("data").resource("list", members: ["type", "id"]).required("id")
        let text = try id.string()
        guard let isDoubleOptIn = account.settings.lists[text] else {
            throw .notFound("A list with id \(text.prefix(64)) does not exist.", at: id.pointer)
        }
        return (text, isDoubleOptIn)
    }
}

/// What one element of a subscription job does to its profile.
private struct KlaviyoConsentChange {
    let profile: KlaviyoProfileInput
    private var email: KlaviyoConsent.Channel?
    private var sms: KlaviyoConsent.Channel?

    init(_ field: KlaviyoField, to consent: String, isHistorical: Bool, source: String?, at now: Timestamp) throws(KlaviyoRefusal) {
        // Only the subscription of a profile may name it by Klaviyo's id.
        _ = try field.resource("profile", members: consent == "SUBSCRIBED" ? ["type", "id", "attributes"] : ["type", "attributes"])
        let attributes = try field.required("attributes")
        try attributes.onlyMembers(["email", "phone_number", "subscriptions", "age_gated_date_of_birth"], of: "profile")
        var plain = field.value.objectValue ?? [:]
        var plainAttributes = try attributes.object()
        plainAttributes["subscriptions"] = nil
        plainAttributes["age_gated_date_of_birth"] = nil
        plain["attributes"] = .object(plainAttributes)
        profile = try KlaviyoProfileInput(KlaviyoField(value: .object(plain), pointer: field.pointer))
        try profile.requireIdentifier(at: attributes.pointer)
        let subscriptions = try attributes.required("subscriptions")
        try subscriptions.onlyMembers(["email", "sms"], of: "subscriptions")
        for (name, identifier) in [("email", "email"), ("sms", "phone_number")] {
            guard let channel = subscriptions.optional(name) else { continue }
            guard attributes.optional(identifier) != nil else {
                throw .invalid("'\(name)' consent needs a '\(identifier)'.", at: "\(attributes.pointer)/\(identifier)")
            }
            let since = try Self.since(channel, consent: consent, isHistorical: isHistorical, at: now)
            let changed = KlaviyoConsent.Channel(consent: consent, since: since, changed: now, source: source)
            if name == "email" { email = changed } else { sms = changed }
        }
        guard email != nil || sms != nil else { throw .invalid("A channel is required.", at: subscriptions.pointer) }
    }

    /// Of this address a subscription lifts the suppressions that it can lift.
    var subscribedAddress: String? {
        email?.consent == "SUBSCRIBED" ? profile.attributes["email"]?.stringValue : nil
    }

    func apply(to consent: inout KlaviyoConsent) {
        if let email { consent.email = email }
        if let sms { consent.sms = sms }
    }

    private static func since(
        _ channel: KlaviyoField, consent: String, isHistorical: Bool, at now: Timestamp
    ) throws(KlaviyoRefusal) -> Timestamp {
        try channel.onlyMembers(["marketing"], of: "subscriptions")
        let marketing = try channel.required("marketing")
        let given = try marketing.required("consent")
        guard try given.string() == consent else { throw .invalid("'consent' must be '\(consent)'.", at: given.pointer) }
        guard let consentedAt = marketing.optional("consented_at") else {
            if isHistorical { throw .invalid("A historical import needs 'consented_at'.", at: "\(marketing.pointer)/consented_at") }
            return now
        }
        guard isHistorical, let time = Timestamp(rfc3339: try consentedAt.string()), time < now else {
            throw .invalid("'consented_at' is a past date-time, and only in a historical import.", at: consentedAt.pointer)
        }
        return time
    }
}
