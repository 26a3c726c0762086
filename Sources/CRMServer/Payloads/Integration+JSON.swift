internal import CRMCore

extension Integration {
    /// A connection whose provider is out of service says so, whatever is stored.
    func json(_ providers: any ProviderCatalog) -> JSONObject {
        let shown = shownState(providers)
        return [
            "integration_id": .string(id.description), "crm_type": .string(crmType.name), "label": .optional(label),
            "state": .string(shown.state.rawValue), "state_reason": .optional(shown.reason), "account": .object(account),
            "settings": .object(settings), "credential_fingerprint": .string(credentialFingerprint),
            "connected_at": .string(connectedAt.description), "updated_at": .string(updatedAt.description),
        ]
    }

    func shownState(_ providers: any ProviderCatalog) -> (state: IntegrationState, reason: String?) {
        providers.isInService(crmType)
            ? (state, stateReason) : (.providerUnavailable, "The provider of \(crmType) is out of service; deliveries wait.")
    }

    /// Why deliveries of this connection would wait; `nil` when they are sent.
    func waiting(_ providers: any ProviderCatalog) -> Waiting? {
        let shown = shownState(providers)
        let reason: Waiting.Reason? =
            switch shown.state {
            case .active, .degraded: nil
            case .reauthRequired: .reauth
            case .paused: .paused
            case .providerUnavailable: .providerUnavailable
            }
        return reason.map { Waiting(reason: $0, detail: shown.reason ?? Self.sentence($0)) }
    }

    private static func sentence(_ reason: Waiting.Reason) -> String {
        reason == .reauth ? "The CRM refuses the stored credentials; connect again." : "The connection is paused."
    }
}

extension ConnectionStatus {
    func json(_ providers: any ProviderCatalog) -> JSONValue {
        var members = integration.json(providers)
        members["last_validated_at"] = .optional(integration.lastValidatedAt?.description)
        members["last_success_at"] = .optional(lastSuccessAt?.description)
        members["last_failure"] =
            lastFailure.map { ["at": .string($0.at.description), "code": .string($0.code), "detail": .string($0.detail)] } ?? .null
        members["pending"] = .integer(pending)
        members["dead"] = .integer(dead)
        members["waiting"] = (integration.waiting(providers) ?? waiting)?.json ?? .null
        members["last_24h"] = ["succeeded": .integer(succeeded24h), "failed": .integer(failed24h)]
        return .object(members)
    }
}

extension Waiting {
    var json: JSONValue {
        var members: JSONObject = ["reason": .string(reason.rawValue)]
        members.set("until", until?.description)
        members["detail"] = .string(detail)
        return .object(members)
    }
}
