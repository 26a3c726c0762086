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
    }

    private struct Running {
        let instance: ProviderInstance
        let entry: ProviderEntry
        /// As it is shown while the instance runs.
        let state: ProviderFileState
    }

    private let settings: ProviderSettings
    private let pipeline: LibraryPipeline
    private let registry: ProviderRegistry
    private let threads: HostThreads
    private let logger: Logger
    private var records: [String: Record] = [:]
    /// Absolute paths of libraries, from the entries last read.
    private var foreignLibraries: Set<String> = []
    private var generations = 0

    /// Each generation leaves its image in memory.
    private static let adviseRestartAfter = 50

    nonisolated var unownedExecutor: UnownedSerialExecutor { threads.loader.asUnownedSerialExecutor() }

    init(settings: ProviderSettings, registry: ProviderRegistry, threads: HostThreads, logger: Logger) {
        self.settings = settings
        self.registry = registry
        self.threads = threads
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
            if case .failure(let error) = file.entry { refuse(file.name, library: nil, reason: "\(error)") }
        }
        applyAll(files.compactMap { file in (try? file.entry.get()).map { (file.name, $0) } }.filter(\.1.isEnabled))
        registry.publish(records.values.map(\.state))
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
            if let conflict = conflicts[name] { refuse(name, library: entry.library, reason: conflict.error.description) }
        }
    }

    private func servedType(of file: String) -> CRMType? { records[file]?.running?.instance.description.crmType }

    /// The same judgement on a directory without putting anything into service.
    func inspect() throws(LibraryError) -> [ProviderFileState] {
        var owners: [CRMType: String] = [:]
        var states: [ProviderFileState] = []
        for file in try EntryFile.all(in: settings.entryDirectory) {
            states.append(inspect(file, &owners))
        }
        return states
    }

    private func inspect(_ file: EntryFile, _ owners: inout [CRMType: String]) -> ProviderFileState {
        var state = ProviderFileState(file: file.name, state: .failed)
        let entry: ProviderEntry
        switch file.entry {
        case .success(let read): entry = read
        case .failure(let error):
            state.reason = "\(error)"
            return state
        }
        state.library = entry.library
        guard entry.isEnabled else {
            state.state = .disabled
            return state
        }
        do throws(LibraryError) {
            let library = try pipeline.read(entry)
            state.sha256 = library.hexadecimal
            let prepared = try pipeline.prepare(entry, library)
            state.crmType = prepared.module.crmType
            state.version = prepared.module.version
            if let owner = owners[prepared.module.crmType] { throw TypeConflict(type: prepared.module.crmType, owner: owner).error }
            owners[prepared.module.crmType] = file.name
            state.state = .ready
        } catch {
            state.reason = error.description
        }
        return state
    }

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
        do throws(LibraryError) {
            let library = try pipeline.read(entry)
            if let running = records[name]?.running, running.entry == entry, running.state.sha256 == library.hexadecimal {
                set(name, running.state)
                return .settled
            }
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
            refuse(name, library: entry.library, reason: error.description)
            return .refused
        }
    }

    private func makeInstance(_ prepared: LibraryPipeline.Prepared, _ name: String) throws(LibraryError) -> ProviderInstance {
        let transport: HTTPTransport
        do {
            transport = try HTTPTransport(policy: prepared.policy, caFile: prepared.entry.certificateAuthorityFile)
        } catch {
            throw LibraryError("its transport cannot be made: \(error)")
        }
        var logger = logger
        logger[metadataKey: "crm_type"] = "\(prepared.module.crmType)"
        logger[metadataKey: "provider_version"] = "\(prepared.module.version)"
        let host = InstanceHost(transport: transport, threads: threads, logger: logger)
        do throws(LibraryError) {
            let table = try prepared.module.create(host: host, config: prepared.entry.config)
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
        let state = ProviderFileState(
            file: name, library: prepared.entry.library, crmType: module.crmType, version: module.version, sha256: prepared.sha256,
            state: .inService)
        let previous = records[name]?.running
        _ = registry.replace(module.crmType, with: instance)
        if let previous {
            if previous.instance.description.crmType != module.crmType {
                _ = registry.replace(previous.instance.description.crmType, with: nil)
            }
            drain(previous)
        }
        records[name] = Record(state: state, running: Running(instance: instance, entry: prepared.entry, state: state))
        generations += 1
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
    private func refuse(_ name: String, library: String?, reason: String) {
        var state = records[name]?.running?.state ?? ProviderFileState(file: name, library: library, state: .failed)
        state.reason = reason
        set(name, state)
    }

    private func retire(_ name: String) {
        guard let running = records[name]?.running else { return }
        records[name]?.running = nil
        _ = registry.replace(running.instance.description.crmType, with: nil)
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
        records[name] = Record(state: state, running: previous?.running)
        guard previous?.state != state else { return }
        let metadata: Logger.Metadata = [
            "file": "\(name)", "state": "\(state.state.rawValue)", "reason": "\(state.reason ?? "")",
        ]
        switch (state.state, state.reason) {
        case (.failed, _): logger.error("a provider could not be put into service", metadata: metadata)
        case (.inService, _?): logger.error("a changed provider was refused; the one before stays in service", metadata: metadata)
        default: logger.info("a provider's entry was read", metadata: metadata)
        }
    }
}
