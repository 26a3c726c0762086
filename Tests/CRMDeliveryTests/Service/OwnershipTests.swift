import CRMCore
import CRMDelivery
import CRMStore
import FoundationEssentials
import Synchronization
import TestSupport
import Testing

@Suite(.serialized) struct OwnershipTests {
    @Test func twoProcessesNeverSendTheSameRow() async throws {
        let ground = try await DeliveryGround.prepare()
        var connections: [(merchant: MerchantID, integration: IntegrationID)] = []
        for _ in 0..<8 { connections.append(try await ground.connect()) }
        let catalog = ScriptedCatalog([ground.crmType]) { call in
            try? await Task.sleep(for: .microseconds(call.number % 5 * 500))
            return ProviderOutcome(status: .ok)
        }
        // Few lanes at a time, so that they change hands.
        var configuration = DeliveryRun.quick
        configuration.laneLimit = 3
        let runs = [DeliveryRun(ground, catalog, configuration), DeliveryRun(ground, catalog, configuration)]
        for round in 0..<5 {
            for (merchant, integration) in connections {
                _ = try await ground.accept(
                    merchant,
                    (0..<10).map {
                        ground.event("c\($0 % 4)@example.test", uniqueID: "\(round)-\($0)", to: integration, index: $0)
                    })
            }
            for run in runs { run.service.wake() }
        }
        try await eventually("all delivered") { try await ground.count("FROM crm.deliveries") == 0 }
        for run in runs { await run.stop() }
        #expect(catalog.overlaps == 0)
        #expect(catalog.calls.count == 400)
        #expect(Set(catalog.calls.map { $0.request.account + $0.uniqueID }).count == 400)
        #expect(try await ground.count("FROM crm.crm_sync_logs WHERE outcome = 'success'") == 400)
        #expect(try await ground.count("FROM crm.delivery_lanes WHERE owner IS NOT NULL OR unclean_count > 0") == 0)
    }

