import CRMCore
import CRMDelivery
import Testing

@Suite struct LaneWindowTests {
    private let now = Timestamp(seconds: 1_000)

    private func window(_ rows: [QueuedDelivery]) -> LaneWindow {
        var window = LaneWindow()
        window.insert(rows)
        return window
    }

    private func sendable(_ window: LaneWindow, resting: Set<DeliveryKind> = []) -> [Int64] {
        window.sendable(10, at: now, resting: resting).map(\.sequence)
    }

    @Test func oneOfEachContactOldestFirst() {
        let window = window([.made(1, contact: 1), .made(2, contact: 1), .made(3, contact: 2), .made(4, contact: 2)])
        #expect(sendable(window) == [1, 3])
        #expect(window.sendable(1, at: now, resting: []).map(\.sequence) == [1])
    }

    @Test func theNextOfAContactFollowsTheOutcomeOfTheFirst() {
        var window = window([.made(1), .made(2)])
        window.begin(.made(1))
        #expect(sendable(window) == [])
        window.end(1)
        #expect(sendable(window) == [2])
    }

    @Test func aRetryHoldsBackItsContactOnly() {
        let later = Timestamp(seconds: 1_050)
        let window = window([.made(1, notBefore: later), .made(2), .made(3, contact: 2)])
        #expect(sendable(window) == [3])
        #expect(window.nextDue(after: now, resting: []) == later)
        #expect(window.sendable(10, at: later, resting: []).map(\.sequence) == [1, 3])
    }

    @Test func aRestingKindHoldsNobodyBack() {
        let window = window([.made(1, kind: .contact), .made(2, kind: .event)])
        #expect(sendable(window, resting: [.contact]) == [2])
    }

    @Test func onePersonUnderTwoNamesIsOneContact() {
        let both: JSONObject = ["contact": ["email": "ada@example.test", "external_id": "7"]]
        let window = window([
            .made(1, contact: 1, payload: both), .made(2, contact: 2, payload: ["contact": ["email": "ADA@example.test"]]),
            .made(3, contact: 3, kind: .contact, payload: ["external_id": "7"]), .made(4, contact: 4, payload: ["contact": ["email": "7"]]),
        ])
        #expect(sendable(window) == [1, 4])
    }

    @Test func whoWaitsHoldsBackThoseWhoShareAnotherNameWithHim() {
        var window = window([
            .made(1, contact: 1, payload: ["contact": ["email": "ada@example.test"]]),
            .made(2, contact: 2, payload: ["contact": ["email": "ada@example.test", "external_id": "7"]]),
            .made(3, contact: 3, payload: ["contact": ["external_id": "7"]]),
        ])
        window.begin(.made(1, payload: ["contact": ["email": "ada@example.test"]]))
        #expect(sendable(window) == [])
        window.end(1)
        #expect(sendable(window) == [2])
    }

    @Test func whatComesLateTakesItsPlace() {
        var window = window([.made(5), .made(6, contact: 2)])
        window.insert([.made(3), .made(5)])
        #expect(window.count == 3)
        #expect(sendable(window) == [3, 6])
        #expect(window.seen == 6)
    }

    @Test func whatEndedIsKnownUntilItIsSettled() {
        var window = window([.made(1), .made(2, contact: 2)])
        window.begin(.made(1))
        window.end(1)
        #expect(Set(window.known) == [1, 2])
        window.settled()
        #expect(window.known == [2])
    }
}
