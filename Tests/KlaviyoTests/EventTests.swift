import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct EventTests {
    @Test func anOrderBecomesAnEvent() async throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        let result = try await bench.event([
            "name": "Order Placed", "occurred_at": "2026-11-01T10:00:00Z", "unique_id": "order-1001-placed",
            "value": ["amount": "19.98", "currency": "EUR"], "contact": ["email": "ada@example.test", "external_id": "user-1"],
            "properties": ["sku": "A1", "qty": 2],
        ])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.payload == ["accepted_only": true])
        let request = try #require(bench.host.http.requests.first)
        #expect(request.url == "https://a.klaviyo.com/api/events")
        #expect(request.route == "POST /api/events")
        #expect(request.header("Content-Type") == "application/vnd.api+json")
        #expect(
            request.bodyText == """
                {"data":{"type":"event","attributes":{"properties":{"sku":"A1","qty":2},"time":"2026-11-01T10:00:00+00:00",\
                "value":19.98,"value_currency":"EUR","unique_id":"order-1001-placed",\
                "metric":{"data":{"type":"metric","attributes":{"name":"Order Placed"}}},\
                "profile":{"data":{"type":"profile","attributes":{"email":"ada@example.test","external_id":"user-1"}}}}}}
                """)
        await bench.expectEachEndedOnce()
    }

    @Test func withoutAnIDOfItsOwnAnEventGoesByTheDeliverysKey() async throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        _ = try await bench.event(["name": "Signed Up", "contact": ["email": "ada@example.test"]])
        #expect(bench.host.http.requests.first?.json["data"]?["attributes"]?["unique_id"] == "key-1")
        #expect(bench.host.http.requests.first?.json["data"]?["attributes"]?["properties"] == [:])
        #expect(bench.host.http.requests.first?.json["data"]?["attributes"]?["time"] == nil)
    }

    @Test func withoutAnyKeyAnEventIsNotSent() async throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        var call = FakeCall(
            CRM_OP_SEND_EVENT, ["event": ["name": "Signed Up", "contact": ["email": "a@b.test"]]], credentials: KlaviyoBench.credentials)
        call.idempotencyKey = ""
        let result = await bench.provider.run(call)
        #expect(result.code == "klaviyo.no_unique_id")
        #expect(bench.host.http.requests.isEmpty)
    }

    /// Money keeps its digits: nothing becomes a binary fraction on the way.
    @Test(arguments: ["0.10", "-25.00", "1234567890123456.78", "7"]) func moneyKeepsItsDigits(_ amount: String) async throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        _ = try await bench.event([
            "name": "Refund", "value": ["amount": .string(amount), "currency": "JPY"], "contact": ["email": "ada@example.test"],
        ])
        #expect(bench.host.http.requests.first?.bodyText.contains("\"value\":\(amount),\"value_currency\":\"JPY\"") == true)
    }

    @Test(arguments: ["1e3", "NaN", "1,5", "", "0x10", " 1", "01"]) func whatIsNotMoneyIsRefused(_ amount: String) async throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        let result = try await bench.event([
            "name": "Refund", "value": ["amount": .string(amount), "currency": "JPY"], "contact": ["email": "ada@example.test"],
        ])
        #expect(result.status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(result.payload["details"]?["pointer"] == "/event/value/amount")
        #expect(bench.host.http.requests.isEmpty)
    }

    @Test func aRefusedPhoneDoesNotCostTheEvent() async throws {
        let bench = try KlaviyoBench { request in
            let profile = request.json["data"]?["attributes"]?["profile"]?["data"]?["attributes"]
            return profile?["phone_number"] == nil
                ? .status(202) : Answer.error(400, "invalid", pointer: "/data/attributes/profile/data/attributes/phone_number")
        }
        let result = try await bench.event([
            "name": "Order Placed", "unique_id": "o-1", "contact": ["email": "ada@example.test", "phone": "+390000000000"],
        ])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["field"] } == ["phone"])
        #expect(bench.host.http.requests.map { $0.json["data"]?["attributes"]?["unique_id"] } == ["o-1", "o-1"])
    }

    /// What stands in front of Klaviyo may answer a success of its own.
    @Test(arguments: [200, 201, 204]) func onlyItsOwnSuccessCounts(_ status: Int) async throws {
        let bench = try KlaviyoBench { _ in .response(status, [], []) }
        let result = try await bench.event(["name": "Placed Order", "unique_id": "o-1", "contact": ["email": "a@b.test"]])
        #expect(result.status == CRM_STATUS_UPSTREAM && result.code == "klaviyo.unreadable_answer")
        #expect(result.flags == CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS)
    }
}