    @Test func aLostLaneRecordsNothingButWhatWasCalled() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let gate = Gate()
        let catalog = ScriptedCatalog([ground.crmType]) { _ in
            await gate.wait()
            return ProviderOutcome(status: .ok)
        }
        let answer = try await ground.accept(merchant, [ground.event("ada@example.test", to: integration)])
        // No heartbeat may tell it before the outcome does.
        var configuration = DeliveryRun.quick
        configuration.heartbeat = .seconds(60)
        let run = DeliveryRun(ground, catalog, configuration)
        try await eventually("under way") { catalog.calls.count == 1 }
        let key = Lane.Key(merchant: merchant, lane: LaneID(integration.uuid))
        _ = try await ground.superuser.run(
            "UPDATE crm.delivery_lanes SET owner = gen_random_uuid(), fence = fence + 1, lease_until = now() + interval '60 seconds'")
        gate.open()
        // Once it has noticed, it serves nothing: a row of the same lane stays.
        _ = try await ground.accept(merchant, [ground.event("bob@example.test", to: integration)])
        await run.stop()
        #expect(try await ground.lanes.read(key, after: 0, limit: 10).count == 2)
        #expect(try await log(ground, ids(answer)[0]) == ["success ok 1"])
        #expect(try await ground.count("FROM crm.delivery_lanes WHERE owner IS NOT NULL AND fence = 2") == 1)
        #expect(try await ground.deliveries.delivery(merchant, ids(answer)[0])?.state == .queued)
    }

    @Test(arguments: [Duration.milliseconds(50), .seconds(60)])
    func whatReachedTheCRMIsDoneAlthoughSomebodyDisconnected(_ heartbeat: Duration) async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let gate = Gate()
        let catalog = ScriptedCatalog([ground.crmType]) { call in
            if call.number >= 10 { await gate.wait() }
            return ProviderOutcome(status: .ok)
        }
        let answer = try await ground.accept(
            merchant, (0..<40).map { ground.event("c\($0)@example.test", to: integration, index: $0) })
        var configuration = DeliveryRun.quick
        configuration.heartbeat = heartbeat
        // Nothing is recorded before somebody disconnects.
        configuration.settlePeriod = .milliseconds(heartbeat < .seconds(1) ? 60_000 : 500)
        let run = DeliveryRun(ground, catalog, configuration)
        try await eventually("ten answered, sixteen under way") { catalog.calls.count == 26 }
        try await disconnect(ground, merchant, integration)
        gate.open()
        await run.stop()
        // Some more may have been sent until it was noticed.
        let calls = catalog.calls.count
        #expect(try await ground.count("FROM crm.crm_sync_logs WHERE outcome = 'success'") == calls)
        var states: [DeliveryState: Int] = [:]
        for id in ids(answer) { states[try #require(try await ground.deliveries.delivery(merchant, id)).state, default: 0] += 1 }
        #expect(states.filter { $0.value > 0 } == [.done: calls, .cancelled: 40 - calls].filter { $0.value > 0 })
        #expect(try await ground.deliveries.delivery(merchant, ids(answer)[0])?.attempts == 1)
    }

    @Test func aLongQueueEndsAfterADisconnectAlthoughTheProviderIsMissing() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        for _ in 0..<15 {
            _ = try await ground.accept(merchant, (0..<100).map { ground.event("c\($0)@example.test", to: integration, index: $0) })
        }
        // Those that wait for their retry do not wait any more.
        _ = try await ground.superuser.run("UPDATE crm.deliveries SET not_before = now() + interval '1 day'")
        try await disconnect(ground, merchant, integration)
        #expect(try await ground.queued(merchant) == 500)
        let run = DeliveryRun(ground, ScriptedCatalog([]) { _ in ProviderOutcome(status: .ok) })
        try await eventually("all ended") { try await ground.queued(merchant) == 0 }
        await run.stop()
        #expect(try await ground.count("FROM crm.crm_sync_logs WHERE outcome = 'cancelled' AND code = 'disconnected'") == 1_500)
    }

    @Test func noCallBeginsWhenMarkingTookTheLeasesTime() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        _ = try await ground.accept(merchant, [ground.event("ada@example.test", to: integration)])
        _ = try await ground.superuser.run(
            "UPDATE crm.delivery_lanes SET owner = gen_random_uuid(), lease_until = now() - interval '1 second'")
        let catalog = ScriptedCatalog([ground.crmType]) { _ in ProviderOutcome(status: .ok) }
        var configuration = DeliveryRun.quick
        configuration.heartbeat = .seconds(3_600)
        let late = Lateness()
        let store = Unswept(ground.lanes, sweeps: true) { late.grow(by: .seconds(10)) }
        let run = DeliveryRun(ground, catalog, configuration, lanes: store, clock: late.clock)
        try await eventually("marked, and the mark taken back") { store.marks == 2 }
        #expect(catalog.calls.isEmpty)
        try await eventually("no mark is left") { try await ground.count("FROM crm.deliveries WHERE crash_marks = 0") == 1 }
        await run.stop()
        #expect(catalog.calls.isEmpty)
    }

    @Test func aLaneWhoseRowsCannotBeReadIsGivenBackAfterItsCalls() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let gate = Gate()
        let catalog = ScriptedCatalog([ground.crmType]) { _ in
            await gate.wait()
            return ProviderOutcome(status: .ok)
        }
        let answer = try await ground.accept(merchant, [ground.event("ada@example.test", to: integration)])
        let store = Unswept(ground.lanes, sweeps: true)
        let run = DeliveryRun(ground, catalog, lanes: store)
        try await eventually("under way") { catalog.calls.count == 1 }
        store.refuseSweeps()
        let before = store.sweeps
        try await eventually("refused") { store.sweeps > before }
        // As long as the call lasts nobody else may have the lane.
        #expect(try await ground.count("FROM crm.delivery_lanes WHERE owner IS NOT NULL") == 1)
        gate.open()
        try await eventually("given back") { try await ground.count("FROM crm.delivery_lanes WHERE not_before > now()") == 1 }
        #expect(try await log(ground, ids(answer)[0]) == ["success ok 1"])
        await run.stop()
    }

    @Test func whatAVanishedProcessHadIsTakenOver() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let gate = Gate()
        let stuck = ScriptedCatalog([ground.crmType]) { _ in
            await gate.wait()
            return ProviderOutcome(status: .ok)
        }
        let answer = try await ground.accept(
            merchant, (0..<150).map { ground.event("c\($0)@example.test", uniqueID: String($0), to: integration, index: $0) })
        let first = DeliveryRun(ground, stuck)
        try await eventually("under way") { !stuck.calls.isEmpty }
        await first.vanish()
        #expect(try await ground.queued(merchant) == 150)
        #expect(try await ground.count("FROM crm.delivery_lanes WHERE lease_until > now()") == 1)
        try await endLeases(ground)

        let catalog = ScriptedCatalog([ground.crmType]) { _ in ProviderOutcome(status: .ok) }
        var configuration = DeliveryRun.quick
        configuration.cleanRows = 40
        let second = DeliveryRun(ground, catalog, configuration)
        try await eventually("all delivered") { try await ground.queued(merchant) == 0 }
        await second.stop()
        // The same keys as before, and nothing twice by the second owner.
        #expect(catalog.calls.count == 150)
        #expect(Set(stuck.calls.map(\.request.idempotencyKey)).isSubset(of: Set(catalog.calls.map(\.request.idempotencyKey))))
        // What became of those is not known.
        let uncertain = Set(stuck.calls.map(\.request.idempotencyKey))
        let again = catalog.calls.filter { uncertain.contains($0.request.idempotencyKey) }
        #expect(again.allSatisfy { $0.request.lookBeforeWrite })
        #expect(catalog.calls.last?.request.lookBeforeWrite == false)
        #expect(try await ground.deliveries.delivery(merchant, ids(answer)[0])?.state == .done)
        #expect(try await ground.count("FROM crm.delivery_lanes WHERE owner IS NULL AND unclean_count = 0") == 1)
    }

    @Test func aRowThatKeepsKillingItsProcessIsSetAside() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let answer = try await ground.accept(
            merchant,
            ["poison@example.test", "ada@example.test"].enumerated().map {
                ground.event($0.element, to: integration, index: $0.offset)
            })
        // The first owner vanished; from then on each attempt is marked before it is made.
        _ = try await ground.superuser.run(
            "UPDATE crm.delivery_lanes SET owner = gen_random_uuid(), lease_until = now() - interval '1 second'")
        for crash in 1...3 {
            let gate = Gate()
            let deadly = ScriptedCatalog([ground.crmType]) { _ in
                await gate.wait()
                return ProviderOutcome(status: .ok)
            }
            let run = DeliveryRun(ground, deadly)
            try await eventually("crash \(crash)") { !deadly.calls.isEmpty }
            #expect(deadly.calls.map(\.contact) == ["poison@example.test"])
            #expect(try await ground.count("FROM crm.deliveries WHERE crash_marks = \(crash)") == 1)
            await run.vanish()
            try await endLeases(ground)
        }
        let catalog = ScriptedCatalog([ground.crmType]) { _ in ProviderOutcome(status: .ok) }
        let run = DeliveryRun(ground, catalog)
        try await eventually("the rest delivered") { try await ground.queued(merchant) == 0 }
        await run.stop()
        #expect(catalog.calls.map(\.contact) == ["ada@example.test"])
        #expect(try await ground.count("FROM crm.delivery_dead WHERE reason = 'crash_suspect'") == 1)
        #expect(try await log(ground, ids(answer)[0]).map { $0.split(separator: " ")[0] } == ["dead"])
    }

    @Test func aStopLetsCallsFinishAndGivesLanesBack() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let gate = Gate()
        let catalog = ScriptedCatalog([ground.crmType]) { _ in
            await gate.wait()
            return ProviderOutcome(status: .ok)
        }
        _ = try await ground.accept(merchant, (0..<40).map { ground.event("c\($0)@example.test", to: integration, index: $0) })
        let run = DeliveryRun(ground, catalog)
        try await eventually("sixteen under way") { catalog.calls.count == 16 }
        let stopping = Task { await run.stop() }
        gate.open()
        await stopping.value
        let sent = catalog.calls.count
        #expect(try await ground.queued(merchant) == 40 - sent)
        #expect(try await ground.count("FROM crm.crm_sync_logs WHERE outcome = 'success'") == sent)
        #expect(try await ground.count("FROM crm.delivery_lanes WHERE owner IS NULL AND unclean_count = 0") == 1)
    }

    /// Whether a row is delivered whose sequence is lower than others that were read before it was committed. A second contact's retry,
    /// far in the future, keeps the lane with its owner, who therefore never starts from the beginning.
    @Test(arguments: [true, false])
    func aLateCommitIsDeliveredBecauseOfTheSweep(_ sweeps: Bool) async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let catalog = ScriptedCatalog([ground.crmType]) { _ in ProviderOutcome(status: .ok) }
        _ = try await ground.accept(merchant, [ground.event("held@example.test", to: integration)])
        _ = try await ground.superuser.run("UPDATE crm.deliveries SET not_before = now() + interval '1 hour'")
        let store = Unswept(ground.lanes, sweeps: sweeps)
        let late = UUID()
        let run = try await ground.superuser.transaction(as: nil) { transaction throws(StoreError) in
            _ = try await transaction.run(
                """
                INSERT INTO crm.deliveries (
                    merchant_id, lane_id, delivery_id, request_id, contact_key, kind, idem_key, payload, first_seen_at)
                SELECT merchant_id, lane_id, \(late), request_id, decode(repeat('ab', 16), 'hex'), kind, idem_key,
                    '{"contact": {"email": "late@example.test"}}', first_seen_at
                FROM crm.deliveries
                """)
            do {
                _ = try await ground.accept(merchant, [ground.event("early@example.test", to: integration)])
                let run = DeliveryRun(ground, catalog, lanes: store)
                try await eventually("the later row is delivered") { catalog.calls.contains { $0.contact == "early@example.test" } }
                return run
            } catch { throw error as? StoreError ?? .conflict }
        }
        let before = store.sweeps
        if sweeps {
            try await eventually("the late row is delivered") { catalog.calls.contains { $0.contact == "late@example.test" } }
        } else {
            try await eventually("many chances to find it") { store.sweeps >= before + 5 }
            #expect(!catalog.calls.contains { $0.contact == "late@example.test" })
        }
        await run.stop()
    }
}

