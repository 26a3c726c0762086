package import CRMPluginSDK

/// Klaviyo by its JSON:API. The host of all accounts is the same, so nothing that a merchant types becomes part of an address.
package struct KlaviyoProvider: CRMProvider {
    let baseURL: String

    package init(config: JSONObject, context: ProviderContext) throws {
        var url = config["base_url"]?.stringValue ?? Self.defaultBaseURL
        while url.hasSuffix("/") { url.removeLast() }
        let host = ["https://", "http://"].first(where: url.hasPrefix).map { url.dropFirst($0.count) }
        guard let host, !host.isEmpty, !host.hasPrefix("/"), !host.contains(where: { "?#@ ".contains($0) }) else {
            throw CRMError(
                .invalidArgument, code: "klaviyo.bad_base_url",
                message: "base_url must be an address without query and fragment, such as \(Self.defaultBaseURL)")
        }
        baseURL = url
    }

    private static let defaultBaseURL = "https://a.klaviyo.com"

    package static let manifest = ProviderManifest(
        crmType: "klaviyo", displayName: "Klaviyo", version: "0.2.0",
        capabilities: [
            .validateCredentials, .createOrUpdateContact, .sendEvent, .getContact, .batch, .idempotentUpsert, .eventsDeduplicated,
            .externalIDs,
        ],
        credentialSchema: credentialSchema, settingsSchema: Settings.schema,
        configSchema: [
            "type": "object", "additionalProperties": false,
            "properties": [
                "base_url": [
                    "type": "string", "format": "uri", "default": .string(defaultBaseURL),
                    "description": "Where Klaviyo's API is; another address than the default only for a simulator.",
                ]
            ],
        ],
        egress: ["a.klaviyo.com:443"],
        extras: [
            "vendor": "Klaviyo", "docs_url": "https://developers.klaviyo.com/en/reference/api_overview", "max_concurrency": 64,
            "requires": ["crm.http/1"], "rate_limits": .array(RateClass.allCases.map(\.json)),
            "idempotency": ["contact": "natural", "event": "key"],
            "batch": ["contact": .integer(largestImport), "event": .integer(largestEventBatch)],
        ])

    private static let credentialSchema: JSONValue = [
        "type": "object", "additionalProperties": false, "required": ["api_key"],
        "properties": [
            "api_key": [
                "type": "string", "title": "Private API key", "minLength": 4, "maxLength": 256, "x-prefix": "pk_", "writeOnly": true,
                "description":
                    "A private key with the scopes accounts:read, profiles:read, profiles:write and events:write; for consent also subscriptions:write and lists:write, for batches lists:read and lists:write. (The six characters of the public key do not work.)",
                "x-help-url": "https://developers.klaviyo.com/en/docs/retrieve_api_credentials",
            ]
        ],
    ]
}
