/// What an operation is about besides its input, and what the host lends to it.
///
/// An object, because it is handed from function to function and holds a lot.
public final class OperationContext: Sendable {
    /// The merchant's, as the manifest's `credentialSchema` describes them.
    public let credentials: JSONObject
    /// The merchant's choices, as the manifest's `settingsSchema` describes them.
    public let settings: JSONObject
    /// Opaque id of the merchant's connection: the key for anything that a provider remembers.
    public let account: String
    /// The same for every attempt of the same write.
    public let idempotencyKey: String
    /// From 1.
    public let attempt: Int
    /// Nothing may be written into the CRM. Only seen by providers that declare `Capabilities.dryRun`.
    public let isDryRun: Bool
    /// An earlier attempt may have happened: look first where the CRM does not de-duplicate.
    public let looksBeforeWrite: Bool
    /// W3C trace context; the host adds it to HTTP calls by itself.
    public let traceparent: String
    public let http: HTTPClient
    public let log: ProviderLog
    public let clock: HostClock
    /// What this connection remembers from one operation to the next: a session, an access token.
    public let cache: SessionCache
    public let metrics: ProviderMetrics
    let notes: OperationNotes
    let secrets: Redaction
    private let deadline: Int64

    init(
        _ call: OperationCall, credentials: JSONObject, settings: JSONObject, payload: JSONObject, notes: OperationNotes,
        _ services: HostServices
    ) {
        self.credentials = credentials
        self.settings = settings
        account = call.account
        idempotencyKey = call.idempotencyKey
        attempt = call.attempt
        isDryRun = call.isDryRun
        looksBeforeWrite = call.looksBeforeWrite
        traceparent = call.traceparent
        http = HTTPClient(services, operationID: call.id)
        log = ProviderLog(services.host, operationID: call.id)
        clock = HostClock(services.timer)
        cache = SessionCache(services.cache, operationID: call.id)
        metrics = ProviderMetrics(services.metrics)
        self.notes = notes
        secrets = Redaction(of: [.object(credentials), .object(payload)])
        deadline = call.deadline
    }

    /// What is left until the host ends the operation; `nil` when it sets no end.
    public var remaining: Duration? {
        deadline == 0 ? nil : .nanoseconds(max(0, deadline - clock.monotonicNanoseconds))
    }

    public func sleep(for duration: Duration) async throws { try await clock.sleep(for: duration) }

    /// `text` of the CRM without what came from the merchant or the customer, fit for a message or a log.
    public func redacted(_ text: String) -> String { secrets.applied(to: text) }

    /// Says that something was left out although the operation goes on.
    public func warn(code: String, field: String? = nil, _ detail: String) {
        warn(Warning(code: code, field: field, detail: detail))
    }

    public func warn(_ warning: Warning) { notes.add(warning) }

    /// Tells the host what the CRM says is left of a limit.
    public func report(_ quota: Quota) { notes.add(quota) }

    /// Names what a wait that the CRM asks for applies to.
    public func setRateClass(_ name: String) { notes.set(rateClass: name) }

    /// Hands over credentials that the CRM has changed, whole: the host stores them even when the operation fails.
    public func updateCredentials(_ credentials: JSONObject) { notes.set(credentials: credentials) }
}
