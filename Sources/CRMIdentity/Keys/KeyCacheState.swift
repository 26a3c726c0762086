import CRMCore
import CRMCrypto

/// The decisions of the key cache: what to answer for a key id, when to ask the key server again.
struct KeyCacheState: Sendable {
    /// How long past their expiry keys are still used while the server cannot be reached.
    static let grace = Duration.seconds(6 * 3_600)
    /// Between two questions to the key server, whatever tokens arrive.
    static let pause = Duration.seconds(10)
    static let absenceLifetime = Duration.seconds(60)

    enum Lookup {
        /// Use the key now; with `refresh` ask the server in the background.
        case found(RSAPublicKey, refresh: Bool)
        /// No such key.
        case absent
        /// Ask the server, or join the question under way, then `lookUpAfterFetch`.
        case fetchFirst
        case unavailable(retryAfter: Duration)
    }

    private struct Held {
        let keys: KeySet
        let refreshAt: Timestamp
        let expiresAt: Timestamp
    }

    private var held: Held?
    private var isFetching = false
    private var lastAttempt: Timestamp?
    private var lastAttemptFailed = false
    private var absentKeys = ExpiringCache<String, Bool>(capacity: 1_024)

    // MARK: Lookups

    mutating func lookUp(_ id: String, at now: Timestamp) -> Lookup {
        guard let held = usable(at: now) else {
            return mayAsk(at: now) ? .fetchFirst : .unavailable(retryAfter: untilNextAttempt(at: now))
        }
        if let key = held.keys[id] { return .found(key, refresh: isRefreshDue(at: now)) }
        if absentKeys.value(for: id, at: now) != nil { return .absent }
        return mayAsk(at: now) ? .fetchFirst : missing(at: now)
    }

    mutating func lookUpAfterFetch(_ id: String, at now: Timestamp) -> Lookup {
        guard let held = usable(at: now) else { return .unavailable(retryAfter: untilNextAttempt(at: now)) }
        if let key = held.keys[id] { return .found(key, refresh: false) }
        guard !lastAttemptFailed else { return missing(at: now) }
        absentKeys.insert(true, for: id, until: now + Self.absenceLifetime, at: now)
        return .absent
    }

    /// A key that a fresh set lacks does not exist; one that a stale set lacks may be newer than the set.
    private func missing(at now: Timestamp) -> Lookup {
        readiness(at: now) == .fresh ? .absent : .unavailable(retryAfter: untilNextAttempt(at: now))
    }

    // MARK: Fetches

    mutating func fetchStarted(at now: Timestamp) {
        isFetching = true
        lastAttempt = now
    }

    /// `jitter` from 0 up to 1 spreads the refreshes of many processes over a tenth of the lifetime, around three quarters of it.
    mutating func fetchSucceeded(_ keys: KeySet, lifetime: Duration, jitter: Double, at now: Timestamp) -> Timestamp {
        let held = Held(keys: keys, refreshAt: now + lifetime * (0.7 + 0.1 * jitter), expiresAt: now + lifetime)
        self.held = held
        lastAttemptFailed = false
        return held.expiresAt
    }

    mutating func fetchFailed() { lastAttemptFailed = true }

    mutating func fetchEnded() { isFetching = false }

    /// Keys of an earlier run are due for a refresh at once.
    mutating func restore(_ saved: SavedKeys, at now: Timestamp) {
        held = Held(keys: saved.keys, refreshAt: now, expiresAt: saved.expiresAt)
    }

    // MARK: Times

    func readiness(at now: Timestamp) -> KeyReadiness {
        guard let held = usable(at: now) else { return .missing }
        return now < held.expiresAt ? .fresh : .stale
    }

    func isRefreshDue(at now: Timestamp) -> Bool {
        guard !isFetching, mayAsk(at: now) else { return false }
        return usable(at: now).map { now >= $0.refreshAt } ?? true
    }

    /// For whoever refreshes without being asked for a key.
    func untilRefresh(at now: Timestamp) -> Duration {
        let due = usable(at: now).map { $0.refreshAt - now } ?? .zero
        return max(due, untilNextAttempt(at: now))
    }

    private func usable(at now: Timestamp) -> Held? {
        held.flatMap { now < $0.expiresAt + Self.grace ? $0 : nil }
    }

    private func mayAsk(at now: Timestamp) -> Bool {
        guard !isFetching, let lastAttempt else { return true }
        // A clock that was set back must not stop the questions.
        return now >= lastAttempt + Self.pause || now < lastAttempt
    }

    /// At least a second: it becomes a `Retry-After`.
    private func untilNextAttempt(at now: Timestamp) -> Duration {
        guard let lastAttempt, now >= lastAttempt else { return .seconds(1) }
        return max(lastAttempt + Self.pause - now, .seconds(1))
    }
}

/// Whether tokens can be checked at all.
package enum KeyReadiness: String, Sendable {
    case fresh
    /// Past their expiry and still in use: the key server has not answered for a while.
    case stale
    case missing
}
