import ArgumentParser
import CRMCore
import CRMProviderKit
import CRMProviders
import FoundationEssentials
import Glibc
import Logging

/// The file of `providers.d` that speaks of one provider.
struct EntryLocation {
    let type: CRMType
    let path: String
    var name: String { String(path.split(separator: "/").last ?? "") }

    /// By the file's name, by the running host's word, or by what the libraries say of themselves.
    static func find(_ provider: String, _ configuration: HostConfiguration) async throws -> EntryLocation {
        let settings = ProviderSettings(configuration)
        var rows = try await RunningHost(configuration)?.providers()
        if rows == nil {
            let quiet = Logger(label: "crm-host") { _ in SwiftLogNoOpLogHandler() }
            rows = try await InstalledProviders.inspect(settings, logger: quiet).map(\.json)
        }
        let known = rows ?? []
        let match = known.first { row in
            [row["crm_type"]?.stringValue, row["file"]?.stringValue].contains(provider) || row["file"]?.stringValue == "\(provider).yaml"
        }
        guard let file = match?["file"]?.stringValue,
            let type = (match?["crm_type"]?.stringValue ?? file.split(separator: ".").first.map(String.init)).flatMap(CRMType.init)
        else {
            let names = known.compactMap { $0["file"]?.stringValue }.joined(separator: ", ")
            throw CommandFailure(
                "No entry in \(settings.entryDirectory) speaks of \(provider). There are: \(names.isEmpty ? "none" : names).")
        }
        return EntryLocation(type: type, path: "\(settings.entryDirectory)/\(file)")
    }

    /// The entry that a library belongs into: the one of its CRM, or a new one. Entries that are disabled or refused count too, by their
    /// file's name and by the library that they name.
    static func place(of candidate: Candidate, row: JSONValue?, _ settings: ProviderSettings) throws -> EntryLocation {
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: settings.entryDirectory)) ?? [])
            .filter { ($0.hasSuffix(".yaml") || $0.hasSuffix(".yml")) && !$0.hasPrefix(".") }
        func location(_ file: String) -> EntryLocation {
            EntryLocation(type: candidate.type, path: "\(settings.entryDirectory)/\(file)")
        }
        if let file = row?["file"]?.stringValue { return location(file) }
        let own = ["\(candidate.type).yaml", "\(candidate.type).yml"].filter(files.contains)
        let naming = files.filter { file in
            guard !own.contains(file), let entry = try? location(file).read().entry else { return false }
            return entry.library == candidate.name || entry.library.hasSuffix("/\(candidate.name)")
        }
        let fitting = own + naming
        guard fitting.count <= 1 else {
            throw CommandFailure(
                "\(fitting.joined(separator: " and ")) could both be meant; enable one of them by name, or delete the other.")
        }
        return location(fitting.first ?? "\(candidate.type).yaml")
    }

    func read() throws -> EntryText {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw CommandFailure("\(path) cannot be read.") }
        do throws(EntryText.Refusal) {
            return try EntryText(text)
        } catch {
            throw CommandFailure("\(path): \(error).")
        }
    }

    func change(_ change: EntryText.Change) throws {
        var entry = try read()
        do throws(EntryText.Refusal) {
            try entry.apply(change)
        } catch {
            throw CommandFailure("\(path): \(error).")
        }
        try write(entry.text)
    }

    /// By rename, so that the host never reads half of it; with the owner and the rights that the file had.
    func write(_ text: String) throws {
        let target =
            realpath(path, nil).map { pointer in
                defer { free(pointer) }
                return String(cString: pointer)
            } ?? path
        let draft = "\(target).new"
        var before = stat()
        let isThere = stat(target, &before) == 0
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: draft))
            if isThere { guard chmod(draft, before.st_mode & 0o7777) == 0 else { throw CocoaError(.fileWriteNoPermission) } }
            // Only root may give files away; anybody else keeps his own.
            if isThere, geteuid() == 0 { _ = chown(draft, before.st_uid, before.st_gid) }
            guard rename(draft, target) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            unlink(draft)
            throw CommandFailure("\(path) cannot be written; run this as the user who owns it.")
        }
    }

    /// Waits until the running host has followed a change of this file.
    ///
    /// - Returns: The provider's row; `nil` when no host runs with this configuration.
    @discardableResult
    func follow(_ configuration: HostConfiguration, until isReached: (JSONValue?) -> Bool) async throws -> JSONValue? {
        guard let host = RunningHost(configuration), let seen = try await host.wait(forEntry: name, until: isReached) else {
            print("No host runs with this configuration; \(path) holds from its next start.")
            return nil
        }
        guard seen.isReached else {
            let (state, reason) = (seen.row?["state"]?.stringValue ?? "nothing of it", seen.row?["reason"]?.stringValue)
            throw CommandFailure("\(path) is written, but the host reports \(state)\(reason.map { ": \($0)" } ?? "").")
        }
        return seen.row
    }
}
