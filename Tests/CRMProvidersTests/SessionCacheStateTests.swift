import CRMCore
import CRMProviders
import Synchronization
import Testing

@Suite("The decisions of the session cache")
struct SessionCacheStateTests {
    private func key(_ name: String) -> SessionCacheState.Key {
        SessionCacheState.Key(crmType: fixtureType, account: "a", credentials: [1], name: Array(name.utf8))
    }

    private func text(_ answer: SessionCacheState.Answer?) -> String {
        switch answer {
        case .found(let value): "found " + value.withBytes { String(decoding: $0, as: UTF8.self) }
        case .missing: "missing"
        case .make(let ticket): "make \(ticket)"
        case .cancelled: "cancelled"
        case nil: "waits"
        }
    }

    private func ask(_ state: inout SessionCacheState, _ name: String, _ operation: UInt64, now: Int64 = 0) -> String {
        text(state.acquire(key(name), operation: operation, onlyLook: false, now: now) { _ in }?.answer)
    }

    private func put(_ state: inout SessionCacheState, _ ticket: UInt64, _ value: String, life: Int64 = 100, now: Int64 = 0) -> [String] {
        state.put(ticket: ticket, value: Secret(value), life: life, now: now) { _ in true }.map { text($0.answer) }
    }

    @Test func aFlightEndsForAll() {
        var state = SessionCacheState()
        #expect(ask(&state, "k", 1) == "make 1")
        #expect(ask(&state, "k", 2) == "waits")
        #expect(ask(&state, "k", 3) == "waits")
        #expect(ask(&state, "other", 2) == "make 2")
        #expect(put(&state, 1, "v") == ["found v", "found v"])
        #expect(put(&state, 1, "again").isEmpty)
        #expect(ask(&state, "k", 4, now: 99) == "found v")
        #expect(ask(&state, "k", 4, now: 100) == "make 3")
        #expect(state.flightCount == 2)
    }

    @Test func aTicketPassesOnWithItsWaiters() {
        var state = SessionCacheState()
        #expect(ask(&state, "k", 1) == "make 1")
        for operation: UInt64 in 2...4 { #expect(ask(&state, "k", operation) == "waits") }
        #expect(state.giveUp(ticket: 1) { _ in true }.map { text($0.answer) } == ["make 2"])
        #expect(state.cancel(operation: 3).map { text($0.answer) } == ["cancelled"])
        #expect(state.cancel(operation: 3).isEmpty)
        // Asked to end, the maker may still put.
        #expect(state.cancel(operation: 2).isEmpty)
        #expect(state.end(operation: 2).map { text($0.answer) } == ["make 3"])
        #expect(put(&state, 2, "late").isEmpty)
        #expect(put(&state, 3, "v").isEmpty)
        #expect(ask(&state, "k", 9) == "found v")
        #expect(state.flightCount == 0)
    }

    @Test func onlyTheHolderMayUseATicket() {
        var state = SessionCacheState()
        #expect(ask(&state, "k", 7) == "make 1")
        #expect(state.put(ticket: 1, value: Secret("x"), life: 10, now: 0) { $0 == 8 }.isEmpty)
        #expect(state.giveUp(ticket: 1) { $0 == 8 }.isEmpty)
        #expect(ask(&state, "k", 9) == "waits")
        #expect(put(&state, 1, "v") == ["found v"])
    }

    @Test func noOperationWaitsForItself() {
        var state = SessionCacheState()
        #expect(ask(&state, "k", 1) == "make 1")
        #expect(ask(&state, "k", 3) == "waits")
        #expect(ask(&state, "k", 1) == "make 1")
        #expect(put(&state, 1, "v", life: 0) == ["found v"])
        #expect(put(&state, 1, "again").isEmpty)
        #expect(state.end(operation: 1).isEmpty)
        #expect(state.flightCount == 0)
        #expect(ask(&state, "k", 2) == "make 2")
    }

    @Test func theLeastRecentlyUsedGoesFirst() {
        var limits = SessionCacheState.Limits()
        limits.entries = 3
        var state = SessionCacheState(limits: limits)
        for (number, name) in ["a", "b", "c"].enumerated() {
            #expect(ask(&state, name, 1) == "make \(number + 1)")
            _ = put(&state, UInt64(number + 1), name)
        }
        #expect(ask(&state, "a", 1) == "found a")
        #expect(ask(&state, "d", 1) == "make 4")
        _ = put(&state, 4, "d")
        #expect(state.count == 3)
        #expect(["a", "c", "d"].map { ask(&state, $0, 1) } == ["found a", "found c", "found d"])
        #expect(ask(&state, "b", 1) == "make 5")
    }

    @Test func memoryIsBounded() {
        var limits = SessionCacheState.Limits()
        limits.bytes = 100_000
        var state = SessionCacheState(limits: limits)
        for number in 1...1_000 {
            #expect(ask(&state, "\(number)", 1) == "make \(number)")
            _ = put(&state, UInt64(number), String(repeating: "v", count: 1_000))
            #expect(state.bytes <= 100_000)
            // Uses alone must not pile up either.
            for _ in 0..<20 { #expect(ask(&state, "\(number)", 1).hasPrefix("found")) }
        }
        #expect(state.count > 50)
        #expect(state.removeExpired(now: 99) == 100)
        #expect(state.removeExpired(now: 100) == nil)
        #expect(state.count == 0 && state.bytes == 0)
    }

    @Test func tooLongAValueIsHandedOnAndNotKept() {
        var state = SessionCacheState()
        let long = String(repeating: "v", count: 65_537)
        #expect(ask(&state, "k", 1) == "make 1")
        #expect(ask(&state, "k", 2) == "waits")
        #expect(put(&state, 1, long) == ["found \(long)"])
        #expect(state.count == 0)
    }

    @Test func aLifeHasAnEnd() {
        var state = SessionCacheState()
        #expect(ask(&state, "k", 1) == "make 1")
        _ = put(&state, 1, "v", life: .max, now: 5)
        let next = state.removeExpired(now: 0)
        #expect(next == Int64(86_400_000_000_005))
        #expect(ask(&state, "j", 1) == "make 2")
        _ = put(&state, 2, "v", life: 0)
        #expect(state.count == 1)
    }
}
