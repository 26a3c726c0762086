/// What a provider is given when it is made.
public struct ProviderContext: Sendable {
    public let log: ProviderLog
    public let clock: HostClock
    public let metrics: ProviderMetrics

    init(_ services: HostServices) {
        log = ProviderLog(services.host)
        clock = HostClock(services.timer)
        metrics = ProviderMetrics(services.metrics)
    }
}
