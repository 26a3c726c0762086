internal import CRMCore
internal import FoundationEssentials

extension Call {
    /// Asks the CRM whether it accepts credentials that are not stored. Leaves a row in the sync log.
    func validate(_ credentials: Secret, with provider: ProviderDescription, for merchant: Merchant) async throws(Problem)
        -> ProviderOutcome
    {
        let request = ProviderRequest(
            operation: .validateCredentials, credentials: credentials, payload: [:], idempotencyKey: newID().uuidString.lowercased(),
            account: UUID(bytes: api.random(16), version: 4).uuidString.lowercased(), traceparent: caller.traceparent,
            timeout: configuration.providerTimeout)
        return try await run(request, provider.crmType, as: .validate, for: merchant, integration: nil, contactIdentity: nil)
    }

    /// Runs an operation that a caller waits for, and leaves its row in the sync log before anybody hears of it.
    func run(
        _ request: ProviderRequest, _ type: CRMType, as operation: SyncLogEntry.Operation, for merchant: Merchant,
        integration: IntegrationID?, contactIdentity: String?
    ) async throws(Problem) -> ProviderOutcome {
        guard let outcome = await api.providers.call(type, request) else { throw unknownProvider() }
        let entry = SyncLogEntry(
            id: LogID(newID()), at: now, crmType: type, integration: integration, operation: operation,
            outcome: outcome.status == .ok ? .success : .failed, status: outcome.status.name, code: outcome.code, detail: outcome.message,
            durationMilliseconds: Int(outcome.duration.milliseconds), attempt: 1, delivery: nil, requestID: requestID,
            providerVersion: outcome.providerVersion, contact: nil, remoteID: outcome.remoteID, httpStatus: outcome.httpStatus,
            warnings: outcome.warnings)
        try await asking { () async throws(StoreError) in
            try await api.syncLogs.record(entry, of: merchant.id, contactIdentity: contactIdentity)
        }
        return outcome
    }
}

extension ProviderOutcome {
    /// The credentials as the provider rotated them: members that it does not name stay. `nil`: unchanged.
    func rotated(_ credentials: Secret) -> Secret? {
        guard let update = payload["credential_update"]?.objectValue else { return nil }
        let current = credentials.withBytes { bytes in (try? JSONValue(parsing: bytes))?.objectValue }
        guard var merged = current else { return nil }
        for (name, value) in update { merged[name] = value }
        return Secret(JSONValue.object(merged).serialized())
    }
}
