import CRMCore
import CRMTransport
import Glibc

/// The way of a library from its file to a module that may be put into service. Each step may refuse, and none touches what runs.
struct LibraryPipeline: Sendable {
    let settings: ProviderSettings

    struct Prepared: Sendable {
        let entry: ProviderEntry
        let module: ProviderModule
        let policy: EgressPolicy
        let sha256: String

        var concurrency: Int { entry.concurrency ?? module.manifest.maximumConcurrency ?? 64 }
    }

    /// Reads the library once; what follows works on these bytes.
    func read(_ entry: ProviderEntry) throws(LibraryError) -> LibraryFile {
        let file = try LibraryFile(path: settings.path(ofLibrary: entry.library))
        if let pin = entry.sha256, pin != file.hexadecimal {
            throw LibraryError("\(file.name) has the sha256 \(file.hexadecimal), and the entry pins another")
        }
        return file
    }

    /// Loads the library and looks at all that it says. Runs its constructors: on the loader thread.
    func prepare(_ entry: ProviderEntry, _ file: LibraryFile) throws(LibraryError) -> Prepared {
        try image(file).checkIsProvider()
        let copy = try LibraryStore(directory: "\(settings.stateDirectory)/store").keep(file)
        let module = try ProviderModule(LibraryHandle(opening: copy))

        let missing = module.manifest.requiredServices.filter { !HostTables.services.contains($0) }
        guard missing.isEmpty else { throw LibraryError("requires \(missing.joined(separator: ", ")), which this host does not offer") }
        try module.manifest.check(config: entry.config)
        return Prepared(entry: entry, module: module, policy: try policy(entry, module.manifest), sha256: file.hexadecimal)
    }

    private func image(_ file: LibraryFile) throws(LibraryError) -> ELFImage {
        do {
            return try ELFImage(file.bytes)
        } catch {
            throw LibraryError("\(file.name) is not a 64-bit ELF library, or it is damaged or not complete")
        }
    }

    private func policy(_ entry: ProviderEntry, _ manifest: ProviderManifest) throws(LibraryError) -> EgressPolicy {
        if let file = entry.certificateAuthorityFile, access(file, R_OK) != 0 {
            throw LibraryError("egress.ca_file \(file) cannot be read: \(systemMessage())")
        }
        do {
            return try entry.egressAllow.map { rules throws(EgressRuleError) in
                try EgressPolicy(allow: rules, allowsLoopbackOrigins: settings.allowsLoopbackOrigins)
            } ?? EgressPolicy(allow: manifest.egress)
        } catch {
            throw LibraryError("\(entry.egressAllow == nil ? "its manifest's egress" : "egress.allow") \(error)")
        }
    }
}
