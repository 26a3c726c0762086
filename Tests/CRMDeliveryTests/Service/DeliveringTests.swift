import CRMCore
import CRMDelivery
import CRMStore
import FoundationEssentials
import TestSupport
import Testing

@Suite(.serialized) struct DeliveringTests {
    @Test func everyContactGetsItsEventsInOrderAndOneAtATime() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let catalog = ScriptedCatalog([ground.crmType]) { call in
            try? await Task.sleep(for: .microseconds(call.number % 7 * 300))
            // Some fail first: the order holds over retries too.
            return ProviderOutcome(status: call.request.attempt == 1 && call.number % 5 == 0 ? .upstream : .ok)
        }
        let items = (0..<120).map { ground.event("c\($0 % 6)@example.test", uniqueID: String($0), to: integration, index: $0) }
        for start in stride(from: 0, to: 120, by: 20) { _ = try await ground.accept(merchant, Array(items[start..<start + 20])) }
        let run = DeliveryRun(ground, catalog)
        try await eventually("all delivered") { try await ground.queued(merchant) == 0 }
        await run.stop()

        #expect(catalog.overlaps == 0)
        for contact in 0..<6 {
            let sent = catalog.calls.filter { $0.contact == "c\(contact)@example.test" }.compactMap { Int($0.uniqueID) }
            #expect(sent == sent.sorted())
            #expect(Set(sent).count == 20)
        }
        #expect(try await ground.count("FROM crm.crm_sync_logs WHERE outcome = 'success'") == 120)
        #expect(try await ground.count("FROM crm.crm_sync_logs") == catalog.calls.count)
    }

    @Test func aFailureIsTriedAgainWithTheSameKey() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let catalog = ScriptedCatalog([ground.crmType]) { call in
            switch call.number {
            case 0: ProviderOutcome(status: .upstream, code: "crm.500", message: "boom")
            case 1: ProviderOutcome(status: .deadlineExceeded)
            default: ProviderOutcome(status: .ok, payload: ["remote_id": "r-1", "warnings": [["code": "left_out"]]], httpStatus: 202)
            }
        }
        let id = try #require(ids(try await ground.accept(merchant, [ground.event("ada@example.test", to: integration)])).first)
        let run = DeliveryRun(ground, catalog)
        try await eventually("delivered") { try await ground.deliveries.delivery(merchant, id)?.state == .done }
        await run.stop()

        #expect(try await log(ground, id) == ["retrying upstream 1", "retrying deadline_exceeded 2", "success ok 3"])
        #expect(Set(catalog.calls.map(\.request.idempotencyKey)).count == 1)
        #expect(catalog.calls.map(\.request.attempt) == [1, 2, 3])
        // A timeout may have done its work.
        #expect(catalog.calls.map(\.request.lookBeforeWrite) == [false, false, true])
        #expect(catalog.calls.allSatisfy { $0.request.account == ProviderRequest.account(of: merchant, ground.crmType) })
        let delivery = try #require(try await ground.deliveries.delivery(merchant, id))
        #expect(delivery.attempts == 3)
        #expect(delivery.remoteID == "r-1")
        #expect(delivery.warnings.count == 1)
    }

    @Test func aRefusalIsADeadLetterWithItsReason() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let catalog = ScriptedCatalog([ground.crmType]) { call in
            call.request.operation == .createOrUpdateContact
                ? ProviderOutcome(status: .invalidArgument, code: "crm.bad_phone", message: "no such phone\0")
                : ProviderOutcome(status: .ok)
        }
        let answer = try await ground.accept(
            merchant, [ground.contact("ada@example.test", to: integration), ground.event("ada@example.test", to: integration, index: 1)])
        let run = DeliveryRun(ground, catalog)
        // The dead upsert does not stop the event.
        try await eventually("both over") { try await ground.queued(merchant) == 0 }
        await run.stop()
        let dead = try #require(try await ground.deliveries.delivery(merchant, ids(answer)[0]))
        #expect(dead.state == .dead)
        #expect(dead.lastErrorCode == "crm.bad_phone")
        #expect(dead.lastErrorDetail == "no such phone")
        #expect(dead.attempts == 1)
        #expect(try await log(ground, dead.id) == ["dead invalid_argument 1"])
        #expect(try await ground.deliveries.delivery(merchant, ids(answer)[1])?.state == .done)
        #expect(try await ground.count("FROM crm.delivery_dead WHERE reason = 'invalid_argument' AND payload IS NOT NULL") == 1)
    }

    @Test func aTextThatTheDatabaseRefusesIsNotSentAgain() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let catalog = ScriptedCatalog([ground.crmType]) { _ in
            ProviderOutcome(status: .ok, payload: ["remote_id": "r-1", "warnings": [["code": "a\0b"]]])
        }
        let answer = try await ground.accept(merchant, [ground.event("ada@example.test", to: integration)])
        let run = DeliveryRun(ground, catalog)
        try await eventually("done") { try await ground.deliveries.delivery(merchant, ids(answer)[0])?.state == .done }
        await run.stop()
        #expect(catalog.calls.count == 1)
        #expect(try await log(ground, ids(answer)[0]) == ["success ok 1"])
    }

    @Test func thePauseTheCRMAsksForIsKeptAndBurnsNoAttempt() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let (other, second) = try await ground.connect()
        let catalog = ScriptedCatalog([ground.crmType]) { call in
            call.number == 0 && call.contact == "ada@example.test"
                ? ProviderOutcome(status: .rateLimited, retryAfter: .milliseconds(1_200)) : ProviderOutcome(status: .ok)
        }
        let first = try await ground.accept(merchant, [ground.event("ada@example.test", to: integration)])
        var configuration = DeliveryRun.quick
        configuration.longestRestHeld = .zero
        let run = DeliveryRun(ground, catalog, configuration)
        let id = try #require(ids(first).first)
        try await eventually("told to wait") { try await ground.deliveries.delivery(merchant, id)?.waiting?.reason == .vendorWait }
        // The lane was given back meanwhile: the time is kept with it, whoever serves it next.
        try await eventually("given back") {
            try await ground.count("FROM crm.delivery_lanes WHERE owner IS NULL AND not_before IS NOT NULL") == 1
        }
        // A contact of the same lane waits as well, another merchant's does not.
        _ = try await ground.accept(merchant, [ground.event("bob@example.test", to: integration)])
        _ = try await ground.accept(other, [ground.event("eve@example.test", to: second)])
        run.service.wake()
        try await eventually("the other merchant is served") { try await ground.queued(other) == 0 }
        try await eventually("all delivered") { try await ground.queued(merchant) == 0 }
        await run.stop()

        let calls = catalog.calls.filter { $0.request.account == ProviderRequest.account(of: merchant, ground.crmType) }
        let told = calls[0].startedAt
        #expect(calls.dropFirst().allSatisfy { $0.startedAt - told >= .milliseconds(1_190) })
        #expect(calls.map(\.request.attempt) == [1, 1, 1])
        #expect(try await log(ground, id) == ["retrying rate_limited 1", "success ok 1"])
    }

    @Test func aMissingProviderLeavesTheLaneUntouched() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let catalog = ScriptedCatalog([]) { _ in ProviderOutcome(status: .ok) }
        let id = try #require(ids(try await ground.accept(merchant, [ground.event("a@example.test", to: integration)])).first)
        let run = DeliveryRun(ground, catalog)
        #expect(try await ground.deliveries.delivery(merchant, id)?.state == .queued)
        catalog.put(inService: ground.crmType)
        try await eventually("delivered") { try await ground.deliveries.delivery(merchant, id)?.state == .done }

        catalog.take(outOfService: ground.crmType)
        let later = try #require(ids(try await ground.accept(merchant, [ground.event("a@example.test", to: integration)])).first)
        run.service.wake()
        try await eventually("lane given back") { try await ground.count("FROM crm.delivery_lanes WHERE owner IS NOT NULL") == 0 }
        #expect(try await log(ground, later) == [])
        catalog.put(inService: ground.crmType)
        try await eventually("delivered") { try await ground.deliveries.delivery(merchant, later)?.state == .done }
        #expect(try await log(ground, later) == ["success ok 1"])

        catalog.pause(ground.crmType)
        let paused = try #require(ids(try await ground.accept(merchant, [ground.event("a@example.test", to: integration)])).first)
        run.service.wake()
        try await eventually("lane given back") { try await ground.count("FROM crm.delivery_lanes WHERE owner IS NOT NULL") == 0 }
        #expect(try await log(ground, paused) == [])
        catalog.resume(ground.crmType)
        try await eventually("delivered") { try await ground.deliveries.delivery(merchant, paused)?.state == .done }
        await run.stop()
    }

    @Test func fiveFailuresOpenTheBreakerForTheNextOwnerToo() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let catalog = ScriptedCatalog([ground.crmType]) { _ in ProviderOutcome(status: .unavailable) }
        let answer = try await ground.accept(merchant, (0..<5).map { ground.event("c\($0)@example.test", to: integration, index: $0) })
        let run = DeliveryRun(ground, catalog)
        try await eventually("open") {
            try await ground.deliveries.delivery(merchant, try #require(ids(answer).first))?.waiting?.reason == .breaker
        }
        try await eventually("given back") { try await ground.count("FROM crm.delivery_lanes WHERE not_before > now()") == 1 }
        await run.stop()
        let sent = catalog.calls.count
        #expect(sent >= 5)
        let next = DeliveryRun(ground, catalog)
        next.service.wake()
        let scouted = try await ground.lanes.scout([ground.crmType], at: DeliveryGround.clock(), limit: 1)
        #expect(scouted == [])
        await next.stop()
        #expect(catalog.calls.count == sent)
    }

    @Test func afterAnInterruptedConnectionNothingIsSent() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let answer = try await ground.accept(merchant, [ground.event("a@example.test", to: integration)])
        // Accepted while somebody disconnected.
        _ = try await ground.superuser.run("DELETE FROM crm.crm_integrations WHERE merchant_id = \(merchant)")
        let catalog = ScriptedCatalog([ground.crmType]) { _ in ProviderOutcome(status: .ok) }
        let run = DeliveryRun(ground, catalog)
        try await eventually("cancelled") {
            try await ground.deliveries.delivery(merchant, try #require(ids(answer).first))?.state == .cancelled
        }
        await run.stop()
        #expect(catalog.calls.isEmpty)
        #expect(try await ground.queued(merchant) == 0)
    }
}
