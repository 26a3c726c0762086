import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct SchemaTests {
    private static let directory = Result {
        try SchemaDirectory(
            path: #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
                + "/Sources/CRMPluginAPI/schemas")
    }

    @Test func everyOperationHasItsShapes() throws {
        let directory = try Self.directory.get()
        let operations = ["validate_credentials", "create_or_update_contact", "send_event", "get_contact", "batch"]
        let shapes = operations.flatMap { ["\($0).request.json", "\($0).result.json"] }
        #expect(
            Set(directory.names)
                == Set(
                    shapes + ["contact.json", "event.json", "notes.json", "failure.json", "manifest.json"]
                        + ["input_schema.json", "conformance.json"]))
        for name in directory.names {
            #expect(directory[name]?["$schema"] == "https://json-schema.org/draft/2020-12/schema")
            #expect(directory[name]?["$id"] == .string(name))
            #expect(directory.unknownKeywords(name) == [], "\(name)")
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let schema: String
        let value: JSONValue
        let fits: Bool
        var testDescription: String { "\(schema) \(value.text)" }

        init(_ schema: String, _ value: JSONValue, fits: Bool = true) {
            self.schema = schema
            self.value = value
            self.fits = fits
        }
    }

    private static let event: JSONValue = [
        "name": "Order Placed", "occurred_at": "2026-11-01T10:00:00Z", "unique_id": "o-1",
        "value": ["amount": "19.98", "currency": "EUR"], "contact": ["email": "ada@example.test"], "properties": ["any": [1]],
    ]

    private static func manifest(egress: JSONValue, _ others: JSONObject = [:]) -> JSONValue {
        var members: JSONObject = [
            "credential_schema": .emptyObjectSchema, "settings_schema": .emptyObjectSchema, "config_schema": .emptyObjectSchema,
            "egress": egress,
        ]
        for (name, value) in others { members[name] = value }
        return .object(members)
    }

    static let cases = [
        Case("contact.json", ["email": "ada@example.test", "unknown": 1]),
        Case("contact.json", ["phone": "+390612345678"]),
        Case("contact.json", ["phone": "0612345678"], fits: false),
        Case("contact.json", ["first_name": "Ada"], fits: false),
        Case("contact.json", ["email": "ada@example.test", "consent": ["sms_marketing": ["state": "granted"]]]),
        Case("contact.json", ["email": "ada@example.test", "consent": ["sms_marketing": ["state": "perhaps"]]], fits: false),
        Case("send_event.request.json", ["event": event]),
        Case("send_event.request.json", event, fits: false),
        Case("event.json", ["name": "x", "occurred_at": "yesterday", "unique_id": "1", "contact": ["email": "a@b.test"]], fits: false),
        Case("get_contact.request.json", ["email": "ada@example.test"]),
        Case("get_contact.request.json", ["email": "ada@example.test", "remote_id": "1"], fits: false),
        Case("get_contact.request.json", [:], fits: false),
        Case("create_or_update_contact.result.json", ["remote_id": "1", "created": .null]),
        Case("create_or_update_contact.result.json", ["remote_id": "1"], fits: false),
        Case("create_or_update_contact.result.json", ["remote_id": "1", "created": true, "warnings": [["detail": "x"]]], fits: false),
        Case("send_event.result.json", ["accepted_only": true, "quota": [["class": "all"]]], fits: false),
        Case("batch.request.json", ["items": [["kind": "event", "idempotency_key": "1", "event": event]]]),
        Case("batch.request.json", ["items": [["kind": "contact", "idempotency_key": "1", "event": event]]], fits: false),
        Case("batch.request.json", ["items": []], fits: false),
        Case("failure.json", ["details": ["pointer": "/x"], "credential_update": [:]]),
        Case("input_schema.json", ["type": "object", "properties": ["key": ["type": "string", "x-prefix": "pk_", "writeOnly": true]]]),
        Case("input_schema.json", ["type": "object", "properties": ["key": ["type": "string", "pattern": "(a+)+"]]], fits: false),
        Case("input_schema.json", ["type": "object", "additionalProperties": true], fits: false),
        Case("input_schema.json", ["type": "string"], fits: false),
        Case("manifest.json", manifest(egress: ["*.creatio.com:443"])),
        Case(
            "manifest.json",
            [
                "credential_schema": ["oneOf": [.emptyObjectSchema, ["type": "object", "properties": ["a": ["type": "string"]]]]],
                "settings_schema": .emptyObjectSchema, "config_schema": .emptyObjectSchema, "egress": [],
            ]),
        Case("manifest.json", manifest(egress: ["http://x"]), fits: false),
        Case("manifest.json", manifest(egress: [], ["batch": ["contact": 100, "event": 1000]])),
        Case("manifest.json", manifest(egress: [], ["batch": ["contact": 0]]), fits: false),
        Case("batch.result.json", ["items": [["status": 9, "flags": 2, "warnings": [["code": "a", "detail": "b"]]]]]),
        Case("batch.result.json", ["items": [["status": 9, "flags": "2"]]], fits: false),
        Case("batch.result.json", ["items": [["status": 0, "warnings": [["code": "a"]]]]], fits: false),
    ]

    @Test(arguments: cases) func saysWhatFits(_ example: Case) throws {
        let problems = try Self.directory.get().problems(example.value, example.schema)
        #expect(problems.isEmpty == example.fits, "\(problems)")
    }
}
