internal import CRMCore

/// Example bodies of the document. Tests hold them against their schemas.
enum Examples {
    static let merchant: JSONValue = [
        "merchant_id": "0198b6a1-7c3e-7d10-9a41-5f0c2b8d6e11", "email": "anna@example.com", "email_verified": true,
        "display_name": "Anna's shop",
        "company_name": "Example Ltd", "phone": "+302101234567", "website": "https://shop.example", "timezone": "Europe/Athens",
        "locale": "el-GR", "created_at": "2026-01-31T09:30:00.000Z", "updated_at": "2026-01-31T09:30:00.000Z",
        "last_login_at": "2026-02-01T08:00:00.000Z",
    ]

    static let validateRequest: JSONValue = ["crm_type": "klaviyo", "credentials": ["api_key": "pk_sandbox_anna@example.com"]]
    static let connectionPatch: JSONValue = ["label": "Newsletter", "paused": true]
    static let connectRequest: JSONValue = [
        "crm_type": "klaviyo", "credentials": ["api_key": "pk_sandbox_anna@example.com"], "label": "Newsletter account",
    ]
    static let validation: JSONValue = [
        "valid": true, "account": ["id": "AbC123", "name": "Example Ltd"],
        "permissions": [["capability": "create_or_update_contact", "state": "proven"], ["capability": "send_event", "state": "unknown"]],
    ]

    static let providers = list([
        [
            "crm_type": "klaviyo", "display_name": "Klaviyo", "version": "1.0.0",
            "capabilities": ["validate_credentials", "create_or_update_contact", "send_event", "get_contact"],
            "credential_schema": [
                "type": "object",
                "properties": ["api_key": ["type": "string", "title": "Private API key", "minLength": 1, "writeOnly": true]],
                "required": ["api_key"], "additionalProperties": false,
            ],
            "settings_schema": ["type": "object", "properties": [:], "additionalProperties": false],
            "documentation_url": "https://developers.klaviyo.com", "health": ["state": "in_service"],
        ]
    ])

    static let integration: JSONValue = .object(integrationMembers)
    static let integrations = list([integration])

    static let status: JSONValue = {
        var members = integrationMembers
        members["last_validated_at"] = "2026-01-31T09:30:00.000Z"
        members["last_success_at"] = "2026-02-01T08:00:01.250Z"
        members["last_failure"] = .null
        members["pending"] = 0
        members["dead"] = 0
        members["waiting"] = .null
        members["last_24h"] = ["succeeded": 512, "failed": 0]
        return .object(members)
    }()

    static let disconnection: JSONValue = ["disconnected_at": "2026-02-01T08:10:00.000Z", "cancelled_deliveries": 0]

    static let contact: JSONValue = [
        "email": "anna@example.com", "external_id": "customer-1042", "first_name": "Anna", "last_name": "Papadopoulou", "locale": "el-GR",
        "consent": ["email_marketing": ["state": "granted", "at": "2026-01-31T09:29:00Z", "source": "checkout"]],
        "properties": ["loyalty_tier": "gold"],
    ]

    static let event: JSONValue = [
        "name": "Placed Order", "occurred_at": "2026-01-31T09:30:00Z", "unique_id": "order-10001",
        "value": ["amount": "129.90", "currency": "EUR"], "contact": ["email": "anna@example.com", "first_name": "Anna"],
        "properties": ["items": 3],
    ]

    static let acceptance: JSONValue = [
        "request_id": "0198b6a1-9f00-7a52-8c1d-3e5f7a9b1c2d",
        "deliveries": [
            ["crm_type": "klaviyo", "delivery_id": "0198b6a1-9f01-7b63-9d2e-4f6a8b0c2d3e", "state": "queued", "duplicate": false]
        ],
    ]

    static let remoteContact: JSONValue = [
        "email": "anna@example.com", "external_id": "customer-1042", "first_name": "Anna", "raw_id": "01GDDKASAP8TKDDA2GRZDSVP4H",
        "updated_at": "2026-01-31T09:30:02.000Z",
    ]

    static let delivery: JSONValue = [
        "delivery_id": "0198b6a1-9f01-7b63-9d2e-4f6a8b0c2d3e", "request_id": "0198b6a1-9f00-7a52-8c1d-3e5f7a9b1c2d", "crm_type": "klaviyo",
        "operation": "event", "state": "done", "attempts": 1, "accepted_at": "2026-01-31T09:30:00.100Z",
        "finished_at": "2026-01-31T09:30:00.480Z", "warnings": [],
    ]

    static let syncLogs = list([
        [
            "log_id": "0198b6a1-a100-7c74-8e3f-5a7b9c1d3e4f", "at": "2026-01-31T09:30:00.480Z", "crm_type": "klaviyo", "operation": "event",
            "outcome": "success", "status": "ok", "code": "", "detail": "", "duration_ms": 212, "attempt": 1,
            "delivery_id": "0198b6a1-9f01-7b63-9d2e-4f6a8b0c2d3e", "request_id": "0198b6a1-9f00-7a52-8c1d-3e5f7a9b1c2d",
            "provider_version": "1.0.0", "contact": "5d41402abc4b2a76b9719d911017c592", "http_status": 202, "warnings": [],
        ]
    ])

    private static let integrationMembers: JSONObject = [
        "integration_id": "0198b6a1-8d4f-7e21-8b52-6a1d3c9e7f22", "crm_type": "klaviyo", "label": "Newsletter account", "state": "active",
        "state_reason": .null, "account": ["id": "AbC123", "name": "Example Ltd"], "settings": [:],
        "credential_fingerprint": "9f2c4a7be01d5c38", "connected_at": "2026-01-31T09:30:00.000Z", "updated_at": "2026-01-31T09:30:00.000Z",
    ]
}
