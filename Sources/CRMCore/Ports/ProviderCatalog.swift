/// The loaded providers, as the API and the delivery see them.
package protocol ProviderCatalog: Sendable {
    /// Providers in service, sorted by type.
    var loaded: [ProviderDescription] { get }

    func provider(_ type: CRMType) -> ProviderDescription?

    /// Runs one operation. `nil`: no such provider is in service. Otherwise there is always an outcome, the deadline included; when the
    /// caller's task is cancelled the outcome is `cancelled`.
    func call(_ type: CRMType, _ request: ProviderRequest) async -> ProviderOutcome?

    /// One element each time a provider came, went or was replaced; starts with the present state.
    func changes() -> AsyncStream<Void>
}
