import CRMTransport

/// What all instances of one `InstalledProviders` share, over all generations of their libraries.
struct SharedServices: Sendable {
    let threads: HostThreads
    let cache: SessionCache
    let metrics: ProviderMetrics
    let conducts: ProviderConducts

    init() throws(DetachedThread.Refused) {
        threads = try HostThreads.shared()
        cache = SessionCache(threads: threads)
        metrics = ProviderMetrics()
        conducts = ProviderConducts()
    }
}
