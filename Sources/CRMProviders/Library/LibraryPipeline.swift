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
            throw LibraryError(
                .pin, "\(file.name) has the sha256 \(file.hexadecimal), and the entry pins another",
                fix: "put the pinned file back, or enable this one")
        }
        return file
    }

    /// Looks at the library from outside, tries it in a process of its own, and only then loads it, which runs its constructors: on the
    /// loader thread.
    func prepare(_ entry: ProviderEntry, _ file: LibraryFile) throws(LibraryError) -> Prepared {
        try file.image().checkIsProvider()
        let copy = try store.keep(file)
        let probed = try probed(file, at: copy)
        let module = try ProviderModule(LibraryHandle(opening: copy))
        guard module.digest == probed.digest else {
            throw LibraryError(
                .descriptorStable, "its descriptor is not the one that it had in the probe",
                fix: "return the same static descriptor every time")
        }

        let missing = module.manifest.requiredServices.filter { !HostTables.services.contains($0) }
        guard missing.isEmpty else {
            throw LibraryError(.services, "requires \(missing.joined(separator: ", ")), which this host does not offer")
        }
        try module.manifest.check(config: entry.config)
        return Prepared(entry: entry, module: module, policy: try policy(entry, module.manifest), sha256: file.hexadecimal)
    }

    var store: LibraryStore { LibraryStore(directory: "\(settings.stateDirectory)/store") }
    var records: ProbeRecords { ProbeRecords(directory: "\(settings.stateDirectory)/probes") }

    /// What the probe found out, now or when these bytes were first seen.
    private func probed(_ file: LibraryFile, at copy: String) throws(LibraryError) -> ProbedDescriptor {
        if let record = records.record(of: file.hexadecimal) { return try record.accepted() }
        let record = ProbeRecord(name: file.name, report: try ProviderProbe.probe(path: copy, command: settings.probe))
        try records.keep(record, of: file.hexadecimal)
        return try record.accepted()
    }

    private func policy(_ entry: ProviderEntry, _ manifest: ProviderManifest) throws(LibraryError) -> EgressPolicy {
        if let file = entry.certificateAuthorityFile, access(file, R_OK) != 0 {
            throw LibraryError(.egress, "egress.ca_file \(file) cannot be read: \(systemMessage())")
        }
        do {
            return try entry.egressAllow.map { rules throws(EgressRuleError) in
                try EgressPolicy(
                    allow: rules, allowsLoopbackOrigins: settings.allowsLoopbackOrigins, refusing: settings.refusedAddresses)
            } ?? EgressPolicy(allow: manifest.egress, refusing: settings.refusedAddresses)
        } catch {
            throw LibraryError(.egress, "\(entry.egressAllow == nil ? "its manifest's egress" : "egress.allow") \(error)")
        }
    }
}
