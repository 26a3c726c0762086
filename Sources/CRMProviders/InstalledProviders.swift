package import CRMCore
package import Logging

/// The providers of this process: what the files say, loaded, and reloaded while operations run.
package final class InstalledProviders: ProviderCatalog, Sendable {
    package let settings: ProviderSettings
    private let registry: ProviderRegistry
    private let files: ProviderFiles
    private let services: SharedServices

    /// Loads nothing yet: `reload` does.
    package init(settings: ProviderSettings, logger: Logger) throws {
        self.settings = settings
        registry = ProviderRegistry()
        services = try SharedServices()
        files = ProviderFiles(settings: settings, registry: registry, services: services, logger: logger)
    }

    /// Reads the files again and acts on what has changed. What is wrong is logged and kept in `snapshot`; it never disturbs what runs.
    package func reload() async { await files.reload() }

    /// Takes all providers out of service and waits for them to end.
    package func shutdown() async {
        await files.retireAll()
        await registry.waitForDrains()
    }

    /// Every file and how it fares, by name.
    package func snapshot() -> [ProviderFileState] {
        registry.files.map { file in
            var file = file
            if let conduct = file.crmType.flatMap({ services.conducts[$0] }) { file.conduct = conduct }
            return file
        }
    }

    /// What the providers have counted, and what the host has measured of them.
    package var metrics: ProviderMetricsSnapshot { services.metrics.snapshot }

    /// In service and described, but given no work: `call` answers `nil` until the entry says otherwise.
    package func isPaused(_ type: CRMType) -> Bool { registry.isPaused(type) }

    /// Judges the files as `reload` would, without serving from them. Libraries are loaded into this process for it.
    package static func inspect(_ settings: ProviderSettings, logger: Logger) async throws -> [ProviderFileState] {
        let files = ProviderFiles(settings: settings, registry: ProviderRegistry(), services: try SharedServices(), logger: logger)
        return try await files.inspect()
    }

    /// The copies of one provider's libraries that are at hand, the last used first.
    package static func storedLibraries(_ settings: ProviderSettings, of type: CRMType) -> [StoredLibrary] {
        let pipeline = LibraryPipeline(settings: settings)
        return pipeline.store.libraries(pipeline.records).filter { $0.crmType == type }
    }

    /// Lets a library out of quarantine: the next pass probes it again.
    package static func clearQuarantine(_ settings: ProviderSettings, sha256: String) throws(LibraryError) {
        guard sha256.utf8.count == 64, sha256.allSatisfy(\.isHexDigit) else {
            throw LibraryError(.pin, "\"\(sha256)\" is no sha256", fix: "give its 64 hexadecimal digits")
        }
        try LibraryPipeline(settings: settings).records.forget(sha256.lowercased())
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
