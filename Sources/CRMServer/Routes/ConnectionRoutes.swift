internal import CRMCore

/// Connecting CRMs, and how connections are doing.
enum ConnectionRoutes {
    static let typeParameter = Route.Parameter(
        name: "crm_type", place: .path, description: "The CRM, as GET /crm/providers names it.", example: "klaviyo")

    static let all: [Route] = [
        Route(
            method: .post, path: "/crm/connect", operation: "connect", tag: .connections, summary: "Connect a CRM",
            description: """
                Tries the credentials and stores them encrypted. Connecting the same crm_type again replaces the credentials and keeps \
                the integration's id, so repeating the call does no harm. No route ever returns credentials.
                """,
            body: Route.Body(schema: "ConnectRequest", example: Examples.connectRequest),
            answers: [
                Route.Answer(status: 201, description: "Connected.", schema: "Integration", example: Examples.integration),
                Route.Answer(
                    status: 200, description: "Was connected; the credentials are replaced.", schema: "Integration",
                    example: Examples.integration),
            ],
            problems: [
                .unknownProvider, .providerUnavailable, .credentialsRejected, .permissionMissing, .targetNotAllowed, .crmUnreachable,
                .crmUnavailable,
                .crmRateLimited, .crmTimeout, .providerFailed, .unsupportedByProvider, .refusedByCRM, .changedMeanwhile,
            ],
            handler: .merchant(connect)),
        Route(
            method: .get, path: "/crm/list", operation: "listIntegrations", tag: .connections, summary: "List the connected CRMs",
            parameters: Route.Parameter.paging,
            answers: [
                Route.Answer(
                    status: 200, description: "Integrations, sorted by crm_type.", schema: "IntegrationList", example: Examples.integrations
                )
            ],
            problems: [.invalidCursor], handler: .merchant(listConnected)),
        Route(
            method: .get, path: "/crm/{crm_type}/status", operation: "connectionStatus", tag: .connections,
            summary: "See how a connection is doing",
            parameters: [typeParameter],
            answers: [
                Route.Answer(
                    status: 200, description: "The connection, or that there is none.", schema: "ConnectionStatus", example: Examples.status
                )
            ],
            problems: [.unknownProvider], handler: .merchant(status)),
        Route(
            method: .patch, path: "/crm/{crm_type}", operation: "changeConnection", tag: .connections, summary: "Change a connection",
            description: """
                Everything but its credentials, which POST /crm/connect replaces. A JSON merge patch (RFC 7396): what is left out stays, null \
                clears; the settings that result are checked against the provider's settings_schema. While a connection is paused its \
                deliveries are accepted and wait. A change holds for the next call to the CRM, within seconds.
                """,
            parameters: [typeParameter], body: Route.Body(schema: "ConnectionPatch", example: Examples.connectionPatch),
            answers: [Route.Answer(status: 200, description: "As it is now.", schema: "Integration", example: Examples.integration)],
            problems: [.unknownProvider, .providerUnavailable, .connectionNotFound, .changedMeanwhile, .providerFailed],
            handler: .merchant(change)),
        Route(
            method: .delete, path: "/crm/{crm_type}/disconnect", operation: "disconnect", tag: .connections, summary: "Disconnect a CRM",
            description: "Destroys the stored credentials and ends what is still queued; each ended delivery leaves a row in the sync log.",
            parameters: [typeParameter],
            answers: [Route.Answer(status: 200, description: "Disconnected.", schema: "Disconnection", example: Examples.disconnection)],
            problems: [.unknownProvider, .connectionNotFound, .changedMeanwhile], handler: .merchant(disconnect)),
    ]

    private static func connect(_ call: Call, _ merchant: Merchant) async throws(Problem) -> Reply {
        let body = try Components.checked(call.body, Components.connectRequest)
        let provider = try call.provider(named: body["crm_type"]?.stringValue ?? "")
        let credentials = try provider.checked(credentials: body["credentials"])
        let settings = try provider.checked(settings: body["settings"])
        let inForce = if let settings { settings } else { try await present(provider.crmType, of: merchant, call) }
        let attempt = try await call.validate(credentials, settings: inForce, with: provider, for: merchant)
        let outcome = attempt.outcome
        if let problem = Problem(outcome, of: provider.crmType, to: .validateCredentials) {
            try await call.record(attempt, integration: nil)
            throw problem
        }
        let connection = NewConnection(
            merchant: merchant.id, crmType: provider.crmType, credentials: outcome.rotated(credentials) ?? credentials,
            settings: settings, label: body["label"]?.stringValue,
            account: outcome.payload["account"]?.objectValue ?? [:])
        let made: (integration: Integration, created: Bool)
        do throws(StoreError) {
            made = try await call.api.connections.connect(connection, call.caller)
        } catch {
            try await call.record(attempt, integration: nil)
            throw Problem(error)
        }
        // Only now, so that the row belongs to the connection's history, which begins when it is stored.
        try await call.record(attempt, integration: made.integration.id)
        return Reply(made.created ? 201 : 200, .object(made.integration.json(call.api.providers)))
    }

