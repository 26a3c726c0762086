import CRMCore
import CRMCrypto
import Glibc

/// The outcome of a probe, kept with the bytes that it is about.
struct ProbeRecord: Sendable {
    /// The file's name when it was probed.
    let name: String
    let report: ProbeReport

    /// Another number makes all records worthless: the rules have changed.
    private static let rules = 1

    init(name: String, report: ProbeReport) {
        self.name = name
        self.report = report
    }

    init?(json: JSONValue) {
        guard json["rules"]?.intValue == Self.rules, let name = json["name"]?.stringValue, let findings = json["findings"]?.arrayValue
        else {
            return nil
        }
        self.name = name
        report = ProbeReport(
            findings: findings.compactMap(LibraryFinding.init(json:)), descriptor: json["descriptor"].flatMap(ProbedDescriptor.init(json:)))
        guard report.findings.count == findings.count else { return nil }
    }

    var json: JSONValue {
        var object: JSONObject = [
            "rules": .integer(Self.rules), "name": .string(name), "findings": .array(report.findings.map(\.json)),
        ]
        object.set("descriptor", report.descriptor?.json)
        return .object(object)
    }

    /// Throws for a library that is in quarantine.
    func accepted() throws(LibraryError) -> ProbedDescriptor {
        if let failure = report.failure { throw failure }
        guard let descriptor = report.descriptor else { throw LibraryError(.probeSurvives, "did not describe itself in the probe") }
        return descriptor
    }
}

/// What is known about libraries by their hashes: the good are not probed again, and the bad are not even started again, also after a
/// restart.
struct ProbeRecords: Sendable {
    /// `$CRM_STATE_DIR/probes`.
    let directory: String

    /// `nil` also for what cannot be read: then the library is probed again.
    func record(of sha256: String) -> ProbeRecord? {
        guard let bytes = try? LibraryFile(path: path(sha256)).bytes, let json = try? JSONValue(parsing: bytes) else { return nil }
        return ProbeRecord(json: json)
    }

    func keep(_ record: ProbeRecord, of sha256: String) throws(LibraryError) {
        try makePrivateDirectory(directory)
        try writePrivately(Array(record.json.text.utf8), to: path(sha256), in: directory, mode: 0o600)
    }

    /// Lets a library out of quarantine.
    func forget(_ sha256: String) throws(LibraryError) {
        guard unlink(path(sha256)) == 0 || errno == ENOENT else {
            throw LibraryError(.store, "\(path(sha256)) cannot be removed: \(systemMessage())")
        }
    }

    /// What is known of other libraries goes; one that comes again is probed again.
    func prune(keeping wanted: Set<String>) {
        for file in fileNames(in: directory) where file.hasSuffix(".json") && !wanted.contains(String(file.dropLast(5))) {
            unlink("\(directory)/\(file)")
        }
    }

    private func path(_ sha256: String) -> String { "\(directory)/\(sha256).json" }
}
