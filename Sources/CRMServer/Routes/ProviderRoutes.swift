internal import CRMCore

/// Which CRMs there are, and whether credentials work.
enum ProviderRoutes {
    static let all: [Route] = [
        Route(
            method: .get, path: "/crm/providers", operation: "listProviders", tag: .connections, summary: "List the CRMs in service",
            description: "With the JSON Schema of the credentials of each.", parameters: Route.Parameter.paging,
            answers: [
                Route.Answer(
                    status: 200, description: "Providers, sorted by crm_type.", schema: "ProviderList", example: Examples.providers)
            ],
            problems: [.invalidCursor], handler: .merchant(listProviders)),
        Route(
            method: .post, path: "/crm/validate", operation: "validate", tag: .connections, summary: "Try credentials without storing them",
            description: "Refused credentials are an answer here, not an error.",
            body: Route.Body(schema: "ValidateRequest", example: Examples.validateRequest),
            answers: [Route.Answer(status: 200, description: "What the CRM says.", schema: "Validation", example: Examples.validation)],
            problems: [
                .unknownProvider, .providerUnavailable, .crmUnreachable, .crmUnavailable, .crmRateLimited, .crmTimeout, .providerFailed,
                .targetNotAllowed,
                .unsupportedByProvider, .refusedByCRM,
            ],
            handler: .merchant(validate)),
    ]

    private static func listProviders(_ call: Call, _ merchant: Merchant) async throws(Problem) -> Reply {
        try call.page("providers", of: call.api.providers.loaded, by: \.crmType, for: merchant) {
            $0.json(isPaused: call.api.providers.isPaused($0.crmType))
        }
    }

    private static func validate(_ call: Call, _ merchant: Merchant) async throws(Problem) -> Reply {
        let body = try Components.checked(call.body, Components.validateRequest)
        let provider = try call.provider(named: body["crm_type"]?.stringValue ?? "")
        let credentials = try provider.checked(credentials: body["credentials"])
        let settings = try provider.checked(settings: body["settings"])
        let attempt = try await call.validate(credentials, settings: settings ?? [:], with: provider, for: merchant)
        try await call.record(attempt, integration: nil)
        return Reply(200, try validation(attempt.outcome, of: provider.crmType))
    }

    private static func validation(_ outcome: ProviderOutcome, of type: CRMType) throws(Problem) -> JSONValue {
        var members: JSONObject = [
            "valid": .bool(outcome.status != .invalidCredentials), "account": .object(outcome.payload["account"]?.objectValue ?? [:]),
            "permissions": .array(outcome.payload["permissions"]?.arrayValue ?? []),
        ]
        let problem = Problem(outcome, of: type, to: .validateCredentials)
        switch outcome.status {
        case .ok: break
        case .invalidCredentials, .permissionDenied:
            members["reason"] = [
                "code": .string(outcome.code.isEmpty ? outcome.status.name : outcome.code), "detail": .string(problem?.detail ?? ""),
            ]
        default: if let problem { throw problem }
        }
        return .object(members)
    }
}

extension ProviderDescription {
    /// Credentials that fit this provider's schema, as what they are: secret.
    func checked(credentials: JSONValue?) throws(Problem) -> Secret {
        let credentials = credentials ?? [:]
        try check(credentials, against: credentialSchema, at: "/credentials")
        return Secret(credentials.serialized())
    }

    /// Settings that fit this provider's schema; `nil` when there are none.
    func checked(settings: JSONValue?) throws(Problem) -> JSONObject? {
        guard let settings else { return nil }
        if let members = settings.objectValue { try Self.checkSize(ofSettings: members) }
        try check(settings, against: settingsSchema, at: "/settings")
        return settings.objectValue
    }

    /// Settings travel with every call to the CRM.
    static func checkSize(ofSettings settings: JSONObject) throws(Problem) {
        guard JSONValue.object(settings).serialized().count > maximumSettingsBytes else { return }
        let detail = "must have at most \(maximumSettingsBytes) bytes as JSON"
        throw Problem(InvalidInput([SchemaViolation(pointer: "/settings", code: .tooLong, detail: detail)]))
    }

    private static let maximumSettingsBytes = 16_384

    private func check(_ value: JSONValue, against schema: JSONValue, at pointer: String) throws(Problem) {
        // A provider that declares nothing takes nothing.
        guard let schema = try? Schema(schema.isNull ? ["type": "object", "properties": [:]] : schema) else {
            throw Problem(.providerFailed, "The provider of \(crmType) declares a schema that cannot be applied.")
        }
        let violations = schema.violations(of: value)
        guard violations.isEmpty else { throw Problem(InvalidInput(violations), below: pointer) }
    }
}
