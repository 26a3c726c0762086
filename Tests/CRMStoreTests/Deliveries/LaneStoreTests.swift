import CRMCore
import CRMStore
import FoundationEssentials
import TestSupport
import Testing

@Suite(.serialized) struct LaneStoreTests {
    private let now = DeliveryGround.clock()
    private let lease: Duration = .seconds(15)

    /// A merchant with that many queued events of different contacts.
    private func lane(_ ground: DeliveryGround, rows: Int = 1) async throws -> Lane.Key {
        let (merchant, integration) = try await ground.connect()
        _ = try await ground.accept(merchant, (0..<rows).map { ground.event("c\($0)@example.test", to: integration, index: $0) })
        return Lane.Key(merchant: merchant, lane: LaneID(integration.uuid))
    }

    private func take(_ ground: DeliveryGround, _ key: Lane.Key, as owner: LaneOwner = LaneOwner(UUID())) async throws -> Lane? {
        try await ground.lanes.take([key], as: owner, lease: lease).first
    }

    private func endLease(_ ground: DeliveryGround, _ key: Lane.Key) async throws {
        _ = try await ground.superuser.run(
            "UPDATE crm.delivery_lanes SET lease_until = now() - interval '1 second' WHERE lane_id = \(key.lane)")
    }

    private func log(_ ground: DeliveryGround, _ row: QueuedDelivery, _ outcome: SyncLogEntry.Outcome = .success) -> SyncLogEntry {
        SyncLogEntry(
            id: LogID(UUID()), at: now, crmType: ground.crmType, integration: nil, operation: .event, outcome: outcome, status: "ok",
            code: "", detail: "", durationMilliseconds: 12, attempt: row.attempts + 1, delivery: row.id, requestID: row.requestID,
            providerVersion: "1.0", contact: String(repeating: "ab", count: 16), remoteID: "remote", httpStatus: 202,
            warnings: [["code": "w"]])
    }

    // MARK: Finding and taking

    @Test func theScoutFindsWhatIsWaitingForUs() async throws {
        let ground = try await DeliveryGround.prepare()
        let waiting = try await lane(ground, rows: 3)
        let taken = try await lane(ground)
        let paused = try await lane(ground)
        let refused = try await lane(ground)
        let resting = try await lane(ground)
        _ = try await lane(ground, rows: 0)
        _ = try await take(ground, taken)
        for (key, state) in [(paused, "paused"), (refused, "reauth_required")] {
            _ = try await ground.superuser.run("UPDATE crm.crm_integrations SET state = \(state) WHERE merchant_id = \(key.merchant)")
        }
        let held = try #require(try await take(ground, resting))
        try await ground.lanes.release(held.claim, notBefore: now + .seconds(60))

        #expect(try await ground.lanes.scout([ground.crmType], at: now, limit: 10) == [waiting])
        #expect(Set(try await ground.lanes.scout([ground.crmType], at: now + .seconds(61), limit: 10)) == [waiting, resting])
        #expect(try await ground.lanes.scout([], at: now, limit: 10) == [])
        #expect(try await ground.lanes.scout([try #require(CRMType("other"))], at: now, limit: 10) == [])
    }

    @Test func aTakenLaneIsTakenByNobodyElse() async throws {
        let ground = try await DeliveryGround.prepare()
        let key = try await lane(ground)
        let first = try #require(try await take(ground, key))
        #expect(first.claim.fence == 1)
        #expect(first.uncleanCount == 0)
        #expect(first.crmType == ground.crmType)
        #expect(try await take(ground, key) == nil)

        try await ground.lanes.release(first.claim, notBefore: nil)
        let second = try #require(try await take(ground, key))
        #expect(second.claim.fence == 2)
        #expect(second.uncleanCount == 0)

        try await endLease(ground, key)
        let third = try #require(try await take(ground, key))
        #expect(third.claim.fence == 3)
        #expect(third.uncleanCount == 1)
        // The late second owner cannot give away what is not his.
        try await ground.lanes.release(second.claim, notBefore: nil)
        #expect(try await take(ground, key) == nil)
    }

