internal import CRMCore
internal import FoundationEssentials

/// What all rows of one operation that a caller waits for say in the sync log.
struct SyncLogSubject: Sendable {
    var merchant: MerchantID
    var crmType: CRMType
    var operation: SyncLogEntry.Operation
    var contactIdentity: String?
}

/// How often a CRM was asked, and what it said at last.
struct Attempt: Sendable {
    var subject: SyncLogSubject
    var number: Int
    var outcome: ProviderOutcome
}

extension Call {
    /// Asks the CRM whether it accepts credentials that are not stored, and what they may do for a connection with these settings.
    func validate(
        _ credentials: Secret, settings: JSONObject, with provider: ProviderDescription, for merchant: Merchant
    ) async throws(Problem) -> Attempt {
        let request = ProviderRequest(
            operation: .validateCredentials, credentials: credentials, settings: settings, payload: [:],
            idempotencyKey: newID().uuidString.lowercased(), account: ProviderRequest.account(of: merchant.id, provider.crmType),
            traceparent: caller.traceparent, timeout: configuration.providerTimeout)
        let subject = SyncLogSubject(merchant: merchant.id, crmType: provider.crmType, operation: .validate)
        return try await run(request, subject, integration: nil)
    }

    /// Runs an operation that a caller waits for; once more when the CRM asks for a pause that is short, as it does when credentials
    /// are stored right after they were tried. The caller records the attempt that it is given.
    func run(
        _ request: ProviderRequest, _ subject: SyncLogSubject, integration: IntegrationID?
    ) async throws(Problem) -> Attempt {
        let first = try await attempt(1, request, subject)
        guard let pause = first.outcome.shortPause else { return first }
        var again = request
        again.attempt = 2
        again.timeout = request.timeout - first.outcome.duration - pause
        guard again.timeout >= Self.leastTime else { return first }
        try await record(first, as: .retrying, integration: integration)
        // When the caller is gone the pause ends early, and so does the next attempt, as cancelled.
        try? await api.sleep(pause)
        return try await attempt(2, again, subject)
    }

    /// With less than this left, an attempt would turn the CRM's clear word into a timeout.
    private static let leastTime = Duration.seconds(1)

    private func attempt(_ number: Int, _ request: ProviderRequest, _ subject: SyncLogSubject) async throws(Problem) -> Attempt {
        guard let outcome = await api.providers.call(subject.crmType, request) else {
            throw outOfService(subject.crmType)
        }
        return Attempt(subject: subject, number: number, outcome: outcome)
    }

    /// Leaves the attempt's row in the sync log; the last one's before anybody hears of it.
    func record(_ attempt: Attempt, integration: IntegrationID?) async throws(Problem) {
        try await record(attempt, as: attempt.outcome.status == .ok ? .success : .failed, integration: integration)
    }

    private func record(_ attempt: Attempt, as result: SyncLogEntry.Outcome, integration: IntegrationID?) async throws(Problem) {
        let (subject, outcome) = (attempt.subject, attempt.outcome)
        let entry = SyncLogEntry(
            id: LogID(newID()), at: now, crmType: subject.crmType, integration: integration, operation: subject.operation,
            outcome: result, status: outcome.status.name, code: outcome.code, detail: outcome.message,
            durationMilliseconds: Int(outcome.duration.milliseconds), attempt: attempt.number, delivery: nil, requestID: requestID,
            providerVersion: outcome.providerVersion, contact: nil, remoteID: outcome.remoteID, httpStatus: outcome.httpStatus,
            warnings: outcome.warnings)
        try await asking { () async throws(StoreError) in
            try await api.syncLogs.record(entry, of: subject.merchant, contactIdentity: subject.contactIdentity)
        }
    }
}

extension ProviderOutcome {
    /// The pause that a CRM asks for, when it is one that a caller can sit out.
    fileprivate var shortPause: Duration? {
        guard status == .rateLimited, let retryAfter, retryAfter <= .seconds(2) else { return nil }
        return max(retryAfter, .zero)
    }

    /// The credentials as the provider rotated them: members that it does not name stay. `nil`: unchanged.
    func rotated(_ credentials: Secret) -> Secret? {
        guard let update = payload["credential_update"]?.objectValue else { return nil }
        let current = credentials.withBytes { bytes in (try? JSONValue(parsing: bytes))?.objectValue }
        guard var merged = current else { return nil }
        for (name, value) in update { merged[name] = value }
        return Secret(JSONValue.object(merged).serialized())
    }
}
