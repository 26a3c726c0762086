import CRMCore

/// The part of a library's manifest that the host acts on.
struct ProviderManifest: Sendable {
    let json: JSONValue
    let credentialSchema: JSONValue
    let settingsSchema: JSONValue
    let documentationURL: String?
    /// What the provider calls, where the operator's entry does not say.
    let egress: [String]
    let maximumConcurrency: Int?
    let requiredServices: [String]
    private let configSchema: Schema

    private static let noMembers: JSONValue = ["type": "object", "properties": [:]]

    init(_ bytes: [UInt8]) throws(LibraryError) {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes)
        } catch {
            throw LibraryError(.manifestValid, "its manifest is not JSON: \(error.detail) at byte \(error.offset)")
        }
        guard json.objectValue != nil else { throw LibraryError(.manifestValid, "its manifest is not a JSON object") }

        self.json = json
        credentialSchema = json["credential_schema"] ?? Self.noMembers
        settingsSchema = json["settings_schema"] ?? Self.noMembers
        _ = try Self.schema(credentialSchema, "credential_schema")
        _ = try Self.schema(settingsSchema, "settings_schema")
        configSchema = try Self.schema(json["config_schema"] ?? Self.noMembers, "config_schema")
        documentationURL = json["docs_url"]?.stringValue
        egress = json["egress"]?.arrayValue?.compactMap(\.stringValue) ?? []
        maximumConcurrency = json["max_concurrency"]?.intValue.flatMap { (1...10_000).contains($0) ? $0 : nil }
        requiredServices = json["requires"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    /// Throws with every fault of the operator's configuration, values not shown.
    func check(config: JSONObject) throws(LibraryError) {
        let violations = configSchema.violations(of: .object(config))
        guard violations.isEmpty else {
            let list = violations.map { "\($0.pointer.isEmpty ? "config" : "config\($0.pointer)") \($0.detail)" }
            throw LibraryError(.config, list.joined(separator: "; "))
        }
    }

    private static func schema(_ json: JSONValue, _ name: String) throws(LibraryError) -> Schema {
        do {
            return try Schema(json)
        } catch {
            throw LibraryError(.manifestValid, "its \(name) cannot be used: \(error)")
        }
    }
}
