package import CRMCore
package import Hummingbird
package import Logging

/// The listener for operators: what the API keeps to itself. It asks for no token, so it listens on loopback.
package struct AdminAPI: Sendable {
    private let readiness: @Sendable () async -> Readiness
    private let providers: @Sendable () async -> JSONValue
    private let metrics: @Sendable () async -> String
    private let now: WallClock
    private let random: RandomBytes

    /// `providers` answers with the state of every provider library, those that did not load included; `metrics` in the text format of
    /// Prometheus.
    package init(
        readiness: @escaping @Sendable () async -> Readiness, providers: @escaping @Sendable () async -> JSONValue,
        metrics: @escaping @Sendable () async -> String, now: @escaping WallClock, random: @escaping RandomBytes
    ) {
        self.readiness = readiness
        self.providers = providers
        self.metrics = metrics
        self.now = now
        self.random = random
    }

    private static let paths: Set<String> = ["/healthz", "/readyz", "/providers", "/metrics"]

    package func application(
        on listener: Listener, logger: Logger, onRunning: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
        let router = Router(context: APIContext.self)
        router.add(
            middleware: Edge(
                methods: { Self.paths.contains($0) ? ["GET"] : [] }, cors: CORSPolicy(allowedOrigins: []), trustedProxies: [], now: now,
                random: random))
        router.get("/healthz") { _, _ in HealthRoutes.health.response }
        router.get("/readyz") { _, _ in try HealthRoutes.reply(await readiness()).response }
        router.get("/providers") { _, _ in Reply(200, await providers()).response }
        router.get("/metrics") { _, _ in
            Reply(contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(await metrics().utf8)).response
        }
        return listener.application(router, logger, onRunning)
    }
}
