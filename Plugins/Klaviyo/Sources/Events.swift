package import CRMPluginSDK

extension Endpoint {
    static let createEvent = Endpoint(.post, "/api/events", scopes: ["events:write"], .events)
}

extension KlaviyoProvider {
    package func sendEvent(_ event: Event, _ context: OperationContext) async throws -> SentEvent {
        let warnings = try await write(event, key: context.idempotencyKey, context)
        for warning in warnings { context.warn(warning) }
        // No id is named: our `unique_id` is the only handle.
        return SentEvent(isAcceptedOnly: true)
    }

    func write(_ event: Event, key: String, _ context: OperationContext) async throws -> [Warning] {
        let uniqueID = try event.uniqueID(or: key)
        let draft = try ProfileDraft(event.contact, Settings(context).fields, pointer: "/data/attributes/profile/data/attributes")
        let (response, written) = try await writing(draft) { draft in
            var attributes = event.attributes(uniqueID: uniqueID)
            attributes["profile"] = draft.resource
            return try await send(.createEvent, body: ["data": ["type": "event", "attributes": .object(attributes)]], context)
        }
        // 202 and nothing else says that Klaviyo has queued the event; a front end may answer 200 to anything.
        guard response.status == 202, response.body.isEmpty else { throw CRMError.unreadable(.createEvent) }
        return written.warnings + event.consentWarnings
    }
}

extension Event {
    /// Without an id Klaviyo keeps one event per profile, metric and second, and a repeated attempt would count twice.
    func uniqueID(or key: String) throws(CRMError) -> String {
        let uniqueID = uniqueID ?? key
        guard !uniqueID.isEmpty else {
            throw CRMError(.invalidArgument, code: "klaviyo.no_unique_id", message: "an event needs a unique_id or an idempotency key")
        }
        return uniqueID
    }

    /// All but the profile.
    func attributes(uniqueID: String) -> JSONObject {
        var attributes: JSONObject = ["properties": .object(properties)]
        attributes.set("time", occurredAt.map(KlaviyoTime.offset))
        if let value {
            attributes["value"] = .number(value.amount)
            attributes["value_currency"] = .string(value.currency)
        }
        attributes["unique_id"] = .string(uniqueID)
        attributes["metric"] = ["data": ["type": "metric", "attributes": ["name": .string(name)]]]
        return attributes
    }

    var consentWarnings: [Warning] {
        guard contact.emailMarketing != nil || contact.smsMarketing != nil else { return [] }
        return [
            Warning(
                code: "klaviyo.consent_not_written", field: "contact.consent",
                detail: "consent is written with a contact, not with an event; the rest was written")
        ]
    }
}

extension ProfileDraft {
    /// Carries no `meta`: its place in events differs between the revisions.
    var resource: JSONValue { ["data": ["type": "profile", "attributes": .object(attributes)]] }
}
