import CRMCore
import Foundation
import TestSupport
import Testing

@Suite struct MainJourneyTests {
    @Test func aMerchantConnectsKlaviyoAndItsContactsAndEventsArrive() async throws {
        let service = try await RunningService()
        let client = try await service.client("main@example.test")
        #expect(try await client.get("/auth/me").status == 403)

        let merchant = try await client.post("/auth/bootstrap", ["display_name": "Main Street"])
        #expect(merchant.status == 201)
        #expect(try await client.post("/auth/bootstrap", [:]).status == 200)
        #expect(try await client.get("/auth/me").body["display_name"] == "Main Street")

        let providers = try await client.get("/crm/providers").body["data"]?.arrayValue ?? []
        #expect(providers.compactMap { $0["crm_type"]?.stringValue } == ["klaviyo"])

        let key: JSONValue = ["crm_type": "klaviyo", "credentials": ["api_key": "pk_sandbox_main@example.test"]]
        #expect(try await client.post("/crm/validate", key).body["valid"] == true)
        #expect(try await client.post("/crm/connect", key).status == 201)
        #expect(try await client.get("/crm/klaviyo/status").body["state"] == "active")

        let contact = try await client.post(
            "/crm/contacts", ["email": "Ada@Example.test", "first_name": "Ada", "phone": "+39 06 1234 5678"])
        #expect(contact.status == 202, "\(contact.text)")
        let event = try await client.post(
            "/crm/klaviyo/events",
            [
                "name": "Placed Order", "unique_id": "order-1", "value": ["amount": "59.90", "currency": "EUR"],
                "contact": ["email": "ada@example.test", "last_name": "Lovelace"],
            ])
        #expect(event.status == 202, "\(event.text)")
        let id = try #require(event.body["deliveries"]?.arrayValue?.first?["delivery_id"]?.stringValue)
        let delivered = try await eventually("the event is delivered") {
            let answer = try await client.get("/crm/deliveries/\(id)")
            return answer.body["state"] == "done" ? answer : nil
        }
        #expect(delivered.body["operation"] == "event")

        let arrived = try await service.journal("klaviyo")
        #expect(arrived.filter { $0["effect"] == "event_recorded" }.compactMap { $0["unique_id"]?.stringValue } == ["order-1"])
        #expect(arrived.contains { $0["effect"] == "contact_created" })

        let found = try await client.get("/crm/klaviyo/contacts?email=ada@example.test")
        #expect(found.status == 200, "\(found.text)")
        #expect(found.body["last_name"] == "Lovelace" && found.body["raw_id"]?.stringValue != nil, "\(found.text)")
        #expect(try await client.get("/crm/klaviyo/contacts?email=nobody@example.test").status == 404)

        let logs = try await client.get("/crm/sync-logs?limit=50").body["data"]?.arrayValue ?? []
        let operations = Set(logs.compactMap { $0["operation"]?.stringValue })
        #expect(operations == ["validate", "contact", "event", "read"])

        #expect(try await client.delete("/crm/klaviyo/disconnect").status == 200)
        #expect(try await client.get("/crm/klaviyo/status").body["state"] == "not_connected")
        #expect(try await service.host.stop() == .exited(0))
    }

    @Test func badInputGetsTheAnswerThatNamesIt() async throws {
        let service = try await RunningService()
        let client = try await service.client("bad@example.test")
        _ = try await client.post("/auth/bootstrap", [:])

        let unknown = try await client.post("/crm/validate", ["crm_type": "hubspot", "credentials": [:]])
        #expect(unknown.status == 404 && unknown.body["code"] == "unknown_provider" && unknown.text.contains("klaviyo"))
        let missing = try await client.post("/crm/validate", ["crm_type": "klaviyo", "credentials": ["key": "x"]])
        #expect(missing.status == 400)
        let pointers = missing.body["errors"]?.arrayValue?.compactMap { $0["pointer"]?.stringValue } ?? []
        #expect(Set(pointers) == ["/credentials/api_key", "/credentials/key"])
        let refused = try await client.post("/crm/validate", ["crm_type": "klaviyo", "credentials": ["api_key": "pk_of_nobody_at_all"]])
        #expect(refused.status == 200 && refused.body["valid"] == false && refused.body["reason"]?["code"] != nil, "\(refused.text)")
        #expect(
            try await client.post("/crm/connect", ["crm_type": "klaviyo", "credentials": ["api_key": "pk_of_nobody_at_all"]]).status == 422)

        for token in [nil, "", "not.a.token", "eyJhbGciOiJub25lIn0.e30."] {
            let answer = try await JSONClient(base: service.base, token: token).get("/auth/me")
            #expect(answer.status == 401)
            #expect(["token_invalid", "token_expired"].contains(answer.body["code"]?.stringValue))
        }
        let other = try await client.post("/crm/events", ["name": "Placed Order", "contact": ["email": "a@example.test"]])
        #expect(other.status == 409 && other.body["code"] == "no_integrations")
    }
}
