import ServiceLifecycle

/// Keeps the providers in step with their files for as long as the service runs, and ends them with it.
///
/// In a service group it stands before all that calls providers, so that it is stopped after them.
package struct ProviderWatcher: Service {
    private let providers: InstalledProviders

    package init(_ providers: InstalledProviders) { self.providers = providers }

    package func run() async throws {
        // First the watch, then the pass: what changes in between is seen.
        let watch = try DirectoryWatch(await providers.watchedDirectories())
        await providers.reload()
        watch.follow(await providers.watchedDirectories())
        for await _ in watch.changes.cancelOnGracefulShutdown() {
            await providers.reload()
            watch.follow(await providers.watchedDirectories())
        }
        watch.stop()
        await providers.shutdown()
    }
}