/// Holds callers until it opens, or until their tasks are cancelled.
final class Gate: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }

    func wait() async {
        while !isOpen.withLock({ $0 }), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(2)) }
    }
}

/// A clock that a test sets forward.
final class Lateness: Sendable {
    private let amount = Mutex<Duration>(.zero)

    func grow(by more: Duration) { amount.withLock { $0 += more } }

    var clock: DeliveryClock {
        DeliveryClock(
            wall: DeliveryGround.clock, now: { ContinuousClock().now + self.amount.withLock { $0 } },
            sleep: { try await ContinuousClock().sleep(until: $0 - self.amount.withLock { $0 }) })
    }
}

/// What the store of connections does.
func disconnect(_ ground: DeliveryGround, _ merchant: MerchantID, _ integration: IntegrationID) async throws {
    try await ground.app.transaction(as: merchant) { transaction throws(StoreError) in
        _ = try await transaction.run(DeliveryStatements.takeAway(integration, merchant))
        _ = try await transaction.run("DELETE FROM crm.crm_integrations WHERE merchant_id = \(merchant)")
        _ = try await transaction.run(DeliveryStatements.cancelPending(of: integration, merchant, at: DeliveryGround.clock()))
    }
}

/// A store whose sweeps find nothing, unless they may.
final class Unswept: LaneStore {
    private let store: any LaneStore
    private let maySweep: Bool
    private let count = Mutex(0)
    private let isRefusing = Mutex(false)
    private let marked = Mutex(0)
    private let afterMark: @Sendable () -> Void

