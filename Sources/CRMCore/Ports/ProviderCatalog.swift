/// The loaded providers, as the API and the delivery see them.
package protocol ProviderCatalog: Sendable {
    /// Providers that are loaded, sorted by type; a paused one is among them.
    var loaded: [ProviderDescription] { get }

    func provider(_ type: CRMType) -> ProviderDescription?

    /// The operator keeps this provider from being called; deliveries wait until that is over.
    func isPaused(_ type: CRMType) -> Bool

    /// Runs one operation. `nil`: no such provider is in service. Otherwise there is always an outcome, the deadline included; when the
    /// caller's task is cancelled the outcome is `cancelled`.
    func call(_ type: CRMType, _ request: ProviderRequest) async -> ProviderOutcome?

    /// One element each time a provider came, went or was replaced; starts with the present state.
    func changes() -> AsyncStream<Void>
}

extension ProviderCatalog {
    /// It is loaded and may be called.
    package func isInService(_ type: CRMType) -> Bool { provider(type) != nil && !isPaused(type) }
}
