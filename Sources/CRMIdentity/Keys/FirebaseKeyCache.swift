package import CRMCore
package import CRMCrypto

/// Google's public keys, fetched before they expire, so that a request whose key is known never waits for the network.
package actor FirebaseKeyCache {
    /// The only source in production.
    package static let url = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"

    private let source: any KeyFetching
    private let store: (any KeyPersisting)?
    private let now: WallClock
    private let jitter: @Sendable () -> Double
    private let report: @Sendable (IdentityEvent) -> Void

    private var state = KeyCacheState()
    private var flight: Task<Void, Never>?

    package init(
        source: any KeyFetching, store: (any KeyPersisting)?, now: @escaping WallClock,
        jitter: @escaping @Sendable () -> Double = { .random(in: 0..<1) },
        report: @escaping @Sendable (IdentityEvent) -> Void
    ) {
        self.source = source
        self.store = store
        self.now = now
        self.jitter = jitter
        self.report = report
    }

    package var readiness: KeyReadiness { state.readiness(at: now()) }

    /// `nil` when Google publishes no key of this id. Waits for the network only when the id is not known.
    package func key(_ id: String) async throws(IdentityError) -> RSAPublicKey? {
        var lookup = state.lookUp(id, at: now())
        if case .fetchFirst = lookup {
            await fetch().value
            lookup = state.lookUpAfterFetch(id, at: now())
        }
        switch lookup {
        case .found(let key, let refresh):
            if refresh { fetch() }
            return key
        case .absent: return nil
        case .unavailable(let retryAfter): throw .keysUnavailable(retryAfter: retryAfter)
        case .fetchFirst: throw .keysUnavailable(retryAfter: KeyCacheState.pause)
        }
    }

    /// Fetches when there are no keys or theirs are getting old.
    package func refreshIfDue() async {
        if state.isRefreshDue(at: now()) { await fetch().value }
    }

    /// Keeps the keys fresh without traffic, until `sleep` throws.
    package func run(sleep: @Sendable (Duration) async throws -> Void) async {
        while true {
            await refreshIfDue()
            // Looked at every minute whatever the plan: the wall clock may be set meanwhile.
            do { try await sleep(min(state.untilRefresh(at: now()), .seconds(60))) } catch { return }
        }
    }

    /// One question at a time; who needs its answer waits for the task. The task outlives a caller that gives up.
    @discardableResult
    private func fetch() -> Task<Void, Never> {
        if let flight { return flight }
        state.fetchStarted(at: now())
        let started = Task {
            await refresh()
            state.fetchEnded()
            flight = nil
        }
        flight = started
        return started
    }

    private func refresh() async {
        do {
            let document = try await source.fetchKeys()
            let keys = try KeySet(document)
            let lifetime = KeyLifetime.of(cacheControl: document.cacheControl, age: document.age)
            let expiresAt = state.fetchSucceeded(keys, lifetime: lifetime, jitter: jitter(), at: now())
            report(.keysRefreshed(count: keys.count, lifetime: lifetime))
            await save(SavedKeys(keys: keys, expiresAt: expiresAt))
        } catch {
            state.fetchFailed()
            if readiness == .missing { await restore() }
            report(.keyRefreshFailed(reason: "\(error)", readiness: readiness))
        }
    }

    private func save(_ saved: SavedKeys) async {
        do { try await store?.save(saved.bytes) } catch { report(.keysNotSaved(reason: "\(error)")) }
    }

    private func restore() async {
        do {
            guard let bytes = try await store?.load() else { return }
            guard let saved = SavedKeys(bytes, at: now()) else {
                return report(.savedKeysUnusable(reason: "too old, or not what was saved"))
            }
            state.restore(saved, at: now())
        } catch {
            report(.savedKeysUnusable(reason: "\(error)"))
        }
    }
}
