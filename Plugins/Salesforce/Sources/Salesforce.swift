package import CRMPluginSDK

/// Salesforce by SOAP login or OAuth, its REST API, SOQL and sObject Collections.
///
/// What a merchant types becomes part of an address only as the label of a My Domain (`Hosts.swift`) or as the name of a field or an
/// object (`Settings.swift`), each checked character by character.
package struct SalesforceProvider: CRMProvider {
    let origins: Origins
    /// Such as `68.0`. An org that does not have it yet is served by the newest version that it has.
    let version: String
    /// The login call exists in no version after 64.0; a session is good for every version.
    let loginVersion: String

    package init(config: JSONObject, context: ProviderContext) throws {
        origins = Origins(replacement: try Self.replacement(config["base_url"]?.stringValue ?? ""))
        version = try Self.version(config, "api_version", default: Self.newestVersion)
        loginVersion = try Self.version(config, "login_api_version", default: Self.newestLoginVersion)
    }

    private static let newestVersion = "68.0"
    private static let newestLoginVersion = "64.0"

    private static func replacement(_ text: String) throws(CRMError) -> String? {
        var url = text
        while url.hasSuffix("/") { url.removeLast() }
        guard !url.isEmpty else { return nil }
        let host = ["https://", "http://"].first(where: url.hasPrefix).map { url.dropFirst($0.count) }
        guard let host, !host.isEmpty, !host.hasPrefix("/"), !host.contains(where: { "?#@ ".contains($0) }) else {
            throw CRMError(
                .invalidArgument, code: "salesforce.bad_base_url",
                message: "base_url must be empty, or an address without query and fragment, such as http://127.0.0.1:8003/salesforce")
        }
        return url
    }

    private static func version(_ config: JSONObject, _ key: String, default standard: String) throws(CRMError) -> String {
        let text = config[key]?.stringValue ?? standard
        guard APIVersion(text) != nil else {
            throw CRMError(
                .invalidArgument, code: "salesforce.bad_version", message: "\(key) must be a version such as \(standard)")
        }
        return text
    }

    package static let manifest = ProviderManifest(
        crmType: "salesforce", displayName: "Salesforce", version: "0.1.0",
        capabilities: [
            .validateCredentials, .createOrUpdateContact, .sendEvent, .getContact, .batch, .idempotentUpsert, .eventsDeduplicated,
            .externalIDs,
        ],
        credentialSchema: credentialSchema, settingsSchema: Settings.schema, configSchema: configSchema,
        egress: ["login.salesforce.com:443", "test.salesforce.com:443", "*.my.salesforce.com:443", "*.salesforce.com:443"],
        extras: [
            "vendor": "Salesforce",
            "docs_url": "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm",
            "max_concurrency": 25, "requires": ["crm.http/1"],
            "rate_limits": [
                ["class": .string(RateClass.api.rawValue), "windows": [["window_s": 86_400, "limit": 100_000]]],
                ["class": .string(RateClass.concurrency.rawValue), "windows": []],
                ["class": .string(RateClass.login.rawValue), "windows": []],
                ["class": .string(RateClass.platformEvents.rawValue), "windows": []],
            ],
            "batch": ["contact": .integer(Collections.largest), "event": .integer(Collections.largest)],
            "idempotency": ["contact": "natural", "event": "key"], "examples": examples,
        ])

    private static let configSchema: JSONValue = [
        "type": "object", "additionalProperties": false,
        "properties": [
            "base_url": [
                "type": "string", "title": "Base URL",
                "description":
                    "Empty: Salesforce's own hosts. An address takes all calls instead of them, logins included; only for a simulator.",
                "examples": ["http://127.0.0.1:8003/salesforce"],
            ],
            "api_version": [
                "type": "string", "title": "REST API version", "default": .string(newestVersion), "x-charset": "0-9.", "maxLength": 5,
                "description": "An org that does not have it yet is served by the newest version that it has.",
            ],
            "login_api_version": [
                "type": "string", "title": "SOAP login version", "default": .string(newestLoginVersion), "x-charset": "0-9.",
                "maxLength": 5, "description": "Of the login with user name and password, which 65.0 and later do not have.",
            ],
        ],
    ]

    private static let credentialSchema: JSONValue = [
        "oneOf": [
            [
                "type": "object", "title": "OAuth client credentials", "additionalProperties": false,
                "required": ["client_id", "client_secret", "domain"],
                "description": "An External Client App with the client credentials flow and a run-as user. Recommended.",
                "properties": [
                    "client_id": [
                        "type": "string", "title": "Consumer key", "minLength": 1, "maxLength": 512,
                        "x-help-url":
                            "https://help.salesforce.com/s/articleView?id=xcloud.configure_client_credentials_flow_external_client_apps.htm&type=5",
                    ],
                    "client_secret": ["type": "string", "title": "Consumer secret", "minLength": 1, "maxLength": 512, "writeOnly": true],
                    "domain": [
                        "type": "string", "title": "My Domain", "minLength": 2, "maxLength": 253, "x-charset": "A-Za-z0-9.-",
                        "description": "The name before .my.salesforce.com in the address of the org.",
                        "examples": ["acme", "acme--dev.sandbox", "acme.my.salesforce.com"],
                    ],
                ],
            ],
            [
                "type": "object", "title": "User name and password", "additionalProperties": false,
                "required": ["username", "password"],
                "description":
                    "Salesforce retires this login in Summer '27; orgs made since Winter '26 have it switched off until an administrator allows it.",
                "properties": [
                    "username": [
                        "type": "string", "title": "User name", "minLength": 1, "maxLength": 255, "examples": ["integration@acme.test"],
                    ],
                    "password": ["type": "string", "title": "Password", "minLength": 1, "maxLength": 255, "writeOnly": true],
                    "security_token": [
                        "type": "string", "title": "Security token", "maxLength": 255, "writeOnly": true,
                        "description":
                            "From the user's settings; needless where the org trusts our addresses. A new password makes a new one.",
                        "x-help-url": "https://help.salesforce.com/s/articleView?id=sf.user_security_token.htm&type=5",
                    ],
                    "domain": [
                        "type": "string", "title": "Domain", "minLength": 2, "maxLength": 253, "x-charset": "A-Za-z0-9.-",
                        "default": "login",
                        "description": "login for production, test for a sandbox, or the name of the org's My Domain.",
                        "examples": ["login", "test", "acme"],
                    ],
                ],
            ],
        ]
    ]

    private static let examples: JSONValue = [
        "create_or_update_contact": [
            "contact": [
                "external_id": "user-1", "email": "ada@example.test", "first_name": "Ada", "last_name": "Lovelace",
                "phone": "+390612345678", "address": ["line1": "Via Roma 1", "city": "Rome", "country": "Italy"],
                "properties": ["plan": "pro"],
            ]
        ],
        "send_event": [
            "event": [
                "name": "Order Placed", "unique_id": "order-1001-placed", "occurred_at": "2026-11-01T10:00:00Z",
                "value": ["amount": "19.98", "currency": "EUR"], "contact": ["external_id": "user-1"], "properties": ["sku": "A1"],
            ]
        ],
        "get_contact": ["external_id": "user-1"],
    ]
}

/// Such as 68.0; ordered as versions are.
struct APIVersion: Comparable, CustomStringConvertible {
    let number: Int
    var description: String { "\(number).0" }

    init?(_ text: String) {
        guard text.hasSuffix(".0"), let number = Int(text.dropLast(2)), (20...999).contains(number), "\(number).0" == text else {
            return nil
        }
        self.number = number
    }

    static func < (left: APIVersion, right: APIVersion) -> Bool { left.number < right.number }
}
