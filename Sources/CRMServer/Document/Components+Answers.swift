internal import CRMCore

extension Components {
    /// What the API answers. Every member is always there unless its description says otherwise.
    static let answers: JSONObject = [
        "Merchant": answer(
            "A merchant.",
            [
                "merchant_id": id, "email": nullable(text), "email_verified": boolean, "display_name": nullable(text),
                "company_name": nullable(text), "phone": nullable(text), "website": nullable(text), "timezone": nullable(text),
                "locale": nullable(text), "created_at": time, "updated_at": time, "last_login_at": nullable(time),
            ]),
        "Provider": answer(
            "A CRM that can be connected.",
            [
                "crm_type": text, "display_name": text, "version": text, "capabilities": ["type": "array", "items": text],
                "credential_schema": open("JSON Schema (draft 2020-12) of the credentials; secrets are writeOnly."),
                "settings_schema": [
                    "type": ["object", "null"], "description": "JSON Schema of the settings.", "additionalProperties": true,
                ],
                "documentation_url": nullable(text),
                "health": object(
                    "Whether it can be asked.", ["state": ["type": "string", "enum": ["in_service", "paused"]]], required: ["state"]),
            ]),
        "ProviderList": page("Provider"),
        "Validation": answer(
            "What the CRM says about credentials.",
            [
                "valid": boolean, "account": open("As the CRM names itself."),
                "permissions": ["type": "array", "items": reference("Permission")],
                "reason": describedReference("Reason", "Why not, or what is missing. Absent when all is well."),
            ], optional: ["reason"]),
        "Permission": [
            "type": "object", "description": "Whether the credentials suffice for one ability.",
            "properties": ["capability": text, "state": choice(["proven", "missing", "unknown"]), "detail": text],
            "required": ["capability", "state"], "additionalProperties": true,
        ],
        "Reason": answer("A machine-readable cause with a sentence.", ["code": text, "detail": text]),
        "Integration": answer("A connection to a CRM.", integration),
        "IntegrationList": page("Integration"),
        "ConnectionStatus": [
            "description": "How a connection is doing, or that there is none.",
            "oneOf": [reference("ConnectedStatus"), reference("NotConnectedStatus")],
        ],
        "ConnectedStatus": answer("A connection with what has happened to it lately.", integration.merging(status)),
        "NotConnectedStatus": answer(
            "There is no connection.", ["crm_type": text, "state": ["type": "string", "const": "not_connected"]]),
        "Disconnection": answer("What ended.", ["disconnected_at": time, "cancelled_deliveries": count]),
        "Acceptance": answer(
            "What was accepted, one entry for each CRM.",
            ["request_id": text, "deliveries": ["type": "array", "items": reference("AcceptedDelivery")]]),
        "AcceptedDelivery": answer(
            "One accepted delivery.",
            [
                "crm_type": text, "delivery_id": id, "state": deliveryState, "duplicate": boolean,
                "waiting": describedReference("Waiting", "Only while the connection is held back."),
            ], optional: ["waiting"]),
        "Waiting": answer(
            "Why something is not being sent right now.",
            ["reason": choice(Waiting.Reason.allCases.map(\.rawValue)), "until": time, "detail": text], optional: ["until"]),
        "Delivery": answer(
            "One contact or event on its way to one CRM.",
            [
                "delivery_id": id, "request_id": text, "crm_type": text, "operation": choice(DeliveryKind.allCases.map(\.rawValue)),
                "state": deliveryState, "attempts": count, "accepted_at": time, "finished_at": time, "remote_id": text,
                "warnings": warnings, "waiting": reference("Waiting"), "last_error": reference("Reason"),
            ], optional: ["finished_at", "remote_id", "waiting", "last_error"]),
        "SyncLog": answer(
            "One operation against a CRM.",
            [
                "log_id": id, "at": time, "crm_type": text, "operation": choice(SyncLogEntry.Operation.allCases.map(\.rawValue)),
                "outcome": choice(SyncLogEntry.Outcome.allCases.map(\.rawValue)), "status": choice(ProviderStatus.allCases.map(\.name)),
                "code": text, "detail": text, "duration_ms": count, "attempt": count, "delivery_id": id, "request_id": text,
                "provider_version": text,
                "contact": nullable(["type": "string", "description": "Keyed hash of the contact's identity."]), "remote_id": text,
                "http_status": ["type": "integer", "description": "Of the last answer of the CRM."], "warnings": warnings,
            ], optional: ["delivery_id", "remote_id", "http_status"]),
        "SyncLogList": page("SyncLog"),
        "RemoteContact": remoteContact,
        "Health": answer("It works.", ["status": ["type": "string", "const": "ok"]]),
        "Problem": answer(
            "Why a request failed (RFC 9457).",
            [
                "type": ["type": "string", "format": "uri"], "title": text, "status": ["type": "integer"], "detail": text,
                "code": reference("ProblemCode"), "request_id": text,
                "provider_code": ["type": "string", "description": "The provider's own code, when a CRM said no."],
                "errors": ["type": "array", "items": reference("Violation"), "description": "Of invalid input, one for each place."],
            ], optional: ["provider_code", "errors"]),
        "ProblemCode": choice(ProblemCode.allCases.map(\.rawValue)),
        "Violation": answer(
            "One thing that is wrong with the input.",
            [
                "pointer": ["type": "string", "description": "JSON pointer (RFC 6901) into the body."],
                "code": choice(SchemaViolation.Code.allCases.map(\.rawValue)), "detail": text,
            ]),
    ]

