internal import CRMCore
internal import FoundationEssentials

/// Reading a contact from a CRM.
enum ContactRoutes {
    static let all: [Route] = [
        Route(
            method: .get, path: "/crm/{crm_type}/contacts", operation: "readContact", tag: .delivery,
            summary: "Read a contact from the CRM now",
            description: "By exactly one of email and external_id.",
            parameters: [
                ConnectionRoutes.typeParameter,
                Route.Parameter(name: "email", place: .query, description: "E-mail address.", example: "anna@example.com"),
                Route.Parameter(
                    name: "external_id", place: .query, description: "The shop's own id.",
                    schema: ["type": "string", "minLength": 1, "maxLength": 255]),
            ],
            answers: [
                Route.Answer(
                    status: 200, description: "The contact as the CRM has it.", schema: "RemoteContact", example: Examples.remoteContact)
            ],
            problems: [
                .unknownProvider, .providerUnavailable, .notConnected, .contactNotFound, .credentialsRejected, .permissionMissing,
                .refusedByCRM, .crmConflict,
                .unsupportedByProvider, .targetNotAllowed, .crmUnreachable, .crmUnavailable, .crmRateLimited, .crmTimeout, .providerFailed,
                .credentialsUnreadable,
            ],
            handler: .merchant(read))
    ]

    private static func read(_ call: Call, _ merchant: Merchant) async throws(Problem) -> Reply {
        let (query, identity) = try search(call.query)
        let name = call.parameters["crm_type"] ?? ""
        guard let type = CRMType(name) else { throw call.unknownProvider() }
        let opened = try await asking { () async throws(StoreError) in try await call.api.connections.open(merchant.id, type) }
        guard let opened else {
            throw Problem(.notConnected, "\(try call.provider(named: name).crmType) is not connected.")
        }
        let integration = opened.integration
        let request = ProviderRequest(
            operation: .getContact, credentials: opened.credentials, settings: integration.settings, payload: query,
            idempotencyKey: call.newID().uuidString.lowercased(), account: ProviderRequest.account(of: merchant.id, type),
            traceparent: call.caller.traceparent,
            timeout: call.configuration.providerTimeout)
        let attempt = try await call.run(
            request, SyncLogSubject(merchant: merchant.id, crmType: type, operation: .read, contactIdentity: identity),
            integration: integration.id)
        try await call.record(attempt, integration: integration.id)
        let outcome = attempt.outcome
        try await keep(outcome.rotated(opened.credentials), of: integration, call)
        if let problem = Problem(outcome, of: type, to: .getContact) { throw problem }
        return Reply(200, contact(in: outcome.payload))
    }

    private static func search(_ query: QueryString) throws(Problem) -> (payload: JSONValue, identity: String) {
        let email = try query.value("email", "an e-mail address") { EmailAddress($0)?.description }
        let externalID = try query.value("external_id", "1 to 255 characters") { (1...255).contains($0.unicodeScalars.count) ? $0 : nil }
        switch (email, externalID) {
        case (let email?, nil): return (["email": .string(email)], email)
        case (nil, let id?): return (["external_id": .string(id)], id)
        default: throw Problem(.invalidParameter, "The query must have one of email and external_id.")
        }
    }

    private static func keep(_ credentials: Secret?, of integration: Integration, _ call: Call) async throws(Problem) {
        guard let credentials else { return }
        do throws(StoreError) {
            try await call.api.connections.replaceCredentials(of: integration, with: credentials)
        } catch .conflict {
            // Somebody stored newer ones meanwhile, and those stand.
        } catch {
            throw Problem(error)
        }
    }

    /// The contact in our shape: what a provider adds beyond it is not passed on.
    private static func contact(in payload: JSONValue) -> JSONValue {
        var members = JSONObject()
        for (name, value) in payload["contact"]?.objectValue ?? [:] where Components.contactFields.contains(name) { members[name] = value }
        members["raw_id"] = payload["remote_id"] ?? .null
        members.set("updated_at", payload["updated_at"]?.stringValue)
        return .object(members)
    }
}
