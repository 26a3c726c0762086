/// What a provider is given when it is made.
public struct ProviderContext: Sendable {
    public let log: ProviderLog
    public let clock: HostClock

    init(_ services: HostServices) {
        log = ProviderLog(services.host)
        clock = HostClock(services.timer)
    }
}
