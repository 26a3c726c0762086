import CRMCore
import Glibc

/// What an author says about a provider and its CRM, so that the kit can play the CRM: `conformance.json`.
package struct ConformanceFile: Sendable {
    let config: JSONObject
    let badConfig: JSONObject?
    let settings: JSONObject
    let credentials: JSONObject
    let wrongCredentials: JSONValue?
    /// Beside the secret credentials.
    let secrets: [String]
    let session: [CannedExchange]
    let samples: [Sample]
    private let errors: [(key: String, rows: [ErrorRow])]

    /// The statuses that are tried whether the file has them or not.
    static let statuses = ["400", "401", "403", "404", "409", "429", "500", "502", "503"]
    static let login = "login"
    static let shortestSecret = 12

    package init(parsing bytes: [UInt8]) throws(ConformanceFileError) {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes)
        } catch {
            throw ConformanceFileError(pointer: "", detail: "is not JSON: \(error.detail) at byte \(error.offset)")
        }
        let members = try JSONMembers(
            json, "",
            known: [
                "$schema", "config", "bad_config", "settings", "credentials", "wrong_credentials", "secrets", "session", "operations",
                "errors",
            ])
        config = try members.required("config", try members.object("config"))
        badConfig = try members.object("bad_config")
        settings = try members.object("settings") ?? [:]
        credentials = try members.required("credentials", try members.object("credentials"))
        wrongCredentials = members["wrong_credentials"]
        var secrets: [String] = []
        for (value, pointer) in try members.list("secrets") {
            guard let text = value.stringValue, text.utf8.count >= Self.shortestSecret else {
                throw ConformanceFileError(pointer: pointer, detail: "must be a string of \(Self.shortestSecret) characters or more")
            }
            secrets.append(text)
        }
        self.secrets = secrets
        var session: [CannedExchange] = []
        for (value, pointer) in try members.list("session") { session.append(try CannedExchange(value, pointer)) }
        self.session = session
        var samples: [Sample] = []
        for (value, pointer) in try members.list("operations") { samples.append(try Sample(value, pointer)) }
        guard !samples.isEmpty else { throw ConformanceFileError(pointer: "/operations", detail: "must show one operation or more") }
        self.samples = samples
        errors = try Self.errors(members)
        try checkTitles()
    }

    private static func errors(_ members: JSONMembers) throws(ConformanceFileError) -> [(key: String, rows: [ErrorRow])] {
        var errors: [(key: String, rows: [ErrorRow])] = []
        for (key, value) in try members.object("errors") ?? [:] {
            let pointer = members.at("errors/\(key)")
            guard let list = value.arrayValue, !list.isEmpty else {
                throw ConformanceFileError(pointer: pointer, detail: "must be an array with one row or more")
            }
            var rows: [ErrorRow] = []
            for (index, value) in list.enumerated() { rows.append(try ErrorRow(value, "\(pointer)/\(index)", key: key)) }
            errors.append((key, rows))
        }
        return errors
    }

    /// Two samples of one name would be one case.
    private func checkTitles() throws(ConformanceFileError) {
        var seen: Set<String> = []
        for (index, sample) in samples.enumerated() where !seen.insert(sample.title).inserted {
            throw ConformanceFileError(
                pointer: "/operations/\(index)", detail: "is a second sample of \(sample.operation.name); give it a name of its own")
        }
    }

    /// The sample that stands for its operation.
    func sample(of operation: ProviderOperation) -> Sample? { samples.first { $0.operation == operation } }

    /// Keys of errors beside `login`: the general ones first.
    var errorKeys: [String] {
        Self.statuses + errors.map(\.key).filter { !Self.statuses.contains($0) && $0 != Self.login }
    }

    func rows(_ key: String, of operation: ProviderOperation) -> [ErrorRow] {
        let rows = errors.first { $0.key == key }?.rows ?? []
        let own = rows.filter { $0.operations?.contains(operation) == true }
        if !own.isEmpty { return own }
        let common = rows.filter { $0.operations == nil }
        return common.isEmpty ? ErrorRow.general(key).map { [$0] } ?? [] : common
    }
}

extension ConformanceFile {
    /// The file that an author named, or the nearest one beside or above the library.
    package static func find(_ named: String?, library: String) throws(ConformanceFileError) -> (path: String, file: ConformanceFile) {
        let path = if let named { named } else { try nearest(to: library) }
        guard let bytes = SmallFile.read(path) else {
            throw ConformanceFileError(pointer: "", detail: "\(path) cannot be read; name the conformance file with --cases")
        }
        do {
            return (path, try ConformanceFile(parsing: bytes))
        } catch {
            throw ConformanceFileError(pointer: "", detail: "\(path): \(error)")
        }
    }

    private static func nearest(to library: String) throws(ConformanceFileError) -> String {
        var folder = library.hasPrefix("/") ? library : "\(SmallFile.workingDirectory)/\(library)"
        while let slash = folder.lastIndex(of: "/") {
            folder = String(folder[..<slash])
            let path = "\(folder)/conformance.json"
            if access(path, R_OK) == 0 { return path }
        }
        throw ConformanceFileError(
            pointer: "", detail: "there is no conformance.json beside \(library) or above; write one, or name it with --cases")
    }
}
