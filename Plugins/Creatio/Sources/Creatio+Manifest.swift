package import CRMPluginSDK

extension CreatioProvider {
    package static let manifest = ProviderManifest(
        crmType: "creatio", displayName: "Creatio", version: "0.1.0",
        capabilities: [
            .validateCredentials, .createOrUpdateContact, .sendEvent, .getContact, .batch, .idempotentUpsert, .eventsDeduplicated,
            .externalIDs,
        ],
        credentialSchema: ["oneOf": [userSchema, clientSchema]],
        settingsSchema: settingsSchema,
        configSchema: [
            "type": "object", "additionalProperties": false,
            "properties": [
                "base_url": [
                    "type": "string", "default": "",
                    "description":
                        "Empty: each merchant's own site. An address takes the place of all of them, which only a simulator wants.",
                ]
            ],
        ],
        egress: ["*.creatio.com:443"],
        extras: [
            "vendor": "Creatio", "docs_url": "https://academy.creatio.com/docs/8.x/dev/development-on-creatio-platform",
            "max_concurrency": .integer(Limits.concurrency), "requires": ["crm.http/1"], "rate_limits": [],
            "idempotency": ["contact": "natural", "event": "key"],
            "batch": ["contact": .integer(Limits.batch), "event": .integer(Limits.batch)],
            "examples": examples,
        ])
}

// MARK: - What merchants type

extension CreatioProvider {
    private static let instanceURL: JSONValue = [
        "type": "string", "format": "uri", "title": "Address of the site", "minLength": 10, "maxLength": 500, "x-prefix": "https://",
        "examples": ["https://acme.creatio.com"],
        "description":
            "As in the browser, without what follows the site's own path. Outside of creatio.com the operator has to allow it first.",
    ]

    private static let userSchema: JSONValue = [
        "type": "object", "additionalProperties": false, "title": "User name and password",
        "required": ["instance_url", "username", "password"],
        "properties": [
            "instance_url": instanceURL,
            "username": [
                "type": "string", "title": "User name", "minLength": 1, "maxLength": 250,
                "description": "A user of its own for this service, with OData access and the right to read and write contacts and events.",
                "x-help-url": "https://academy.creatio.com/docs/8.x/setup-and-administration/category/user-management",
            ],
            "password": ["type": "string", "title": "Password", "minLength": 1, "maxLength": 250, "writeOnly": true],
        ],
    ]

    private static let clientSchema: JSONValue = [
        "type": "object", "additionalProperties": false, "title": "OAuth 2.0 client credentials",
        "required": ["instance_url", "client_id", "client_secret"],
        "properties": [
            "instance_url": instanceURL,
            "client_id": [
                "type": "string", "title": "Client ID", "minLength": 1, "maxLength": 500,
                "description": "Of an application under \"OAuth 2.0 integrated applications\" in the site's System Designer.",
                "x-help-url":
                    "https://academy.creatio.com/guides/no-code-customization/8.3/category/oauth-20",
            ],
            "client_secret": ["type": "string", "title": "Client secret", "minLength": 1, "maxLength": 1000, "writeOnly": true],
            "identity_url": [
                "type": "string", "format": "uri", "title": "Address of the Identity Service", "maxLength": 500, "x-prefix": "https://",
                "examples": ["https://acme-is.creatio.com"],
                "description": "Only for a site outside of creatio.com: the system setting OAuth20IdentityServerUrl.",
            ],
        ],
    ]

    private static let settingsSchema: JSONValue = [
        "type": "object", "additionalProperties": false,
        "properties": [
            "platform": [
                "type": "string", "enum": .array(Settings.Platform.allCases.map { .string($0.rawValue) }), "default": "automatic",
                "description": "Where OData is: below /0 (net_framework) or not (net_core). Found out, unless it is said here.",
            ],
            "fields": [
                "type": "object", "additionalProperties": false,
                "description":
                    "Columns of Contact, where they are not the usual ones. organization, city, region, country and locale are then texts.",
                "properties": .object(JSONObject(ContactField.allCases.map { ($0.rawValue, column($0.column)) })),
            ],
            "properties": [
                "type": "object", "additionalProperties": column(nil),
                "description": "Our properties of a contact, each with its column of Contact. What is not named here is not written.",
                "examples": [["plan": "UsrPlan"]],
            ],
            "search_communications": [
                "type": "boolean", "default": true, "description": "Look for an address among a contact's further addresses too.",
            ],
            "overwrite_opt_out": [
                "type": "boolean", "default": false,
                "description": "Let a consent take back the \"do not use\" of a contact that Creatio knows already.",
            ],
            "event_target": [
                "type": "string", "enum": .array(Settings.EventTarget.allCases.map { .string($0.rawValue) }), "default": "automatic",
                "description": "What an event becomes: a record of the custom object, an activity, or the first of them that the site has.",
            ],
            "event_object": [
                "type": "string", "maxLength": 128, "x-charset": "A-Za-z0-9_", "default": "UsrIntegrationEvent",
                "description": "The custom object for events.",
            ],
            "event_fields": [
                "type": "object", "additionalProperties": false,
                "description": "Columns of the custom object, where they are not the usual ones.",
                "properties": .object(JSONObject(EventField.allCases.map { ($0.rawValue, column($0.column)) })),
            ],
            "activity_type_id": guid("The type of an activity; by default a task."),
            "activity_category_id": guid("The category of an activity; by default none is sent."),
            "activity_status_id": guid("The status of an activity; by default none is sent."),
        ],
    ]

    private static func column(_ standard: String?) -> JSONValue {
        var schema: JSONObject = ["type": "string", "minLength": 1, "maxLength": 128, "x-charset": "A-Za-z0-9_"]
        schema.set("default", standard)
        return .object(schema)
    }

    private static func guid(_ description: String) -> JSONValue {
        ["type": "string", "minLength": 36, "maxLength": 36, "x-charset": "A-Fa-f0-9-", "description": .string(description)]
    }

    private static let examples: JSONValue = [
        "create_or_update_contact": [
            "contact": [
                "email": "ada@example.test", "external_id": "user-1", "phone": "+390612345678", "first_name": "Ada",
                "last_name": "Lovelace",
                "title": "Engineer", "address": ["line1": "Via Roma 1", "city": "Rome", "postal_code": "00100", "country": "Italy"],
            ]
        ],
        "send_event": [
            "event": [
                "name": "Order Placed", "occurred_at": "2026-11-01T10:00:00Z", "unique_id": "order-1001-placed",
                "value": ["amount": "19.98", "currency": "EUR"], "contact": ["email": "ada@example.test"], "properties": ["sku": "A1"],
            ]
        ],
        "get_contact": ["email": "ada@example.test"],
    ]
}