    private static let text: JSONValue = ["type": "string"]
    private static let boolean: JSONValue = ["type": "boolean"]
    private static let count: JSONValue = ["type": "integer", "minimum": 0]
    private static let id: JSONValue = ["type": "string", "format": "uuid"]
    private static let time: JSONValue = ["type": "string", "format": "date-time"]
    private static let deliveryState = choice(DeliveryState.allCases.map(\.rawValue))
    private static let warnings: JSONValue = [
        "type": "array", "description": "What was left out although the operation succeeded.",
        "items": [
            "type": "object", "properties": ["code": text, "field": text, "detail": text], "required": ["code", "detail"],
            "additionalProperties": true,
        ],
    ]

    private static let integration: JSONObject = [
        "integration_id": id, "crm_type": text, "label": nullable(text), "state": choice(IntegrationState.allCases.map(\.rawValue)),
        "state_reason": nullable(text), "account": open("As the CRM names itself."), "settings": open("The merchant's choices."),
        "credential_fingerprint": ["type": "string", "description": "Tells two credentials apart without showing either."],
        "connected_at": time, "updated_at": time,
    ]

    private static let status: JSONObject = [
        "last_validated_at": nullable(time), "last_success_at": nullable(time),
        "last_failure": [
            "oneOf": [answer("The latest failure.", ["at": time, "code": text, "detail": text]), ["type": "null"]]
        ],
        "pending": count, "dead": count, "waiting": ["oneOf": [reference("Waiting"), ["type": "null"]]],
        "last_24h": answer("Operations of the last 24 hours.", ["succeeded": count, "failed": count]),
    ]

    private static let remoteContact: JSONValue = {
        var properties = ContactInput.schema["properties"]?.objectValue ?? [:]
        properties["raw_id"] = ["type": ["string", "null"], "description": "The CRM's own id."]
        properties["updated_at"] = time
        return object("A contact as the CRM has it; what it does not know is left out.", properties, required: ["raw_id"])
    }()

    private static func answer(_ description: String, _ properties: JSONObject, optional: Set<String> = []) -> JSONValue {
        object(description, properties, required: properties.keys.filter { !optional.contains($0) })
    }

    private static func page(_ element: String) -> JSONValue {
        answer(
            "A list and where it goes on.",
            ["data": ["type": "array", "items": reference(element)], "next_cursor": ["type": ["string", "null"]]])
    }

    private static func choice(_ values: [String]) -> JSONValue { ["type": "string", "enum": .array(values.map(JSONValue.string))] }

    private static func nullable(_ schema: JSONValue) -> JSONValue {
        var members = schema.objectValue ?? [:]
        members["type"] = [schema["type"] ?? "string", "null"]
        return .object(members)
    }

    private static func describedReference(_ name: String, _ description: String) -> JSONValue {
        ["$ref": .string("#/components/schemas/\(name)"), "description": .string(description)]
    }
}

extension JSONObject {
    fileprivate func merging(_ others: JSONObject) -> JSONObject {
        var merged = self
        for (name, value) in others { merged[name] = value }
        return merged
    }
}
