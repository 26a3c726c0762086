import CRMCore
import Foundation
import TestSupport
import Testing

@Suite struct SurvivalTests {
    @Test func nothingAcceptedIsLostWhenTheHostIsKilled() async throws {
        let service = try await RunningService()
        let client = try await service.merchant("killed@example.test")
        let total = 1_000
        // Slow enough that the host is not done before it is killed.
        _ = try await service.sandboxClient.post(
            "/script", ["crm": "klaviyo", "method": "POST", "path_prefix": "/api/events", "answers": [["delay_ms": 100]], "repeat": true])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<16 {
                group.addTask {
                    for number in stride(from: worker, to: total, by: 16) {
                        let answer = try await client.post(
                            "/crm/klaviyo/events",
                            [
                                "name": "Placed Order", "unique_id": "order-\(number)",
                                "contact": ["email": "customer\(number % 97)@example.test"],
                            ])
                        guard answer.status == 202 else { throw UnexpectedAnswer(answer) }
                    }
                }
            }
            try await group.waitForAll()
        }
        try await eventually("some have arrived") { try await arrived(service).isEmpty ? nil : () }
        #expect(try await service.host.stop(SIGKILL) == .signalled(SIGKILL))
        let before = Set(try await arrived(service))
        _ = try await service.sandboxClient.delete("/script")
        try await service.restartHost()
        let after = try await eventually("all arrive") {
            let ids = try await arrived(service)
            return Set(ids).count == total ? ids : nil
        }
        #expect(before.count < total, "the host was killed after everything had been sent")
        #expect(after.count == total, "an event was recorded twice")
        #expect(Set(after) == Set((0..<total).map { "order-\($0)" }))
    }

    @Test func aDatabaseThatIsAwayIsSaidAndItsReturnNoticed() async throws {
        let proxy = try LoopbackProxy()
        let service = try await RunningService(databaseDSN: { try proxy.stand(before: $0) })
        let client = try await service.merchant("away@example.test")
        let probe = JSONClient(base: service.base)
        #expect(try await probe.get("/readyz").status == 200)

        proxy.cut()
        let refused = try await client.post("/crm/events", ["name": "Placed Order", "contact": ["email": "a@example.test"]])
        #expect(refused.status == 503 && refused.headers["retry-after"] != nil, "\(refused.text)")
        let unready = try await probe.get("/readyz")
        #expect(unready.status == 503 && unready.text.contains("database"), "\(unready.text)")
        #expect(try await probe.get("/healthz").status == 200)

        proxy.mend()
        try await eventually("the host is ready again") { try await probe.get("/readyz").status == 200 ? () : nil }
        let accepted = try await client.post(
            "/crm/events", ["name": "Placed Order", "unique_id": "after", "contact": ["email": "a@example.test"]])
        #expect(accepted.status == 202, "\(accepted.text)")
        try await eventually("the event arrives") { try await arrived(service).contains("after") ? () : nil }
    }

    @Test func theCRMsWaitIsObeyedAndTroubleIsTriedAgain() async throws {
        let service = try await RunningService()
        let client = try await service.merchant("trouble@example.test")
        let script = try await service.sandboxClient.post(
            "/script",
            [
                "crm": "klaviyo", "path_prefix": "/api/events",
                "answers": [["status": 429, "retry_after": 2], ["status": 500], ["cut": "after"], "real"],
            ])
        #expect(script.status < 300, "\(script.text)")
        let answer = try await client.post(
            "/crm/events", ["name": "Placed Order", "unique_id": "trouble", "contact": ["email": "t@example.test"]])
        let id = try #require(answer.body["deliveries"]?.arrayValue?.first?["delivery_id"]?.stringValue)
        let waiting = try await eventually("the CRM's wait is shown") {
            let delivery = try await client.get("/crm/deliveries/\(id)")
            return delivery.body["waiting"]?["reason"] == "vendor_wait" ? delivery.body : nil
        }
        #expect(waiting["attempts"] == 0 && waiting["waiting"]?["until"]?.stringValue != nil)
        _ = try await eventually("it is delivered") { try await client.get("/crm/deliveries/\(id)").body["state"] == "done" ? () : nil }
        #expect(try await arrived(service) == ["trouble"])
        let rows = try await client.get("/crm/sync-logs?delivery_id=\(id)").body["data"]?.arrayValue ?? []
        #expect(rows.count == 4 && rows.first?["outcome"] == "success", "\(rows)")
    }

    private func arrived(_ service: RunningService) async throws -> [String] {
        try await service.journal("klaviyo").filter { $0["effect"] == "event_recorded" }.compactMap { $0["unique_id"]?.stringValue }
    }
}
