import CRMCore
import TestSupport
import Testing

@Suite struct ThreeProvidersTests {
    private static let email = "three@example.test"
    private static let credentials: [(crm: String, credentials: JSONValue)] = [
        ("creatio", ["instance_url": "https://demo.creatio.com", "username": .string(email), "password": "sandbox"]),
        ("klaviyo", ["api_key": .string("pk_sandbox_" + email)]),
        ("salesforce", ["username": .string(email), "password": "sandbox", "security_token": "token"]),
    ]

    @Test func oneRequestReachesAllThreeAndEachKnowsTheContact() async throws {
        let (service, client) = try await connected()
        let contact = try await client.post("/crm/contacts", ["email": "ada@example.test", "first_name": "Ada", "last_name": "Lovelace"])
        #expect(contact.status == 202, "\(contact.text)")
        #expect(contact.body["deliveries"]?.arrayValue?.count == 3)
        try await send("order-1", client)
        for (crm, _) in Self.credentials {
            let events = try await eventually("\(crm) has the event") {
                let recorded = try await service.journal(crm).filter { $0["effect"] == "event_recorded" }
                return recorded.isEmpty ? nil : recorded
            }
            #expect(events.count == 1, "\(crm)")
            let found = try await client.get("/crm/\(crm)/contacts?email=ada@example.test")
            #expect(found.status == 200, "\(crm) \(found.text)")
            #expect(found.body["last_name"] == "Lovelace", "\(crm) \(found.text)")
            #expect(try await client.get("/crm/\(crm)/contacts?email=nobody@example.test").status == 404, "\(crm)")
        }
    }

    @Test func aCheckOfCredentialsSaysWhatTheyMayDo() async throws {
        let service = try await RunningService(crms: Self.credentials.map(\.crm))
        let client = try await service.client(Self.email)
        _ = try await client.post("/auth/bootstrap", [:])
        for (crm, credentials) in Self.credentials {
            let answer = try await client.post("/crm/validate", ["crm_type": .string(crm), "credentials": credentials])
            #expect(answer.body["valid"] == true, "\(crm) \(answer.text)")
            #expect(answer.body["account"]?["id"]?.stringValue != nil, "\(crm) \(answer.text)")
            let states = (answer.body["permissions"]?.arrayValue ?? []).compactMap { $0["state"]?.stringValue }
            #expect(states.count >= 3 && states.allSatisfy { ["proven", "missing", "unknown"].contains($0) }, "\(crm) \(answer.text)")
            #expect(states.contains("proven"), "\(crm) \(answer.text)")
        }
        let written = try await service.sandboxClient.get("/accounts").body["accounts"]?.arrayValue ?? []
        #expect(written.allSatisfy { $0["contacts"] == 0 && $0["events"] == 0 }, "a check wrote something: \(written)")
    }

    @Test func settingsChangeWhereEventsGoWithoutANewConnection() async throws {
        let (service, client) = try await connected()
        try await send("order-1", client)
        try await eventually("the first event arrived") { try await recorded("/CRM_Event__c", service) == 1 ? () : nil }
        let wrong = try await client.patch("/crm/salesforce", ["settings": ["event_target": "carrier_pigeon"]])
        #expect(wrong.status == 400, "\(wrong.text)")
        let changed = try await client.patch("/crm/salesforce", ["settings": ["event_target": "task"]])
        #expect(changed.status == 200 && changed.body["settings"]?["event_target"] == "task", "\(changed.text)")
        try await eventually("an event arrives as a task") {
            try await send("order-\(Int.random(in: 2...1_000_000_000))", client)
            return try await recorded("/Task", service) > 0 ? () : nil
        }
    }

    /// Events that Salesforce recorded at a path with this in it.
    private func recorded(_ part: String, _ service: RunningService) async throws -> Int {
        try await service.journal("salesforce")
            .count { $0["effect"] == "event_recorded" && $0["path"]?.stringValue?.contains(part) == true }
    }

    private func send(_ id: String, _ client: JSONClient) async throws {
        let answer = try await client.post(
            "/crm/events",
            [
                "name": "Placed Order", "unique_id": .string(id), "value": ["amount": "59.90", "currency": "EUR"],
                "contact": ["email": "ada@example.test"], "properties": ["sku": "A1"],
            ])
        #expect(answer.status == 202, "\(answer.text)")
    }

    private func connected() async throws -> (RunningService, JSONClient) {
        let service = try await RunningService(crms: Self.credentials.map(\.crm))
        let client = try await service.client(Self.email)
        _ = try await client.post("/auth/bootstrap", [:])
        for (crm, credentials) in Self.credentials {
            let answer = try await client.post("/crm/connect", ["crm_type": .string(crm), "credentials": credentials])
            #expect(answer.status == 201, "\(crm) \(answer.text)")
        }
        return (service, client)
    }
}
