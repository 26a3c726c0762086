import ArgumentParser
import CRMCore
import CRMProviderKit
import CRMProviders
import FoundationEssentials
import Glibc

struct ProvidersEnable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Puts a provider library into service, or the version before it.",
        discussion: """
            A path: the library is checked, tried in a process of its own, copied into CRM_PROVIDER_DIR and pinned by its hash in an entry of
            providers.d. A crm_type: the entry that is there is enabled as it is, or with --previous the library that ran before. It returns
            when the running host serves with exactly that file; when the host refuses it, the entry is put back as it was.
            """)

    @Argument(help: "A library's path, or the crm_type of an entry that is there.") var library: String

    @Flag(help: "Goes back to the library that ran before, from the host's own store.") var previous = false

    @Flag(name: .customLong("accept-new-credentials"), help: "Goes on although merchants may have to connect again.")
    var acceptsNewCredentials = false

    func run() async throws {
        let configuration = try loadConfiguration()
        let settings = ProviderSettings(configuration)
        guard library.contains("/") || library.hasSuffix(".so") else {
            guard previous else { return try await enableAgain(configuration) }
            return try await goBack(configuration, settings)
        }
        guard !previous else { throw ValidationError("--previous takes a crm_type: crm-host providers enable --previous klaviyo") }
        try await enable(libraryPath(library), configuration, settings)
    }

    private func enableAgain(_ configuration: HostConfiguration) async throws {
        let location = try await EntryLocation.find(library, configuration)
        try location.change(.enabled(true))
        try await location.follow(configuration) { $0?["state"] == "in_service" || $0?["state"] == "paused" }
        print("\(location.type): enabled")
    }

    private func goBack(_ configuration: HostConfiguration, _ settings: ProviderSettings) async throws {
        let location = try await EntryLocation.find(library, configuration)
        let row = try await RunningHost(configuration)?.providers()?.first { $0["file"]?.stringValue == location.name }
        let present = try row?["running_sha256"]?.stringValue ?? location.read().entry.sha256
        guard let before = InstalledProviders.storedLibraries(settings, of: location.type).first(where: { $0.sha256 != present }) else {
            throw CommandFailure("The store of this host holds no other library of \(location.type) that ran; enable one by its path.")
        }
        try await enable(before.path, configuration, settings)
    }

    private func enable(_ path: String, _ configuration: HostConfiguration, _ settings: ProviderSettings) async throws {
        let candidate = try Candidate(path)
        let rows = try await RunningHost(configuration)?.providers()
        let row = rows?.first { $0["crm_type"]?.stringValue == candidate.type.name }
        try compareCredentials(candidate, row, hostRuns: rows != nil, settings)
        let location = try EntryLocation.place(of: candidate, row: row, settings)
        let old = try? String(contentsOfFile: location.path, encoding: .utf8)

        // Whoever enables a library by its path wants it tried anew.
        try? InstalledProviders.clearQuarantine(settings, sha256: candidate.sha256)
        let name = try candidate.copy(into: settings.libraryDirectory)
        try location.write(try entry(candidate, library: name, location, isNew: old == nil))
        do {
            let served = try await location.follow(configuration) { row in
                row?["running_sha256"]?.stringValue == candidate.sha256 && (row?["state"] == "in_service" || row?["state"] == "paused")
            }
            print("\(candidate.type) \(candidate.version) \(candidate.sha256.prefix(12)): \(served?["state"]?.stringValue ?? "enabled")")
        } catch {
            if let old { try location.write(old) } else { unlink(location.path) }
            throw CommandFailure("\(error) The entry is as it was before.")
        }
    }

    private func entry(_ candidate: Candidate, library: String, _ location: EntryLocation, isNew: Bool) throws -> String {
        do {
            guard !isNew else { return try EntryText(library: library, sha256: candidate.sha256, egress: candidate.egress).text }
            var entry = try location.read()
            for change in [EntryText.Change.library(library), .sha256(candidate.sha256), .enabled(true)] { try entry.apply(change) }
            return entry.text
        } catch let refusal as EntryText.Refusal {
            throw CommandFailure("\(location.path): \(refusal).")
        }
    }

    private func compareCredentials(_ candidate: Candidate, _ row: JSONValue?, hostRuns: Bool, _ settings: ProviderSettings) throws {
        guard hostRuns else { return print("No host runs: how many connections there are could not be asked.") }
        guard let row, let sha256 = row["running_sha256"]?.stringValue, sha256 != candidate.sha256 else { return }
        let connections = row["connections"]?.intValue
        guard connections != 0 else { return print("No connections of \(candidate.type) yet.") }
        let count = connections.map(String.init) ?? "an unknown number of"
        let stored = InstalledProviders.storedLibraries(settings, of: candidate.type).first { $0.sha256 == sha256 }
        guard let before = stored.flatMap({ try? Candidate($0.path) }) else {
            return try warn(
                "\(count) connections of \(candidate.type); the library that runs cannot be read here, so whether they would need new credentials is not known"
            )
        }
        let missing = CredentialForms(candidate.credentialSchema).missing(in: CredentialForms(before.credentialSchema))
        guard !missing.isEmpty else { return print("\(count) connections of \(candidate.type); none needs new credentials.") }
        try warn(
            "\(count) connections of \(candidate.type) would need new credentials: this version requires \(missing.sorted().joined(separator: ", "))"
        )
    }

    private func warn(_ text: String) throws {
        guard acceptsNewCredentials else { throw CommandFailure("\(text). Add --accept-new-credentials to go on.") }
        print("\(text).")
    }
}
