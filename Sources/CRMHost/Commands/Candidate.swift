import ArgumentParser
import CRMCore
import CRMCrypto
import CRMProviders
import FoundationEssentials
import Glibc

/// A library that passed the check and, in a process of its own, the probe.
struct Candidate {
    let name: String
    let type: CRMType
    let version: String
    /// In hexadecimal.
    let sha256: String
    let credentialSchema: JSONValue
    let egress: [String]
    private let bytes: Data

    /// Throws with the rule that it breaks, and what to do about it.
    init(_ path: String) throws {
        for finding in LibraryCheck.findings(path: path) {
            if let fault = finding.error { throw Self.refusal(path, fault) }
        }
        guard let bytes = FileManager.default.contents(atPath: path) else { throw CommandFailure("\(path) cannot be read.") }
        let report: ProbeReport
        do throws(LibraryError) {
            report = try ProviderProbe.probe(path: path)
        } catch {
            throw Self.refusal(path, error)
        }
        if let fault = report.failure { throw Self.refusal(path, fault) }
        guard let descriptor = report.descriptor else { throw CommandFailure("\(path) did not say who it is.") }
        name = String(path.split(separator: "/").last ?? "")
        type = descriptor.crmType
        version = descriptor.version
        sha256 = SHA256.hash(Array(bytes)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        credentialSchema = descriptor.manifest["credential_schema"] ?? [:]
        egress = descriptor.manifest["egress"]?.arrayValue?.compactMap(\.stringValue) ?? []
        self.bytes = bytes
    }

    /// Copies the library into the provider directory, by rename: nobody ever maps half of it. Another file of that name stays as it is, and
    /// this one gets its hash into its name: an entry may still name the other.
    ///
    /// - Returns: The file's name there.
    func copy(into directory: String) throws -> String {
        var target = "\(directory)/\(name)"
        if let present = FileManager.default.contents(atPath: target) {
            if present == bytes { return name }
            let stem = name.hasSuffix(".so") ? String(name.dropLast(3)) : name
            target = "\(directory)/\(stem)-\(sha256.prefix(12)).so"
        }
        let draft = "\(target).new"
        do {
            try bytes.write(to: URL(fileURLWithPath: draft))
            guard chmod(draft, 0o755) == 0, rename(draft, target) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            unlink(draft)
            throw CommandFailure("\(target) cannot be written; run this as the user who owns the provider directory.")
        }
        return String(target.split(separator: "/").last ?? "")
    }

    private static func refusal(_ path: String, _ error: LibraryError) -> CommandFailure {
        CommandFailure("\(path) is refused by \(error.rule.rawValue): \(error.description).")
    }
}
