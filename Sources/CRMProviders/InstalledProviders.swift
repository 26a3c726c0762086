package import CRMCore
package import Logging

/// The providers of this process: what the files say, loaded, and reloaded while operations run.
package final class InstalledProviders: ProviderCatalog, Sendable {
    package let settings: ProviderSettings
    private let registry: ProviderRegistry
    private let files: ProviderFiles

    /// Loads nothing yet: `reload` does.
    package init(settings: ProviderSettings, logger: Logger) throws {
        self.settings = settings
        registry = ProviderRegistry()
        files = ProviderFiles(settings: settings, registry: registry, threads: try HostThreads.shared(), logger: logger)
    }

    /// Reads the files again and acts on what has changed. What is wrong is logged and kept in `snapshot`; it never disturbs what runs.
    package func reload() async { await files.reload() }

    /// Takes all providers out of service and waits for them to end.
    package func shutdown() async {
        await files.retireAll()
        await registry.waitForDrains()
    }

    /// Every file and how it fares, by name.
    package func snapshot() -> [ProviderFileState] { registry.files }

    /// Judges the files as `reload` would, without serving from them. Libraries are loaded into this process for it.
    package static func inspect(_ settings: ProviderSettings, logger: Logger) async throws -> [ProviderFileState] {
        let files = ProviderFiles(settings: settings, registry: ProviderRegistry(), threads: try HostThreads.shared(), logger: logger)
        return try await files.inspect()
    }

    /// All directories whose changes matter.
    func watchedDirectories() async -> Set<String> {
        await files.foreignLibraryDirectories.union([settings.entryDirectory, settings.libraryDirectory])
    }

    /// How often a provider completed an operation that was not in flight, over all providers of the process.
    package static var strayCompletions: Int { InstanceDirectory.strayCompletions }

    // MARK: ProviderCatalog

    package var loaded: [ProviderDescription] { registry.descriptions }

    package func provider(_ type: CRMType) -> ProviderDescription? { registry.description(type) }

    @concurrent
    package func call(_ type: CRMType, _ request: ProviderRequest) async -> ProviderOutcome? {
        guard let instance = registry.acquire(type) else { return nil }
        defer { instance.release() }
        return await instance.perform(request)
    }

    package func changes() -> AsyncStream<Void> { registry.changes() }
}
