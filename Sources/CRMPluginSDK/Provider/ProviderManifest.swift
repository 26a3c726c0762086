/// Who a provider is and what it needs; becomes the library's descriptor and its manifest (`schemas/manifest.json`).
public struct ProviderManifest: Sendable {
    /// `[a-z][a-z0-9_-]{1,31}`: the name in URLs and in the database.
    public var crmType: String
    public var displayName: String
    /// Semantic version of the provider.
    public var version: String
    public var capabilities: Capabilities
    /// What a merchant must give to connect; secrets carry `"writeOnly": true`.
    public var credentialSchema: JSONValue
    /// What a merchant may choose for a connection.
    public var settingsSchema: JSONValue
    /// What the operator may configure.
    public var configSchema: JSONValue
    /// Hosts with ports that the provider calls: `a.klaviyo.com:443`, `*.creatio.com:443`.
    public var egress: [String]
    /// Optional members of the manifest: `vendor`, `license`, `docs_url`, `max_concurrency`, `rate_limits`, `idempotency`,
    /// `requires`, `examples`, and `batch`, the largest batch of each kind: `["contact": 100, "event": 1000]`.
    public var extras: JSONObject

    public init(
        crmType: String, displayName: String, version: String, capabilities: Capabilities, credentialSchema: JSONValue,
        settingsSchema: JSONValue = .emptyObjectSchema, configSchema: JSONValue = .emptyObjectSchema, egress: [String],
        extras: JSONObject = [:]
    ) {
        self.crmType = crmType
        self.displayName = displayName
        self.version = version
        self.capabilities = capabilities
        self.credentialSchema = credentialSchema
        self.settingsSchema = settingsSchema
        self.configSchema = configSchema
        self.egress = egress
        self.extras = extras
    }

    var json: JSONValue {
        var members: JSONObject = [
            "credential_schema": credentialSchema,
            "settings_schema": settingsSchema,
            "config_schema": configSchema,
            "egress": .array(egress.map(JSONValue.string)),
        ]
        for (key, value) in extras where members[key] == nil { members[key] = value }
        return .object(members)
    }
}

extension JSONValue {
    /// The schema of "nothing to set".
    public static let emptyObjectSchema: JSONValue = ["type": "object", "properties": [:], "additionalProperties": false]
}