    @Test func aLaneThatWasToldToRestMeanwhileIsNotTaken() async throws {
        let ground = try await DeliveryGround.prepare()
        let key = try await lane(ground)
        let first = try #require(try await take(ground, key))
        try await ground.lanes.release(first.claim, notBefore: now + .seconds(60))
        #expect(try await take(ground, key) == nil)
        _ = try await ground.superuser.run("UPDATE crm.delivery_lanes SET not_before = now() - interval '1 second'")
        #expect(try await take(ground, key) != nil)
    }

    @Test func theScoutFindsWhatHasNoConnectionWhateverTheProvider() async throws {
        let ground = try await DeliveryGround.prepare()
        let key = try await lane(ground)
        _ = try await ground.superuser.run("DELETE FROM crm.crm_integrations")
        #expect(try await ground.lanes.scout([], at: now, limit: 10) == [key])
    }

    @Test func ofManyAtOnceOneTakesEachLane() async throws {
        let ground = try await DeliveryGround.prepare()
        var keys: [Lane.Key] = []
        for _ in 0..<10 { keys.append(try await lane(ground)) }
        let lanes = try await withThrowingTaskGroup(of: [Lane].self) { group in
            for _ in 0..<8 {
                group.addTask { [keys] in try await ground.lanes.take(keys.shuffled(), as: LaneOwner(UUID()), lease: .seconds(15)) }
            }
            return try await group.reduce(into: [Lane]()) { $0 += $1 }
        }
        #expect(lanes.count == 10)
        #expect(Set(lanes.map(\.key)) == Set(keys))
    }

    @Test func aHeartbeatTellsWhatIsStillOurs() async throws {
        let ground = try await DeliveryGround.prepare()
        let owner = LaneOwner(UUID())
        let kept = try #require(try await take(ground, try await lane(ground), as: owner))
        let lost = try #require(try await take(ground, try await lane(ground), as: owner))
        try await endLease(ground, lost.key)
        _ = try await ground.superuser.run(
            "UPDATE crm.crm_integrations SET cred_ver = 7, state = 'degraded', updated_at = '2026-11-01T10:00Z' WHERE merchant_id = \(kept.key.merchant)"
        )
        let held = try await ground.lanes.heartbeat([kept.claim, lost.claim], lease: lease)
        #expect(
            held == [
                HeldLane(key: kept.key, credentialVersion: 7, integrationState: .degraded, updatedAt: Timestamp(seconds: 1_793_527_200))
            ])

