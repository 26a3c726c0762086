internal import ServiceLifecycle

extension PostgresPool: Service {
    /// Keeps the pool open until the service group shuts down.
    package func run() async throws {
        try? await gracefulShutdown()
        await close()
    }
}
