package import CRMPluginSDK

extension Endpoint {
    static let createEvent = Endpoint(.post, "/api/events", scope: "events:write", .events)
}

extension KlaviyoProvider {
    package func sendEvent(_ event: Event, _ context: OperationContext) async throws -> SentEvent {
        // Without an id Klaviyo keeps one event per profile, metric and second, and a repeated attempt would count twice.
        let uniqueID = event.uniqueID ?? context.idempotencyKey
        guard !uniqueID.isEmpty else {
            throw CRMError(.invalidArgument, code: "klaviyo.no_unique_id", message: "an event needs a unique_id or an idempotency key")
        }
        let response = try await writing(event.contact, context) { contact in
            try await send(.createEvent, body: event.body(of: contact, uniqueID: uniqueID), context)
        }
        // 202 and nothing else says that Klaviyo has queued the event; a front end may answer 200 to anything. No id is named.
        guard response.status == 202, response.body.isEmpty else { throw CRMError.unreadable(.createEvent) }
        return SentEvent(isAcceptedOnly: true)
    }
}

extension Event {
    /// Carries no `meta` for the profile: its place differs between the revisions.
    fileprivate func body(of contact: Contact, uniqueID: String) -> JSONValue {
        var attributes: JSONObject = ["properties": .object(properties)]
        attributes.set("time", occurredAt.map(KlaviyoTime.offset))
        if let value {
            attributes["value"] = .number(value.amount)
            attributes["value_currency"] = .string(value.currency)
        }
        attributes["unique_id"] = .string(uniqueID)
        attributes["metric"] = ["data": ["type": "metric", "attributes": ["name": .string(name)]]]
        attributes["profile"] = ["data": ["type": "profile", "attributes": .object(contact.profileAttributes)]]
        return ["data": ["type": "event", "attributes": .object(attributes)]]
    }
}
