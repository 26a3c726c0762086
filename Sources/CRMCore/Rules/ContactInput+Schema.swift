extension ContactInput {
    static let checked: Schema = {
        do { return try Schema(schema) } catch { preconditionFailure("\(error)") }
    }()

    /// Of a contact in the body of a request.
    package static let schema: JSONValue = [
        "type": "object",
        "description": "A person. At least one of email, external_id and phone is there; what is left out stays as it is in the CRM.",
        "properties": [
            "email": text("E-mail address; kept in lower case.", maxLength: 254, examples: ["anna@example.com"]),
            "external_id": text("The shop's own id of this person.", minLength: 1, maxLength: 255, examples: ["customer-1042"]),
            "phone": text(
                "With country code. Spaces and separators are removed and a leading 00 becomes +.", maxLength: 40,
                examples: ["+30 691 234 5678"]),
            "first_name": text("Given name.", maxLength: 128, examples: ["Anna"]),
            "last_name": text("Family name.", maxLength: 128, examples: ["Papadopoulou"]),
            "title": text("Role at work.", maxLength: 128, examples: ["Buyer"]),
            "organization": text("Employer.", maxLength: 255, examples: ["Example Ltd"]),
            "locale": text("Language tag (BCP 47).", maxLength: 35, examples: ["el-GR"]),
            "address": address,
            "consent": [
                "type": "object",
                "description": "Whether the person may be written to. A channel that is left out is not touched.",
                "properties": ["email_marketing": consent, "sms_marketing": consent],
                "additionalProperties": false,
            ],
            "properties": properties,
        ],
        "additionalProperties": false,
    ]

    private static let address: JSONValue = [
        "type": "object",
        "description": "Postal address.",
        "properties": [
            "line1": text("Street and number.", maxLength: 255, examples: ["Ermou 15"]),
            "line2": text("Whatever else finds the door.", maxLength: 255, examples: ["2nd floor"]),
            "city": text("Town.", maxLength: 128, examples: ["Athens"]),
            "region": text("State, province or county.", maxLength: 128, examples: ["Attica"]),
            "postal_code": text("As the country writes it.", maxLength: 32, examples: ["10563"]),
            "country": text("Two letters of ISO 3166-1.", maxLength: 8, examples: ["GR"]),
        ],
        "additionalProperties": false,
    ]

    private static let consent: JSONValue = [
        "type": "object",
        "properties": [
            "state": ["type": "string", "enum": ["granted", "withdrawn"]],
            "at": ["type": "string", "format": "date-time", "description": "When it was said."],
            "source": text("Where it was said.", maxLength: 255, examples: ["checkout"]),
        ],
        "required": ["state"],
        "additionalProperties": false,
    ]

    static let properties: JSONValue = [
        "type": "object",
        "description": "Anything else, under the merchant's own names: at most 400 members, nested at most 8 levels deep.",
        "additionalProperties": true,
    ]

    static func text(_ description: String, minLength: Int = 0, maxLength: Int, examples: [JSONValue]) -> JSONValue {
        var schema: JSONObject = ["type": "string", "description": .string(description)]
        if minLength > 0 { schema["minLength"] = .integer(minLength) }
        schema["maxLength"] = .integer(maxLength)
        schema["examples"] = .array(examples)
        return .object(schema)
    }
}
