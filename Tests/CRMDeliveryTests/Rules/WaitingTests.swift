import CRMCore
import Testing

@Suite struct WaitingTests {
    private let now = Timestamp(seconds: 1_000)
    private let vendor = LaneWait(
        kind: nil, waiting: Waiting(reason: .vendorWait, until: Timestamp(seconds: 1_060), detail: "asked"))
    private let permission = LaneWait(
        kind: .event, waiting: Waiting(reason: .permission, until: Timestamp(seconds: 2_000), detail: "scope"), credentialVersion: 3)

    private func situation(
        _ kind: DeliveryKind? = .event, state: IntegrationState? = .active, version: Int64 = 3, lane: LaneState = LaneState(),
        notBefore: Timestamp? = nil, older: Bool = false
    ) -> Waiting.Reason? {
        DeliverySituation(
            kind: kind, integrationState: state, integrationReason: nil, credentialVersion: version, lane: lane, notBefore: notBefore,
            hasOlderOfSameContact: older
        ).waiting(at: now)?.reason
    }

    @Test func whatAPersonMustEndComesFirst() {
        let lane = LaneState(waits: [vendor, permission], breaker: .init(until: Timestamp(seconds: 1_100), step: 1))
        #expect(situation(state: .paused, lane: lane, older: true) == .paused)
        #expect(situation(state: .reauthRequired, lane: lane, older: true) == .reauth)
        #expect(situation(lane: lane, older: true) == .permission)
        #expect(situation(.contact, lane: lane, older: true) == .vendorWait)
        // The connection as a whole.
        #expect(situation(nil, lane: lane) == .permission)
        #expect(situation(nil, version: 4, lane: lane) == .vendorWait)
    }

    @Test func breakerThenOrderThenRetry() {
        let open = LaneState(breaker: .init(until: Timestamp(seconds: 1_100), step: 1))
        let later = Timestamp(seconds: 1_010)
        #expect(situation(lane: open, notBefore: later, older: true) == .breaker)
        #expect(situation(notBefore: later, older: true) == .order)
        #expect(situation(notBefore: later) == .retry)
        #expect(situation(notBefore: now) == nil)
    }

    @Test func whatIsOverHoldsNobody() {
        let lane = LaneState(
            waits: [LaneWait(kind: nil, waiting: Waiting(reason: .vendorWait, until: now, detail: ""))], breaker: .init(until: now, step: 1)
        )
        #expect(situation(lane: lane) == nil)
    }

    @Test func newCredentialsEndAMissingPermission() {
        let lane = LaneState(waits: [permission])
        #expect(situation(version: 3, lane: lane) == .permission)
        #expect(situation(version: 4, lane: lane) == nil)
        #expect(situation(.contact, version: 3, lane: lane) == nil)
    }

    @Test func theLongerWaitStays() {
        var lane = LaneState(waits: [vendor])
        lane.hold(LaneWait(kind: nil, waiting: Waiting(reason: .vendorWait, until: Timestamp(seconds: 1_030), detail: "")), at: now)
        #expect(lane.waits == [vendor])
        let longer = LaneWait(kind: nil, waiting: Waiting(reason: .vendorWait, until: Timestamp(seconds: 1_090), detail: ""))
        lane.hold(longer, at: now)
        #expect(lane.waits == [longer])
        lane.hold(permission, at: Timestamp(seconds: 1_500))
        #expect(lane.waits == [permission])
    }
}
