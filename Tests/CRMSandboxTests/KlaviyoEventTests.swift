import CRMCore
import Testing

@Suite struct KlaviyoEventTests {
    private func effects(_ sandbox: RunningSandbox) throws -> [String] {
        try sandbox.journal("crm=klaviyo").compactMap { $0["effect"]?.stringValue }
    }

    @Test func theFirstOfAUniqueIDWins() async throws {
        let sandbox = try await RunningSandbox()
        let event = KlaviyoBody.event("Placed Order", ["unique_id": "order-1", "value": .decimal("19.98"), "value_currency": "EUR"])
        let first = try sandbox.klaviyo("POST", "events", event)
        #expect(first.status == 202)
        #expect(first.body.isEmpty)
        #expect(try sandbox.klaviyo("POST", "events", event).status == 202)
        // The id is one of a profile and a metric: elsewhere it is another event.
        #expect(try sandbox.klaviyo("POST", "events", KlaviyoBody.event("Refunded Order", ["unique_id": "order-1"])).status == 202)
        let other = KlaviyoBody.event("Placed Order", profile: ["email": "b@example.test"], ["unique_id": "order-1"])
        #expect(try sandbox.klaviyo("POST", "events", other).status == 202)
        #expect(try effects(sandbox) == ["event_recorded", "event_duplicate", "event_recorded", "event_recorded"])
        let stored = try #require(try sandbox.klaviyo("GET", "events").json["data"]?.arrayValue)
        #expect(stored.count == 3)
        #expect(
            stored.last?["attributes"]?["event_properties"] == [
                "sku": "A1", "$event_id": "order-1", "$value": .decimal("19.98"), "$value_currency": "EUR",
            ])
    }

    @Test func withoutAnIDTheSecondDecides() async throws {
        let sandbox = try await RunningSandbox()
        for time in ["10:00:00.100Z", "10:00:00.900Z", "10:00:01Z"] {
            #expect(
                try sandbox.klaviyo("POST", "events", KlaviyoBody.event("Viewed", ["time": .string("2026-11-01T\(time)")])).status == 202)
        }
        #expect(try effects(sandbox) == ["event_recorded", "event_duplicate", "event_recorded"])
    }

    @Test func anEventBringsItsContact() async throws {
        let sandbox = try await RunningSandbox()
        let event = KlaviyoBody.event(
            "Placed Order", profile: ["email": "new@example.test", "first_name": "Nia"], ["time": "2026-11-01T10:00:00+00:00"])
        #expect(try sandbox.klaviyo("POST", "events", event).status == 202)
        let entry = try #require(try sandbox.journal("crm=klaviyo").first)
        #expect(entry["contact_created"] == true && entry["email"] == "new@example.test" && entry["metric"] == "Placed Order")
        let profile = try sandbox.klaviyo("GET", "profiles?filter=equals(email,%22new@example.test%22)").json["data"]?.arrayValue?.first
        #expect(profile?["attributes"]?["first_name"] == "Nia")
        #expect(profile?["attributes"]?["last_event_date"] == "2026-11-01T10:00:00+00:00")
    }

    @Test func metaStandsWhereTheRevisionWantsIt() async throws {
        let sandbox = try await RunningSandbox()
        let patch: JSONValue = ["patch_properties": ["unset": "old"]]
        var inside = KlaviyoBody.eventAttributes("Viewed", [:])
        inside["profile"] = KlaviyoBody.profile(["email": "a@example.test", "meta": patch])
        var beside = inside
        beside["profile"] = KlaviyoBody.profile(["email": "a@example.test"], meta: patch)
        for (attributes, revision, status) in [
            (inside, "2026-07-15", 202), (inside, "2026-10-15", 400), (beside, "2026-10-15", 202), (beside, "2026-07-15", 400),
        ] {
            let body: JSONValue = ["data": ["type": "event", "attributes": .object(attributes)]]
            #expect(try sandbox.klaviyo("POST", "events", body, revision: revision).status == status)
        }
    }

    @Test func aRepetitionFailsTheWholeBatch() async throws {
        let sandbox = try await RunningSandbox()
        let batch = KlaviyoBody.bulkEvents([("a@example.test", ["1", "2"]), ("b@example.test", ["1"])])
        let first = try sandbox.klaviyo("POST", "event-bulk-create-jobs", batch)
        #expect(first.status == 202)
        #expect(first.body.isEmpty)
        let known = KlaviyoBody.bulkEvents([("c@example.test", ["9"]), ("a@example.test", ["2"])])
        #expect(try sandbox.klaviyo("POST", "event-bulk-create-jobs", known).status == 400)
        let within = KlaviyoBody.bulkEvents([("c@example.test", ["9", "9"])])
        #expect(try sandbox.klaviyo("POST", "event-bulk-create-jobs", within).status == 400)
        let summary = try sandbox.send("GET", "/journal/summary").json["klaviyo"]?["ada@shop.test"]
        #expect(summary?["events"] == 3 && summary?["contacts"] == 2 && summary?["refused"] == ["400": 2] && summary?["requests"] == 3)
        #expect(try sandbox.journal("crm=klaviyo").compactMap { $0["unique_id"]?.stringValue } == ["1", "2", "1"])
    }

    @Test func aBatchHoldsAThousand() async throws {
        let sandbox = try await RunningSandbox()
        let thousand = KlaviyoBody.bulkEvents([("a@example.test", (0..<1_000).map { "n\($0)" })])
        #expect(try sandbox.klaviyo("POST", "event-bulk-create-jobs", thousand).status == 202)
        let more = KlaviyoBody.bulkEvents([("a@example.test", (0..<1_001).map { "m\($0)" })])
        #expect(try sandbox.klaviyo("POST", "event-bulk-create-jobs", more).status == 400)
    }

    @Test func anImportJobRunsAndNamesItsBadRows() async throws {
        let sandbox = try await RunningSandbox()
        try sandbox.stopClock(at: "2026-11-22T10:00:00Z")
        let rows: [JSONValue] = [
            ["type": "profile", "attributes": ["email": "a@example.test"]], ["type": "profile", "attributes": ["phone_number": "12"]],
            ["type": "profile", "attributes": ["email": "b@example.test"]],
        ]
        let body: JSONValue = ["data": ["type": "profile-bulk-import-job", "attributes": ["profiles": ["data": .array(rows)]]]]
        let reply = try sandbox.klaviyo("POST", "profile-bulk-import-jobs", body)
        #expect(reply.status == 202)
        let job = try #require(try reply.json["data"])
        #expect(job["attributes"]?["status"] == "queued" && job["attributes"]?["total_count"] == 3)
        let id = try #require(job["id"]?.stringValue)
        func state() throws -> JSONValue? { try sandbox.klaviyo("GET", "profile-bulk-import-jobs/\(id)").json["data"]?["attributes"] }
        try sandbox.advanceClock(milliseconds: 500)
        #expect(try state()?["status"] == "processing")
        try sandbox.advanceClock(milliseconds: 600)
        #expect(try state()?["status"] == "complete")
        #expect(try state()?["completed_count"] == 2 && state()?["failed_count"] == 1)
        let errors = try sandbox.klaviyo("GET", "profile-bulk-import-jobs/\(id)/import-errors").json["data"]?.arrayValue
        #expect(errors?.count == 1)
        #expect(errors?.first?["attributes"]?["original_payload"] == ["phone_number": "12"])
        #expect(try sandbox.klaviyo("GET", "profiles").json["data"]?.arrayValue?.count == 2)
    }
}