        _ = try await ground.superuser.run("DELETE FROM crm.crm_integrations WHERE merchant_id = \(kept.key.merchant)")
        let after = try await ground.lanes.heartbeat([kept.claim], lease: lease)
        #expect(after == [HeldLane(key: kept.key, credentialVersion: nil, integrationState: nil, updatedAt: nil)])
    }

    // MARK: Reading

    @Test func aReadEndsWithTheRowThatMakesItLarge() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let key = Lane.Key(merchant: merchant, lane: LaneID(integration.uuid))
        for index in 0..<12 {
            var item = ground.event("c\(index)@example.test", to: integration)
            item.payload["properties"] = ["text": .string(String(repeating: "x", count: 256 << 10))]
            _ = try await ground.accept(merchant, [item])
        }
        let first = try await ground.lanes.read(key, after: 0, limit: 200)
        #expect(first.count == 8)
        #expect(first.allSatisfy { $0.payloadBytes > 256 << 10 })
        let swept = try await ground.lanes.sweep(key, through: .max, known: first.map(\.sequence), limit: 200)
        #expect(swept.count == 4)
        let last = try #require(first.last?.sequence)
        #expect(try await ground.lanes.read(key, after: last, limit: 200) == swept)
    }

    @Test func aLateCommitIsFoundByTheSweepAndByNothingElse() async throws {
        let ground = try await DeliveryGround.prepare()
        let key = try await lane(ground)
        let first = try #require(try await ground.lanes.read(key, after: 0, limit: 10).first)
        let integration = IntegrationID(key.lane.uuid)
        let late = UUID()
        try await ground.superuser.transaction(as: nil) { transaction throws(StoreError) in
            // Its sequence is given out now, its commit comes last.
            _ = try await transaction.run(
                """
                INSERT INTO crm.deliveries (
                    merchant_id, lane_id, delivery_id, request_id, contact_key, kind, idem_key, payload, first_seen_at)
                SELECT merchant_id, lane_id, \(late), request_id, contact_key, kind, idem_key, payload, first_seen_at
                FROM crm.deliveries WHERE id = \(first.sequence)
                """)
            do {
                _ = try await ground.accept(key.merchant, [ground.event("new@example.test", to: integration)])
            } catch { throw error as? StoreError ?? .conflict }
        }
        let second = try await ground.lanes.read(key, after: first.sequence, limit: 10)
        let all = try await ground.lanes.read(key, after: 0, limit: 10).map(\.sequence)
        #expect(all.count == 3)

        // What a reader knows that had read to the end while the transaction was open.
        let newest = try #require(second.last?.sequence)
        #expect(try await ground.lanes.read(key, after: newest, limit: 10).isEmpty)
        let swept = try await ground.lanes.sweep(key, through: newest, known: [first.sequence, newest], limit: 10)
        #expect(swept.map(\.id.uuid) == [late])
    }

    // MARK: Recording

    @Test func aSettlementRecordsEverythingAtOnce() async throws {
        let ground = try await DeliveryGround.prepare()
        let key = try await lane(ground, rows: 4)
        let lane = try #require(try await take(ground, key))
        let rows = try await ground.lanes.read(key, after: 0, limit: 10)
        let state = LaneState(
            waits: [
                LaneWait(kind: nil, waiting: Waiting(reason: .vendorWait, until: now + .seconds(60), detail: "asked")),
                LaneWait(kind: .event, waiting: Waiting(reason: .permission, detail: "scope"), credentialVersion: 3),
            ], breaker: .init(until: now + .seconds(10), step: 2), unnamedWaits: 4)
        let settlement = Settlement(
            claim: lane.claim, state: state, finished: [rows[0].sequence],
            again: [
                PostponedDelivery(
                    sequence: rows[1].sequence, attempts: 2, backoff: .seconds(9), crashMarks: 1, isAmbiguous: true,
                    notBefore: now + .seconds(5), errorCode: "upstream", errorDetail: "500")
            ],
            dead: [
                DeadDelivery(
                    sequence: rows[2].sequence, attempts: 1, reason: .invalidArgument, diedAt: now, errorCode: "klaviyo.bad",
                    errorDetail: "no")
            ], log: [log(ground, rows[0]), log(ground, rows[1], .retrying), log(ground, rows[2], .dead)])
        // Twice: after an unknown outcome the same is done again.
        for _ in 0..<2 { #expect(try await ground.lanes.settle(settlement, lease: lease)) }

        let left = try await ground.lanes.read(key, after: 0, limit: 10)
        #expect(left.map(\.sequence) == [rows[1].sequence, rows[3].sequence])
        #expect(left[0].attempts == 2)
        #expect(left[0].backoff == .seconds(9))
        #expect(left[0].crashMarks == 1)
        #expect(left[0].isAmbiguous)
        #expect(left[0].notBefore == now + .seconds(5))
        #expect(try await ground.count("FROM crm.delivery_dead WHERE reason = 'invalid_argument' AND attempt = 1") == 1)
        #expect(try await ground.count("FROM crm.crm_sync_logs") == 3)

        let done = try #require(try await ground.deliveries.delivery(key.merchant, rows[0].id))
        #expect(done.state == .done)
        #expect(done.remoteID == "remote")
        #expect(done.warnings == [["code": "w"]])
        #expect(done.acceptedAt == rows[0].acceptedAt)
        let dead = try #require(try await ground.deliveries.delivery(key.merchant, rows[2].id))
        #expect(dead.state == .dead)
        #expect(dead.lastErrorCode == "klaviyo.bad")
        #expect(dead.finishedAt == now)

        try await ground.lanes.release(lane.claim, notBefore: nil)
        #expect(try await take(ground, key)?.state == state)
    }

    @Test(arguments: ["fence = fence + 1", "owner = gen_random_uuid()", "lease_until = now() - interval '1 second'"])
    func underAnotherClaimNothingChanges(_ change: String) async throws {
        let ground = try await DeliveryGround.prepare()
        let key = try await lane(ground, rows: 3)
        let lane = try #require(try await take(ground, key))
        let rows = try await ground.lanes.read(key, after: 0, limit: 10)
        _ = try await ground.superuser.run(Statement("UPDATE crm.delivery_lanes SET \(change)", []))
        let settlement = Settlement(
            claim: lane.claim, state: LaneState(unnamedWaits: 9), finished: [rows[0].sequence],
            again: [
                PostponedDelivery(
                    sequence: rows[1].sequence, attempts: 5, backoff: .zero, crashMarks: 0, isAmbiguous: true, notBefore: nil,
                    errorCode: "x", errorDetail: "")
            ],
            dead: [
                DeadDelivery(sequence: rows[2].sequence, attempts: 1, reason: .conflict, diedAt: now, errorCode: "x", errorDetail: "")
            ], log: [log(ground, rows[0])],
            refusedCredentials: RefusedCredentials(integration: lane.integration, version: 1, reason: "x", at: now))
        #expect(try await !ground.lanes.settle(settlement, lease: lease))
        #expect(try await !ground.lanes.mark(rows[0].sequence, crashMarks: 1, under: lane.claim))
        #expect(try await ground.lanes.read(key, after: 0, limit: 10) == rows)
        #expect(try await ground.count("FROM crm.crm_sync_logs") == 0)
        #expect(try await ground.count("FROM crm.delivery_dead") == 0)
        #expect(try await ground.count("FROM crm.delivery_lanes WHERE unnamed_waits <> 0") == 0)
        #expect(try await ground.count("FROM crm.crm_integrations WHERE state <> 'active'") == 0)
    }

    @Test func marksAreCommittedBeforeTheCall() async throws {
        let ground = try await DeliveryGround.prepare()
        let key = try await lane(ground)
        let lane = try #require(try await take(ground, key))
        let row = try #require(try await ground.lanes.read(key, after: 0, limit: 1).first)
        #expect(try await ground.lanes.mark(row.sequence, crashMarks: 2, under: lane.claim))
        #expect(try await ground.lanes.read(key, after: 0, limit: 1).first?.crashMarks == 2)
    }

    @Test func refusedCredentialsStopTheConnectionUnlessTheyWereReplaced() async throws {
        let ground = try await DeliveryGround.prepare()
        let key = try await lane(ground)
        let lane = try #require(try await take(ground, key))
        let row = try #require(try await ground.lanes.read(key, after: 0, limit: 1).first)
        func settle(version: Int64) async throws {
            let refusal = RefusedCredentials(integration: lane.integration, version: version, reason: "key revoked", at: now)
            _ = try await ground.lanes.settle(
                Settlement(claim: lane.claim, state: LaneState(), refusedCredentials: refusal), lease: lease)
        }
        _ = try await ground.superuser.run("UPDATE crm.crm_integrations SET cred_ver = 2")
        try await settle(version: 1)
        #expect(try await ground.deliveries.delivery(key.merchant, row.id)?.state == .queued)
        try await settle(version: 2)
        let waiting = try #require(try await ground.deliveries.delivery(key.merchant, row.id))
        #expect(waiting.state == .waiting)
        #expect(waiting.waiting == Waiting(reason: .reauth, detail: "key revoked"))
    }

    // MARK: What connections need

    @Test func disconnectingCancelsWhatIsPendingAndTakesTheLaneAway() async throws {
        let ground = try await DeliveryGround.prepare()
        let key = try await lane(ground, rows: 3)
        let other = try await lane(ground)
        let lane = try #require(try await take(ground, key))
        let rows = try await ground.lanes.read(key, after: 0, limit: 10)
        _ = try await ground.app.run(DeliveryStatements.takeAway(lane.integration, key.merchant), as: key.merchant)
        let cancelled = try await ground.app.run(
            DeliveryStatements.cancelPending(of: lane.integration, key.merchant, at: now), as: key.merchant)
        #expect(try cancelled.first?.int("cancelled") == 3)
        #expect(try await ground.queued(key.merchant) == 0)
        #expect(try await ground.queued(other.merchant) == 1)
        let delivery = try #require(try await ground.deliveries.delivery(key.merchant, rows[1].id))
        #expect(delivery.state == .cancelled)
        #expect(delivery.lastErrorCode == "disconnected")
        #expect(delivery.requestID == rows[1].requestID)
        #expect(try await !ground.lanes.settle(Settlement(claim: lane.claim, state: LaneState()), lease: lease))
        // It had reached the CRM all the same. Twice: its fate may be unknown.
        let call = log(ground, rows[1])
        for _ in 0..<2 { try await ground.lanes.log([call], of: key.merchant) }
        let done = try #require(try await ground.deliveries.delivery(key.merchant, rows[1].id))
        #expect(done.state == .done)
        #expect(done.attempts == 1)
        #expect(try await ground.count("FROM crm.crm_sync_logs WHERE outcome = 'success'") == 1)
    }

    @Test func aSummaryCountsAndSaysWhatIsWaitedFor() async throws {
        let ground = try await DeliveryGround.prepare()
        let key = try await lane(ground, rows: 3)
        let lane = try #require(try await take(ground, key))
        let rows = try await ground.lanes.read(key, after: 0, limit: 10)
        let wait = Waiting(reason: .vendorWait, until: now + .seconds(60), detail: "asked")
        _ = try await ground.lanes.settle(
            Settlement(
                claim: lane.claim, state: LaneState(waits: [LaneWait(kind: nil, waiting: wait)]),
                dead: [
                    DeadDelivery(sequence: rows[0].sequence, attempts: 1, reason: .conflict, diedAt: now, errorCode: "x", errorDetail: "")
                ]), lease: lease)
        let integration = Integration(
            id: lane.integration, merchant: key.merchant, crmType: ground.crmType, label: nil, state: .active, stateReason: nil,
            account: [:], settings: [:], credentialFingerprint: "0123456789abcdef", credentialVersion: 1, connectedAt: now, updatedAt: now,
            lastValidatedAt: nil)
        let answer = try await ground.app.run(DeliveryStatements.summary(of: lane.integration, key.merchant), as: key.merchant)
        let summary = try DeliveryStatements.summary(try #require(answer.first), of: integration, at: now)
        #expect(summary.pending == 2)
        #expect(summary.dead == 1)
        #expect(summary.waiting == wait)

        let (merchant, unused) = try await ground.connect()
        let nothing = try await ground.app.run(DeliveryStatements.summary(of: unused, merchant), as: merchant)
        let none = try DeliveryStatements.summary(try #require(nothing.first), of: integration, at: now)
        #expect(none == (0, 0, nil))
    }

    @Test func anOlderDeliveryOfTheSameContactIsWhatTheNextWaitsFor() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let answer = try await ground.accept(
            merchant, (0..<3).map { ground.event($0 == 2 ? "bob@example.test" : "ada@example.test", to: integration, index: $0) })
        guard case .accepted(_, let deliveries) = answer else {
            Issue.record("refused: \(answer)")
            return
        }
        var reasons: [Waiting.Reason?] = []
        for delivery in deliveries { reasons.append(try await ground.deliveries.delivery(merchant, delivery.id)?.waiting?.reason) }
        #expect(reasons == [nil, .order, nil])
    }
}
