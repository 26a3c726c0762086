import CRMCore
import CRMTransport
import Glibc
import Logging

/// Brings what runs into line with the files: the only writer of the registry.
///
/// It lives on the loader thread and never suspends inside a pass, so that passes follow each other.
actor ProviderFiles {
    private struct Record {
        var state: ProviderFileState
        var running: Running?
        var generations = 0
    }

    private struct Running {
        let instance: ProviderInstance
        var entry: ProviderEntry
        /// As it is shown while the instance runs.
        var state: ProviderFileState
    }

    let settings: ProviderSettings
    let pipeline: LibraryPipeline
    private let registry: ProviderRegistry
    private let services: SharedServices
    private let logger: Logger
    private var records: [String: Record] = [:]
    /// Absolute paths of libraries, from the entries last read.
    private var foreignLibraries: Set<String> = []
    private var generations = 0
    /// Copies in the store that a pass may not remove.
    private var pins: Set<String> = []
    private var hasPrepared = false

    /// Each generation leaves its image in memory.
    private static let adviseRestartAfter = 50

    nonisolated var unownedExecutor: UnownedSerialExecutor { services.threads.loader.asUnownedSerialExecutor() }

    init(settings: ProviderSettings, registry: ProviderRegistry, services: SharedServices, logger: Logger) {
        self.settings = settings
        self.registry = registry
        self.services = services
        self.logger = logger
        pipeline = LibraryPipeline(settings: settings)
    }

    // MARK: Passes

    func reload() {
        let files: [EntryFile]
        do throws(LibraryError) {
            files = try EntryFile.all(in: settings.entryDirectory)
        } catch {
            logger.error("the directory of provider entries cannot be read; what runs stays", metadata: ["reason": "\(error)"])
            return
        }

        foreignLibraries = Set(files.compactMap { try? $0.entry.get().library }.filter { $0.hasPrefix("/") })
        // What goes makes room for what comes, under the same crm_type too.
        for name in records.keys.sorted() where !files.contains(where: { $0.name == name }) {
            retire(name)
            records[name] = nil
            logger.info("a provider's entry was removed", metadata: ["file": "\(name)"])
        }
        for file in files {
            if case .success(let entry) = file.entry, !entry.isEnabled {
                retire(file.name)
                set(file.name, ProviderFileState(file: file.name, library: entry.library, state: .disabled))
            }
        }
        for file in files {
            if case .failure(let error) = file.entry { refuse(file.name, library: nil, .entry(error)) }
        }
        pins = Set(files.compactMap { try? $0.entry.get().sha256 })
        applyAll(files.compactMap { file in (try? file.entry.get()).map { (file.name, $0) } }.filter(\.1.isEnabled))
        publish()
        if hasPrepared { prune() }
    }

    private func publish() {
        let isCrowded = generations > Self.adviseRestartAfter
        registry.publish(
            records.values.map { record in
                var state = record.state
                state.generations = record.generations
                if isCrowded {
                    state.warning = "\(generations) libraries were loaded since the start; a restart frees their memory"
                }
                return state
            })
    }

    /// Old copies go, but none that runs, ends, or is asked for.
    private func prune() {
        hasPrepared = false
        let running = Set(registry.files.compactMap { $0.running?.sha256 })
        let removed = pipeline.store.prune(keeping: settings.keptCopies, of: running.union(pins))
        pipeline.records.prune(keeping: running.union(pins).union(pipeline.store.hashes))
        for sha256 in removed { logger.info("an old copy of a provider library was removed", metadata: ["sha256": "\(sha256)"]) }
    }

    /// A type that one file gives up may be what another waits for, so conflicts are looked at again for as long as that helps.
    private func applyAll(_ entries: [(name: String, entry: ProviderEntry)]) {
        var conflicts: [String: TypeConflict] = [:]
        for _ in 0...entries.count {
            let exchanging = TypeConflict.cycles(conflicts)
            conflicts = [:]
            var mayTake = exchanging
            for (name, entry) in entries {
                switch apply(entry, of: name, mayTake: mayTake) {
                case .settled: break
                // It keeps its type, so nobody gets it, and nobody gets theirs.
                case .refused: if exchanging.contains(name) { mayTake = [] }
                case .conflict(let conflict): conflicts[name] = conflict
                }
            }
            let isFreed = conflicts.values.contains { servedType(of: $0.owner) != $0.type }
            if !isFreed && TypeConflict.cycles(conflicts).isEmpty { break }
        }
        for (name, entry) in entries {
            if let conflict = conflicts[name] { refuse(name, library: entry.library, .library(conflict.error)) }
        }
    }

    private func servedType(of file: String) -> CRMType? { records[file]?.running?.instance.description.crmType }

    func retireAll() {
        for name in records.keys.sorted() { retire(name) }
        records = [:]
        registry.publish([])
    }

    /// Directories of libraries that entries name by absolute paths.
    var foreignLibraryDirectories: Set<String> {
        Set(foreignLibraries.map { "/" + $0.split(separator: "/").dropLast().joined(separator: "/") })
    }

    // MARK: One file

    private enum Application {
        case settled, refused
        case conflict(TypeConflict)
    }

    /// `mayTake`: the files that would give up their types if they got others.
    private func apply(_ entry: ProviderEntry, of name: String, mayTake: Set<String>) -> Application {
        pauseRunning(entry, of: name)
        var configured = entry.sha256.map { ProviderFileState.Version(sha256: $0) }
        do throws(LibraryError) {
            let library = try pipeline.read(entry)
            configured = ProviderFileState.Version(sha256: library.hexadecimal)
            if isUnchanged(entry, library, of: name) { return .settled }
            hasPrepared = true
            let prepared = try pipeline.prepare(entry, library)
            let wanted = prepared.module.crmType
            let owner = records.keys.first { $0 != name && servedType(of: $0) == wanted }
            if let owner, !mayTake.contains(owner) || !mayTake.contains(name) {
                return .conflict(TypeConflict(type: wanted, owner: owner))
            }
            let instance = try makeInstance(prepared, name)
            if let owner { retire(owner) }
            putIntoService(name, prepared, instance)
            return .settled
        } catch {
            if let sha256 = configured?.sha256 { configured?.name = pipeline.records.record(of: sha256)?.report.descriptor?.version }
            refuse(name, library: entry.library, .library(error), configured: configured)
            return .refused
        }
    }

    /// The same library and the same entry are in service.
    private func isUnchanged(_ entry: ProviderEntry, _ library: LibraryFile, of name: String) -> Bool {
        guard let running = records[name]?.running, running.state.running?.sha256 == library.hexadecimal, entry == running.entry
        else {
            return false
        }
        set(name, running.state)
        return true
    }

    /// What runs pauses when its entry says so, also when the rest of the entry or its library is then refused.
    private func pauseRunning(_ entry: ProviderEntry, of name: String) {
        guard var running = records[name]?.running, entry.isPaused != running.entry.isPaused else { return }
        running.entry.isPaused = entry.isPaused
        running.state.state = entry.isPaused ? .paused : .inService
        records[name]?.running = running
        registry.pause(running.instance.description.crmType, entry.isPaused)
    }

    private func makeInstance(_ prepared: LibraryPipeline.Prepared, _ name: String) throws(LibraryError) -> ProviderInstance {
        let transport: HTTPTransport
        do {
            transport = try HTTPTransport(
                policy: prepared.policy, caFile: prepared.entry.certificateAuthorityFile)
        } catch {
            throw LibraryError(.transport, "its transport cannot be made: \(error)")
        }
        var logger = logger
        logger[metadataKey: "crm_type"] = "\(prepared.module.crmType)"
        logger[metadataKey: "provider_version"] = "\(prepared.module.version)"
        let host = InstanceHost(prepared.module.crmType, transport: transport, services: services, logger: logger)
        do throws(LibraryError) {
            let table = try prepared.module.create(host: host.tables.host, config: prepared.entry.config)
            return ProviderInstance(
                description: prepared.module.description(sha256: prepared.sha256), host: host, provider: table,
                concurrency: prepared.concurrency)
        } catch {
            host.end()
            throw error
        }
    }

    private func putIntoService(_ name: String, _ prepared: LibraryPipeline.Prepared, _ instance: ProviderInstance) {
        let module = prepared.module
        let isPaused = prepared.entry.isPaused
        var state = ProviderFileState(file: name, library: prepared.entry.library, state: isPaused ? .paused : .inService)
        state.crmType = module.crmType
        state.configured = ProviderFileState.Version(name: module.version, sha256: prepared.sha256)
        state.running = state.configured
        let previous = records[name]?.running
        registry.replace(module.crmType, with: instance, isPaused: isPaused)
        if let previous {
            if previous.instance.description.crmType != module.crmType {
                registry.replace(previous.instance.description.crmType, with: nil)
            }
            drain(previous)
        }
        records[name] = Record(
            state: state, running: Running(instance: instance, entry: prepared.entry, state: state),
            generations: (records[name]?.generations ?? 0) + 1)
        generations += 1
        pipeline.store.markServed(sha256: prepared.sha256, library: prepared.entry.library)
        logger.info(
            previous == nil ? "a provider is in service" : "a provider was replaced",
            metadata: [
                "file": "\(name)", "crm_type": "\(module.crmType)", "version": "\(module.version)", "sha256": "\(prepared.sha256)",
            ])
        if generations > Self.adviseRestartAfter {
            logger.warning("many provider libraries were loaded since the start; a restart frees their memory")
        }
    }

    /// What runs stays, and the file's state says what is wrong with the present files.
    private func refuse(
        _ name: String, library: String?, _ refusal: ProviderFileState.Refusal, configured: ProviderFileState.Version? = nil
    ) {
        var state = records[name]?.running?.state ?? ProviderFileState(file: name, library: library, state: .failed)
        state.configured = configured
        state.set(refusal)
        set(name, state)
    }

    private func retire(_ name: String) {
        guard let running = records[name]?.running else { return }
        records[name]?.running = nil
        registry.replace(running.instance.description.crmType, with: nil)
        drain(running)
    }

    private func drain(_ running: Running) {
        var state = running.state
        state.state = .draining
        let metadata: Logger.Metadata = ["file": "\(state.file)", "version": "\(state.version ?? "")"]
        registry.drain(running.instance, as: state, timeout: settings.drainTimeout) { [logger] isClosed in
            if isClosed {
                logger.info("a provider has ended", metadata: metadata)
            } else {
                logger.critical("a provider did not let go and stays in memory until a restart", metadata: metadata)
            }
        }
    }

    /// Logs a state once, when it changes.
    private func set(_ name: String, _ state: ProviderFileState) {
        let previous = records[name]
        records[name] = Record(state: state, running: previous?.running, generations: previous?.generations ?? 0)
        guard previous?.state != state else { return }
        let metadata: Logger.Metadata = [
            "file": "\(name)", "state": "\(state.state.rawValue)", "reason": "\(state.reason ?? "")",
            "rule": "\(state.rule?.rawValue ?? "")",
        ]
        switch (state.state, state.reason) {
        case (.failed, _): logger.error("a provider could not be put into service", metadata: metadata)
        case (.inService, _?), (.paused, _?):
            logger.error("a changed provider was refused; the one before stays in service", metadata: metadata)
        default: logger.info("a provider's entry was read", metadata: metadata)
        }
    }
}