    init(_ store: any LaneStore, sweeps: Bool, afterMark: @escaping @Sendable () -> Void = {}) {
        self.store = store
        maySweep = sweeps
        self.afterMark = afterMark
    }

    var sweeps: Int { count.withLock { $0 } }
    var marks: Int { marked.withLock { $0 } }
    func refuseSweeps() { isRefusing.withLock { $0 = true } }

    func sweep(_ lane: Lane.Key, through: Int64, known: [Int64], limit: Int) async throws(StoreError) -> [QueuedDelivery] {
        count.withLock { $0 += 1 }
        if isRefusing.withLock({ $0 }) { throw .refused(sqlState: "XX000", constraint: nil) }
        return maySweep ? try await store.sweep(lane, through: through, known: known, limit: limit) : []
    }

    func scout(_ types: [CRMType], at now: Timestamp, limit: Int) async throws(StoreError) -> [Lane.Key] {
        try await store.scout(types, at: now, limit: limit)
    }
    func take(_ lanes: [Lane.Key], as owner: LaneOwner, lease: Duration) async throws(StoreError) -> [Lane] {
        try await store.take(lanes, as: owner, lease: lease)
    }
    func heartbeat(_ lanes: [LaneClaim], lease: Duration) async throws(StoreError) -> [HeldLane] {
        try await store.heartbeat(lanes, lease: lease)
    }
    func read(_ lane: Lane.Key, after: Int64, limit: Int) async throws(StoreError) -> [QueuedDelivery] {
        try await store.read(lane, after: after, limit: limit)
    }
    func mark(_ sequence: Int64, crashMarks: Int, under claim: LaneClaim) async throws(StoreError) -> Bool {
        defer {
            afterMark()
            marked.withLock { $0 += 1 }
        }
        return try await store.mark(sequence, crashMarks: crashMarks, under: claim)
    }
    func log(_ calls: [SyncLogEntry], of merchant: MerchantID) async throws(StoreError) {
        try await store.log(calls, of: merchant)
    }
    func settle(_ settlement: Settlement, lease: Duration) async throws(StoreError) -> Bool {
        try await store.settle(settlement, lease: lease)
    }
    func release(_ claim: LaneClaim, notBefore: Timestamp?) async throws(StoreError) {
        try await store.release(claim, notBefore: notBefore)
    }
}
