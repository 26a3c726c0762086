import CRMCore
import Testing

@Suite struct EchoTests {
    private let key = ("X-Echo-Key", "echo_sandbox")

    @Test func storesContactsAndEventsOnce() async throws {
        let sandbox = try await RunningSandbox()
        #expect(try sandbox.send("POST", "/echo/validate", headers: [key], json: [:]).status == 200)
        let created = try sandbox.send("POST", "/echo/contacts", headers: [key], json: ["email": "a@example.test", "name": "A"])
        #expect(created.status == 201)
        let updated = try sandbox.send("POST", "/echo/contacts", headers: [key], json: ["email": "A@example.test", "city": "Rome"])
        #expect(updated.status == 200)
        #expect(try updated.json["id"] == created.json["id"])
        let read = try sandbox.send("GET", "/echo/contacts?email=a%40example.test", headers: [key]).json
        #expect(read["name"] == "A" && read["city"] == "Rome")
        let once = [key, ("Idempotency-Key", "k1")]
        let event = try sandbox.send("POST", "/echo/events", headers: once, json: ["name": "Placed Order", "email": "a@example.test"])
        let again = try sandbox.send("POST", "/echo/events", headers: once, json: ["name": "Placed Order", "email": "a@example.test"])
        #expect(event.status == 201 && again.status == 200)
        #expect(try event.json["id"] == again.json["id"])
        let entries = try sandbox.journal("crm=echo")
        #expect(
            entries.compactMap { $0["effect"]?.stringValue } == [
                "none", "contact_created", "contact_updated", "none", "event_recorded", "event_duplicate",
            ])
        #expect(entries.last?["idempotency"] == "k1" && entries.last?["metric"] == "Placed Order")
    }

    @Test func refusals() async throws {
        let sandbox = try await RunningSandbox()
        #expect(try sandbox.send("POST", "/echo/validate", json: [:]).status == 401)
        #expect(try sandbox.send("POST", "/echo/validate", headers: [("X-Echo-Key", "echo_other")], json: [:]).status == 401)
        #expect(try sandbox.send("POST", "/echo/contacts", headers: [key], json: ["name": "A"]).status == 400)
        #expect(try sandbox.send("POST", "/echo/events", headers: [key], body: Array("nonsense".utf8)).status == 400)
        #expect(try sandbox.send("GET", "/echo/contacts?email=a@example.test", headers: [key]).status == 404)
        #expect(try sandbox.send("GET", "/echo/events", headers: [key]).status == 405)
    }
}
