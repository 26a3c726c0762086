internal import Synchronization

/// What is left of one of a CRM's limits.
public struct Quota: Sendable, Hashable {
    /// What the limit applies to, in the provider's words: the same as the rate class of a wait.
    public var rateClass: String
    public var windowSeconds: Int
    public var limit: Int
    public var remaining: Int
    public var resetsInSeconds: Int

    public init(rateClass: String, windowSeconds: Int, limit: Int, remaining: Int, resetsInSeconds: Int) {
        self.rateClass = rateClass
        self.windowSeconds = windowSeconds
        self.limit = limit
        self.remaining = remaining
        self.resetsInSeconds = resetsInSeconds
    }

    var json: JSONValue {
        [
            "class": .string(rateClass), "window_s": .integer(windowSeconds), "limit": .integer(limit),
            "remaining": .integer(remaining), "resets_in_s": .integer(resetsInSeconds),
        ]
    }
}

/// What an operation tells the host besides its result, whether it succeeds or fails.
final class OperationNotes: Sendable {
    private struct State {
        var warnings: [Warning] = []
        /// The newest of each class and window.
        var quotas: [Quota] = []
        var rateClass: String?
        var credentials: JSONObject?
    }

    private let state = Mutex(State())

    func add(_ warning: Warning) { state.withLock { $0.warnings.append(warning) } }

    func add(_ quota: Quota) {
        state.withLock { state in
            state.quotas.removeAll { $0.rateClass == quota.rateClass && $0.windowSeconds == quota.windowSeconds }
            state.quotas.append(quota)
        }
    }

    func set(rateClass: String) { state.withLock { $0.rateClass = rateClass } }
    func set(credentials: JSONObject) { state.withLock { $0.credentials = credentials } }

    func write(into payload: inout JSONObject) {
        let state = state.withLock { $0 }
        if !state.warnings.isEmpty { payload["warnings"] = .array(state.warnings.map(\.json)) }
        if !state.quotas.isEmpty { payload["quota"] = .array(state.quotas.map(\.json)) }
        payload.set("rate_class", state.rateClass)
        payload.set("credential_update", state.credentials.map(JSONValue.object))
    }
}