    /// Of the connection that is about to be replaced, if there is one.
    private static func present(_ type: CRMType, of merchant: Merchant, _ call: Call) async throws(Problem) -> JSONObject {
        try await integration(type, of: merchant, call)?.settings ?? [:]
    }

    private static func change(_ call: Call, _ merchant: Merchant) async throws(Problem) -> Reply {
        let body = try Components.checked(call.body, Components.connectionPatch)
        guard let type = CRMType(call.parameters["crm_type"] ?? "") else { throw call.unknownProvider() }
        for _ in 0..<changeAttempts {
            guard let present = try await integration(type, of: merchant, call) else {
                guard call.api.providers.provider(type) != nil else { throw call.unknownProvider() }
                throw Problem(.connectionNotFound, "\(type) is not connected.")
            }
            let change = try change(from: body, of: present, call)
            do throws(StoreError) {
                guard let changed = try await call.api.connections.change(merchant.id, type, change, call.caller) else { continue }
                if change.isPaused == false { call.api.didAccept() }
                return Reply(200, .object(changed.json(call.api.providers)))
            } catch .conflict {
                // Somebody changed the settings meanwhile: patches that name other members agree with each other.
                continue
            } catch {
                throw Problem(error)
            }
        }
        throw Problem(.changedMeanwhile, "Others change this connection all the time.")
    }

    private static let changeAttempts = 8

    private static func integration(_ type: CRMType, of merchant: Merchant, _ call: Call) async throws(Problem) -> Integration? {
        try await asking { () async throws(StoreError) in try await call.api.connections.integration(merchant.id, type) }
    }

    private static func change(from body: JSONValue, of present: Integration, _ call: Call) throws(Problem) -> ConnectionChange {
        var change = ConnectionChange(isPaused: body["paused"]?.boolValue)
        if let label = body["label"] { change.label = .some(label.stringValue) }
        if let patch = body["settings"]?.objectValue {
            // What the settings may be only their provider knows.
            guard let provider = call.api.providers.provider(present.crmType) else { throw call.outOfService(present.crmType) }
            try ProviderDescription.checkSize(ofSettings: patch)
            let merged = JSONValue.object(present.settings).merged(with: .object(patch))
            change.settings = (present.settings, try provider.checked(settings: merged) ?? [:])
        }
        return change
    }

    private static func listConnected(_ call: Call, _ merchant: Merchant) async throws(Problem) -> Reply {
        let integrations = try await asking { () async throws(StoreError) in try await call.api.connections.integrations(of: merchant.id) }
        return try call.page("integrations", of: integrations, by: \.crmType, for: merchant) { .object($0.json(call.api.providers)) }
    }

    private static func status(_ call: Call, _ merchant: Merchant) async throws(Problem) -> Reply {
        guard let type = CRMType(call.parameters["crm_type"] ?? "") else { throw call.unknownProvider() }
        let found = try await asking { () async throws(StoreError) in try await call.api.connections.status(merchant.id, type) }
        if let found { return Reply(200, found.json(call.api.providers)) }
        guard call.api.providers.provider(type) != nil else { throw call.unknownProvider() }
        return Reply(200, ["crm_type": .string(type.name), "state": "not_connected"])
    }

    private static func disconnect(_ call: Call, _ merchant: Merchant) async throws(Problem) -> Reply {
        guard let type = CRMType(call.parameters["crm_type"] ?? "") else { throw call.unknownProvider() }
        let ended = try await asking { () async throws(StoreError) in
            try await call.api.connections.disconnect(merchant.id, type, call.caller)
        }
        guard let ended else {
            guard call.api.providers.provider(type) != nil else { throw call.unknownProvider() }
            throw Problem(.connectionNotFound, "\(type) is not connected.")
        }
        return Reply(200, ["disconnected_at": .string(ended.at.description), "cancelled_deliveries": .integer(ended.cancelled)])
    }
}
