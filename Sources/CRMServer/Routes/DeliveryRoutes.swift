internal import CRMCore

/// Taking in contacts and events.
enum DeliveryRoutes {
    static let idempotencyKey = Route.Parameter(
        name: "Idempotency-Key", place: .header,
        description: "1 to 255 printable characters. The same key with the same request gets the same answer for 7 days.",
        schema: ["type": "string", "minLength": 1, "maxLength": 255], example: "order-10001-placed")

    static let all: [Route] = [
        route(.contact, forOne: false), route(.contact, forOne: true), route(.event, forOne: false), route(.event, forOne: true),
    ]

    private static func route(_ kind: DeliveryKind, forOne: Bool) -> Route {
        let noun = kind == .contact ? "a contact" : "an event"
        return Route(
            method: .post, path: (forOne ? "/crm/{crm_type}" : "/crm") + (kind == .contact ? "/contacts" : "/events"),
            operation: (kind == .contact ? "sendContact" : "sendEvent") + (forOne ? "ToOne" : ""), tag: .delivery,
            summary: "Send \(noun) to \(forOne ? "one CRM" : "every connected CRM")",
            description: kind == .contact
                ? "Answers when the upsert is committed; it is sent in the background, in order for each contact."
                : "Answers when the event is committed. A contact that says more than who it is is written first, by a delivery of its own.",
            parameters: (forOne ? [ConnectionRoutes.typeParameter] : []) + [idempotencyKey],
            body: Route.Body(
                schema: kind == .contact ? "Contact" : "Event", example: kind == .contact ? Examples.contact : Examples.event),
            answers: [Route.Answer(status: 202, description: "Accepted.", schema: "Acceptance", example: Examples.acceptance)],
            problems: [.invalidIdempotencyKey, .idempotencyMismatch, .changedMeanwhile]
                + (forOne ? [.unknownProvider, .notConnected] : [.noIntegrations]),
            handler: .merchant { call, merchant async throws(Problem) in try await accept(kind, call, merchant) })
    }

    private static func accept(_ kind: DeliveryKind, _ call: Call, _ merchant: Merchant) async throws(Problem) -> Reply {
        let key = try call.idempotencyKey()
        let body = call.body ?? .null
        let input = try Input(kind, body, now: call.now)
        var targets: [Integration] = []
        var refusal: Problem?
        do throws(Problem) {
            targets = try await self.targets(call, merchant)
        } catch {
            // A repeated request is answered as the first was, whatever was disconnected meanwhile.
            guard key != nil, [.noIntegrations, .notConnected].contains(error.code) else { throw error }
            refusal = error
        }
        let request = AcceptRequest(
            merchant: merchant.id, requestID: call.requestID,
            idempotency: key.map { ($0, Array("\(call.method) \(call.path)\n".utf8) + body.canonical()) },
            items: targets.flatMap(input.items))
        let answer = try await asking { () async throws(StoreError) in try await call.api.deliveries.accept(request) }
        guard case .accepted(let requestID, let accepted) = answer else {
            throw Problem(.idempotencyMismatch, "This Idempotency-Key came with another request before.")
        }
        if let refusal, accepted.isEmpty { throw refusal }
        call.api.didAccept()
        var entries: [JSONValue] = []
        for delivery in accepted { entries.append(try await entry(delivery, targets, call, merchant)) }
        return Reply(202, ["request_id": .string(requestID), "deliveries": .array(entries)])
    }

    /// The connections that the path asks for.
    private static func targets(_ call: Call, _ merchant: Merchant) async throws(Problem) -> [Integration] {
        let connected = try await asking { () async throws(StoreError) in try await call.api.connections.integrations(of: merchant.id) }
        guard let name = call.parameters["crm_type"] else {
            if connected.isEmpty { throw Problem(.noIntegrations, "No CRM is connected yet.") }
            return connected
        }
        if let integration = connected.first(where: { $0.crmType.name == name }) { return [integration] }
        let provider = try call.provider(named: name)
        throw Problem(.notConnected, "\(provider.crmType) is not connected.")
    }

    private static func entry(
        _ accepted: AcceptedDelivery, _ targets: [Integration], _ call: Call, _ merchant: Merchant
    ) async throws(Problem) -> JSONValue {
        let target = targets.first { $0.crmType == accepted.crmType }
        var waiting = target?.waiting(call.api.providers)
        var state = waiting == nil ? DeliveryState.queued : .waiting
        if accepted.isDuplicate || target == nil {
            let first = try await asking { () async throws(StoreError) in try await call.api.deliveries.delivery(merchant.id, accepted.id) }
            // Only finished deliveries are ever forgotten.
            state = first?.state ?? .done
            waiting = first?.waiting
        }
        var members: JSONObject = [
            "crm_type": .string(accepted.crmType.name), "delivery_id": .string(accepted.id.description), "state": .string(state.rawValue),
            "duplicate": .bool(accepted.isDuplicate),
        ]
        members.set("waiting", waiting?.json)
        return .object(members)
    }

    /// What one request asks to have delivered to each of its targets.
    private enum Input {
        case contact(ContactInput)
        case event(EventInput)

        init(_ kind: DeliveryKind, _ body: JSONValue, now: Timestamp) throws(Problem) {
            do throws(InvalidInput) {
                self = kind == .contact ? .contact(try ContactInput(body)) : .event(try EventInput(body, now: now))
            } catch {
                throw Problem(error)
            }
        }

        func items(for integration: Integration) -> [AcceptItem] {
            switch self {
            case .contact(let contact): [upsert(contact, integration, isPrincipal: true)]
            case .event(let event):
                (event.contact.saysMoreThanIdentities ? [upsert(event.contact, integration, isPrincipal: false)] : []) + [
                    AcceptItem(
                        integration: integration.id, crmType: integration.crmType, kind: .event, contactIdentity: event.contact.identity,
                        payload: event.fields, eventKey: event.uniqueID.map { (event.name, $0) }, index: 0, isPrincipal: true)
                ]
            }
        }

        private func upsert(_ contact: ContactInput, _ integration: Integration, isPrincipal: Bool) -> AcceptItem {
            AcceptItem(
                integration: integration.id, crmType: integration.crmType, kind: .contact, contactIdentity: contact.identity,
                payload: contact.fields, eventKey: nil, index: 0, isPrincipal: isPrincipal)
        }
    }
}
