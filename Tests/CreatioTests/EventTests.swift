import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct EventTests {
    private static let event: JSONValue = [
        "name": "Order Placed", "occurred_at": "2026-11-01T10:00:00Z", "unique_id": "order-1001-placed",
        "value": ["amount": "19.98", "currency": "EUR"], "contact": ["external_id": "user-1"], "properties": ["sku": "A1"],
    ]

    private func bench(_ interruption: @escaping FakeSite.Interruption = { _, _ in nil }) throws -> CreatioBench {
        let bench = try CreatioBench(interrupting: interruption)
        bench.site.add("Contact", CreatioBench.ada)
        return bench
    }

    @Test func anEventBecomesARecordOfTheCustomObject() async throws {
        let bench = try bench()
        let result = try await bench.event(Self.event)
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.isEmpty)
        let id = try #require(result.payload["remote_id"]?.stringValue)
        #expect(
            bench.calls.map(\.call) == [
                "GET UsrIntegrationEvent", "GET Activity(\(id))", "GET Contact", "POST UsrIntegrationEvent",
            ])
        #expect(
            bench.calls[0].options == ["$top": "1", "$filter": "UsrEventId eq 'order-1001-placed'", "$select": "Id,UsrEventId"])
        #expect(
            bench.calls[3].json == [
                "Id": .string(id), "UsrEventId": "order-1001-placed", "UsrName": "Order Placed",
                "UsrOccurredOn": "2026-11-01T10:00:00Z", "UsrValue": .number(try #require(JSONNumber(literal: "19.98"))),
                "UsrCurrency": "EUR",
                "UsrPayload": #"{"sku":"A1"}"#, "UsrContactId": .string(CreatioBench.adaID),
            ])
        #expect(bench.calls[3].bodyText.contains(#""UsrValue":19.98"#))
        await bench.expectEachEndedOnce()
    }

    @Test(arguments: ["custom_object", "activity", "automatic"]) func anEventThatIsThereIsNotWrittenAgain(_ target: String) async throws {
        let bench = try bench()
        let settings: JSONValue = ["event_target": .string(target)]
        let first = try await bench.event(Self.event, settings: settings)
        let second = try await bench.event(Self.event, settings: settings)
        #expect(first.payload == second.payload)
        #expect(bench.calls.count { $0.method == "POST" } == 1)
    }

    @Test(arguments: ["custom_object", "activity"]) func fiftyAtOnceAreOneEvent(_ target: String) async throws {
        let bench = try bench()
        let running = (0..<50).map { _ in
            var call = FakeCall(CRM_OP_SEND_EVENT, ["event": Self.event], credentials: CreatioBench.user)
            call.settings = ["event_target": .string(target)]
            return bench.provider.start(call)
        }
        for operation in running { #expect(await operation.result.status == CRM_STATUS_OK) }
        #expect(bench.site.rows("UsrIntegrationEvent").count + bench.site.rows("Activity").count == 1)
    }

    @Test func anActivityCarriesTheEvent() async throws {
        let bench = try bench()
        let category = "f51c4643-58e6-df11-971b-001d60e938c6"
        let result = try await bench.event(Self.event, settings: ["event_target": "activity", "activity_category_id": .string(category)])
        let id = try #require(result.payload["remote_id"]?.stringValue)
        #expect(bench.calls.map(\.call) == ["GET Activity(\(id))", "GET Contact", "POST Activity"])
        #expect(
            bench.calls[2].json == [
                "Id": .string(id), "Title": "Order Placed", "TypeId": "fbe0acdc-cfc0-df11-b00f-001d60e938c6",
                "ActivityCategoryId": .string(category), "ContactId": .string(CreatioBench.adaID), "StartDate": "2026-11-01T10:00:00Z",
                "DueDate": "2026-11-01T10:00:00Z",
                "DetailedResult": #"{"event_id":"order-1001-placed","value":19.98,"currency":"EUR","properties":{"sku":"A1"}}"#,
            ])
    }

    @Test func aSiteWithoutTheObjectGetsActivities() async throws {
        let bench = try bench()
        bench.site.state.withLock { $0.tables["UsrIntegrationEvent"] = nil }
        // It may be under construction, and gets the time that takes.
        for attempt in 1...5 as ClosedRange<UInt32> {
            let early = try await bench.run(CRM_OP_SEND_EVENT, ["event": Self.event], attempt: attempt)
            #expect(early.status == CRM_STATUS_UNAVAILABLE && early.retryAfterMilliseconds == 30_000)
        }
        for number in 0..<3 {
            var event = try #require(Self.event.objectValue)
            event["unique_id"] = .string("e\(number)")
            let result = try await bench.run(CRM_OP_SEND_EVENT, ["event": .object(event)], attempt: number == 0 ? 6 : 1)
            #expect(result.status == CRM_STATUS_OK)
            #expect(result.warnings.map { $0["code"] } == ["creatio.no_event_object"])
        }
        #expect(bench.site.rows("Activity").count == 3)
        #expect(bench.calls.count { $0.path.hasSuffix("UsrIntegrationEvent") } == 6)
    }

    @Test func anEventIsInOneOfTheTwoPlaces() async throws {
        let bench = try bench()
        let table = bench.site.state.withLock { $0.tables.removeValue(forKey: "UsrIntegrationEvent") }
        let activity = try await bench.run(CRM_OP_SEND_EVENT, ["event": Self.event], attempt: 6)
        #expect(activity.status == CRM_STATUS_OK && bench.site.rows("Activity").count == 1)
        // The object has come, and the same event comes once more.
        bench.site.state.withLock { $0.tables["UsrIntegrationEvent"] = table }
        bench.host.timer.advance(by: 700_000_000_000)
        let again = try await bench.event(Self.event)
        #expect(again.payload["remote_id"] == activity.payload["remote_id"])
        #expect(bench.site.rows("UsrIntegrationEvent").isEmpty)

        let other = try self.bench()
        let record = try await other.event(Self.event)
        other.site.state.withLock { $0.missingColumns = ["UsrIntegrationEvent.UsrEventId"] }
        let later = try await other.event(Self.event)
        #expect(later.payload["remote_id"] == record.payload["remote_id"])
        #expect(other.site.rows("Activity").isEmpty)
    }

    @Test func aFurtherAttemptLooksForTheObjectAgain() async throws {
        let bench = try bench()
        let table = bench.site.state.withLock { $0.tables.removeValue(forKey: "UsrIntegrationEvent") }
        var first = try #require(Self.event.objectValue)
        first["unique_id"] = "first"
        #expect(try await bench.run(CRM_OP_SEND_EVENT, ["event": .object(first)], attempt: 6).status == CRM_STATUS_OK)
        bench.site.state.withLock { $0.tables["UsrIntegrationEvent"] = table }
        bench.site.add("UsrIntegrationEvent", ["Id": .string(CreatioBench.adaID), "UsrEventId": "order-1001-placed"])
        let result = try await bench.run(CRM_OP_SEND_EVENT, ["event": Self.event], attempt: 2)
        #expect(result.payload["remote_id"] == .string(CreatioBench.adaID))
        #expect(bench.site.rows("Activity").count == 1)
    }

    @Test func anObjectThatIsBeingBuiltIsWaitedFor() async throws {
        let bench = try bench()
        _ = try await bench.event(Self.event)
        bench.site.state.withLock { $0.tables["UsrIntegrationEvent"] = nil }
        let result = try await bench.event(Self.event)
        #expect(result.status == CRM_STATUS_UNAVAILABLE && result.code == "creatio.no_such_object")
        #expect(result.retryAfterMilliseconds == 30_000)
        #expect(bench.site.rows("Activity").isEmpty)
    }

    @Test func anObjectThatTheMerchantAskedForIsNotReplaced() async throws {
        let bench = try bench()
        bench.site.state.withLock { $0.tables["UsrIntegrationEvent"] = nil }
        let settings: JSONValue = ["event_target": "custom_object"]
        let early = try await bench.run(CRM_OP_SEND_EVENT, ["event": Self.event], settings: settings, attempt: 5)
        #expect(early.status == CRM_STATUS_UNAVAILABLE && early.flags == CRM_RESULT_RETRYABLE)
        let late = try await bench.run(CRM_OP_SEND_EVENT, ["event": Self.event], settings: settings, attempt: 6)
        #expect(late.status == CRM_STATUS_INVALID_ARGUMENT && late.flags == 0)
    }

    @Test func anObjectOfTheMerchantsOwnIsFilled() async throws {
        let bench = try bench()
        bench.site.add("UsrShopEvent", ["Id": "0"])
        let settings: JSONValue = [
            "event_object": "UsrShopEvent", "event_target": "custom_object",
            "event_fields": ["unique_id": "UsrKey", "contact": "UsrPersonId"],
        ]
        #expect(try await bench.event(Self.event, settings: settings).status == CRM_STATUS_OK)
        let row = try #require(bench.site.rows("UsrShopEvent").last)
        #expect(row["UsrKey"] == "order-1001-placed" && row["UsrPersonId"] == .string(CreatioBench.adaID))
    }

    @Test func aColumnThatIsMissingCostsItselfOnly() async throws {
        let bench = try bench()
        bench.site.state.withLock { $0.missingColumns = ["UsrIntegrationEvent.UsrCurrency", "Activity.DetailedResult"] }
        let custom = try await bench.event(Self.event)
        #expect(custom.status == CRM_STATUS_OK && custom.warnings.map { $0["field"] } == ["value.currency"])
        let activity = try await bench.event(Self.event, settings: ["event_target": "activity"])
        #expect(activity.status == CRM_STATUS_OK && activity.warnings.map { $0["field"] } == ["properties"])
    }

    @Test func anObjectWithoutTheColumnForOurIDIsOfNoUse() async throws {
        let bench = try bench()
        bench.site.state.withLock { $0.missingColumns = ["UsrIntegrationEvent.UsrEventId"] }
        #expect(try await bench.event(Self.event, settings: ["event_target": "custom_object"]).code == "creatio.no_event_column")
        #expect(try await bench.event(Self.event).warnings.map { $0["code"] } == ["creatio.no_event_object"])
        #expect(bench.site.rows("Activity").count == 1)
    }

    @Test func theContactOfAnEventIsMadeWhenThereIsNone() async throws {
        let bench = try CreatioBench()
        var event = try #require(Self.event.objectValue)
        event["contact"] = ["email": "bob@example.test", "first_name": "Bob"]
        let result = try await bench.event(.object(event))
        #expect(result.status == CRM_STATUS_OK)
        #expect(bench.site.rows("Contact").map { $0["Name"] } == ["Bob"])
        #expect(bench.site.rows("UsrIntegrationEvent").first?["UsrContactId"] == bench.site.rows("Contact").first?["Id"])
    }

    @Test func theContactOfAnEventIsLeftAsItIs() async throws {
        let bench = try bench()
        var event = try #require(Self.event.objectValue)
        event["contact"] = ["external_id": "user-1", "first_name": "Somebody"]
        _ = try await bench.event(.object(event))
        #expect(bench.site.rows("Contact") == [CreatioBench.ada])
    }

    @Test(arguments: ContactTests.doubts) func anEventThatHappenedInSpiteOfItsErrorIsNotRepeated(_ reply: FakeHTTP.Reply) async throws {
        let bench = try bench { request, site in
            guard request.call == "POST UsrIntegrationEvent" || request.call == "POST Activity" else { return nil }
            _ = site.perform(request)
            return reply
        }
        #expect(try await bench.event(Self.event, settings: ["event_target": "custom_object"]).status == CRM_STATUS_OK)
        #expect(try await bench.event(Self.event, settings: ["event_target": "activity"]).status == CRM_STATUS_OK)
        #expect(bench.site.rows("UsrIntegrationEvent").count == 1 && bench.site.rows("Activity").count == 1)
    }

    @Test(arguments: ContactTests.doubts) func anEventThatDidNotHappenIsLeftToTheHost(_ reply: FakeHTTP.Reply) async throws {
        let bench = try bench { request, _ in request.call == "POST UsrIntegrationEvent" ? reply : nil }
        let result = try await bench.event(Self.event)
        #expect(result.flags == CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS)
        #expect(bench.calls.count { $0.method == "POST" } == 1)
    }

    @Test func theDeliverysKeyStandsInForAMissingID() async throws {
        let bench = try bench()
        _ = try await bench.event(["name": "Seen", "contact": ["external_id": "user-1"]])
        #expect(bench.site.rows("UsrIntegrationEvent").first?["UsrEventId"] == "key-1")
    }
}
