package import CRMCore

/// What the API needs from the rest of the service, filled by the composition.
package struct APIDependencies: Sendable {
    package var tokens: any TokenVerifying
    package var merchants: any MerchantStore
    package var connections: any ConnectionStore
    package var deliveries: any DeliveryStore
    package var syncLogs: any SyncLogStore
    package var cursors: any CursorSigner
    package var providers: any ProviderCatalog
    package var now: WallClock
    package var random: RandomBytes
    /// Waits until a CRM that asked for a short pause can be asked again.
    package var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    package var readiness: @Sendable () async -> Readiness
    /// Called after deliveries were accepted and committed, so that their lanes need not wait for a poll.
    package var didAccept: @Sendable () -> Void

    package init(
        tokens: any TokenVerifying, merchants: any MerchantStore, connections: any ConnectionStore, deliveries: any DeliveryStore,
        syncLogs: any SyncLogStore, cursors: any CursorSigner, providers: any ProviderCatalog, now: @escaping WallClock,
        random: @escaping RandomBytes, readiness: @escaping @Sendable () async -> Readiness,
        didAccept: @escaping @Sendable () -> Void
    ) {
        self.tokens = tokens
        self.merchants = merchants
        self.connections = connections
        self.deliveries = deliveries
        self.syncLogs = syncLogs
        self.cursors = cursors
        self.providers = providers
        self.now = now
        self.random = random
        self.readiness = readiness
        self.didAccept = didAccept
    }
}

/// Whether requests can be served, and if not, what keeps them from it.
package enum Readiness: Sendable, Hashable {
    case ready
    /// `part` is a word such as `database`; `detail` is a sentence for people without hosts or names.
    case failing(part: String, detail: String)
}

/// The choices of whoever runs the API.
package struct APIConfiguration: Sendable {
    /// Exact origins, `https://shop.example`, whose pages may call the API from a browser. None: no page may.
    package var allowedOrigins: Set<String> = []
    /// The unpacked static files of Swagger UI and ReDoc.
    package var docsDirectory: String?
    /// The Firebase project whose users sign in, named in the documentation.
    package var projectID = ""
    package var version = "0.1.0"
    /// Addresses of proxies whose `X-Forwarded-For` is believed.
    package var trustedProxies: Set<String> = []
    /// How long a caller waits for a CRM.
    package var providerTimeout: Duration = .seconds(8)
    package var maximumBodySize = 256 * 1_024
    /// From the end of the header to the end of the body.
    package var bodyTimeout: Duration = .seconds(15)

    package init() {}
}
