internal import CRMCore

/// The shapes of bodies: those that requests are checked against, and those that the document describes.
enum Components {
    static let profilePatch = schema(profilePatchJSON)
    static let validateRequest = schema(validateRequestJSON)
    static let connectRequest = schema(connectRequestJSON)
    static let connectionPatch = schema(connectionPatchJSON)

    /// The members of a contact in our shape.
    static let contactFields = Set(ContactInput.schema["properties"]?.objectValue?.keys ?? [])

    /// A body that has its shape.
    static func checked(_ body: JSONValue?, _ schema: Schema) throws(Problem) -> JSONValue {
        let body = body ?? .null
        let violations = schema.violations(of: body)
        guard violations.isEmpty else { throw Problem(InvalidInput(violations)) }
        return body
    }

    /// All of them by name, as `components/schemas` of the document.
    static let all: JSONObject = {
        var schemas = requests
        for (name, schema) in answers { schemas[name] = schema }
        return schemas
    }()

    private static let requests: JSONObject = [
        "ProfilePatch": profilePatchJSON, "ValidateRequest": validateRequestJSON, "ConnectRequest": connectRequestJSON,
        "ConnectionPatch": connectionPatchJSON,
        "Contact": ContactInput.schema, "Event": EventInput.schema(contact: reference("Contact")),
    ]

    private static let profilePatchJSON: JSONValue = object(
        "A merge patch of the profile: what is left out stays, null clears.",
        [
            "display_name": nullableText("How the merchant is addressed.", 128), "company_name": nullableText("The business.", 255),
            "phone": nullableText("With country code; kept in E.164.", 40), "website": nullableURL,
            "timezone": nullableText("IANA name.", 64),
            "locale": nullableText("Language tag (BCP 47).", 35),
        ])

    private static let validateRequestJSON: JSONValue = object(
        "Credentials to be tried.",
        [
            "crm_type": crmType, "credentials": credentials,
            "settings": open("What the connection would be told; the answer then says what the credentials lack for it."),
        ], required: ["crm_type", "credentials"])

    private static let connectionPatchJSON: JSONValue = object(
        "A merge patch of a connection: what is left out stays.",
        [
            "settings": open("Choices as the provider's settings_schema describes them; null clears one."),
            "label": nullableText("The merchant's own name for the connection.", 128),
            "paused": ["type": "boolean", "description": "Whether deliveries wait until it is false again."],
        ])

    private static let connectRequestJSON: JSONValue = object(
        "A connection to be made.",
        [
            "crm_type": crmType, "credentials": credentials,
            "settings": open("Choices for this connection, as the provider's settings_schema describes them. Left out: they stay."),
            "label": ["type": "string", "minLength": 1, "maxLength": 128, "description": "The merchant's own name for the connection."],
        ], required: ["crm_type", "credentials"])

    private static let crmType: JSONValue = [
        "type": "string", "minLength": 1, "maxLength": 64, "description": "As GET /crm/providers names it.", "examples": ["klaviyo"],
    ]
    private static let credentials: JSONValue = [
        "type": "object", "description": "As the provider's credential_schema describes them.", "writeOnly": true,
        "additionalProperties": true,
    ]
    private static let nullableURL: JSONValue = [
        "type": ["string", "null"], "format": "uri", "maxLength": 512, "description": "http or https.",
    ]

    private static func nullableText(_ description: String, _ maximum: Int) -> JSONValue {
        ["type": ["string", "null"], "maxLength": .integer(maximum), "description": .string(description)]
    }

    private static func schema(_ json: JSONValue) -> Schema {
        do { return try Schema(json) } catch { preconditionFailure("\(error)") }
    }
}

extension Components {
    static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(name)")] }

    static func object(_ description: String, _ properties: JSONObject, required: [String] = []) -> JSONValue {
        var schema: JSONObject = ["type": "object", "description": .string(description), "properties": .object(properties)]
        if !required.isEmpty { schema["required"] = .array(required.map(JSONValue.string)) }
        schema["additionalProperties"] = false
        return .object(schema)
    }

    static func open(_ description: String) -> JSONValue {
        ["type": "object", "description": .string(description), "additionalProperties": true]
    }
}
