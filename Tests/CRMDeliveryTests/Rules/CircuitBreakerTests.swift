import CRMCore
import Testing

@Suite struct CircuitBreakerTests {
    private func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_000 + seconds) }

    @Test func opensAfterFiveFailuresInARow() {
        var breaker = CircuitBreaker()
        for second in 0..<4 { breaker.record(isFailure: true, at: at(Int64(second)), random: 0.5) }
        #expect(breaker.admission(at: at(4)) == .any)
        breaker.record(isFailure: true, at: at(4), random: 0.5)
        #expect(breaker.admission(at: at(5)) == .none(until: at(14)))
        #expect(breaker.admission(at: at(14)) == .probe)
    }

    @Test func aSuccessBetweenKeepsItClosed() {
        var breaker = CircuitBreaker()
        for second in 0..<40 { breaker.record(isFailure: second % 5 != 4 && second % 2 == 0, at: at(Int64(second)), random: 0.5) }
        #expect(breaker.admission(at: at(40)) == .any)
    }

    @Test func opensWhenHalfOfTwentyFailWithinThirtySeconds() {
        var quick = CircuitBreaker()
        for call in 0..<20 { quick.record(isFailure: call % 2 == 0, at: at(Int64(call)), random: 0.5) }
        #expect(quick.opening != nil)
        var slow = CircuitBreaker()
        for call in 0..<20 { slow.record(isFailure: call % 2 == 0, at: at(Int64(call) * 2), random: 0.5) }
        #expect(slow.opening == nil)
    }

    @Test func aFailedProbeDoublesThePause() {
        var breaker = CircuitBreaker(opening: .init(until: at(0), step: 1))
        breaker.record(isFailure: true, at: at(0), random: 0.5)
        #expect(breaker.opening == .init(until: at(20), step: 2))
        breaker.record(isFailure: true, at: at(20), random: 0.5)
        #expect(breaker.opening == .init(until: at(60), step: 3))
        var late = CircuitBreaker(opening: .init(until: at(0), step: 50))
        late.record(isFailure: true, at: at(0), random: 0.5)
        #expect(late.opening?.until == at(300))
    }

    @Test func aGoodProbeCloses() {
        var breaker = CircuitBreaker(opening: .init(until: at(0), step: 4))
        breaker.record(isFailure: false, at: at(1), random: 0.5)
        #expect(breaker.admission(at: at(1)) == .any)
        #expect(breaker.opening == nil)
    }

    @Test func stragglersChangeNothing() {
        let open = CircuitBreaker(opening: .init(until: at(10), step: 1))
        for isFailure in [true, false] {
            var breaker = open
            breaker.record(isFailure: isFailure, at: at(3), random: 0.5)
            #expect(breaker == open)
        }
    }

    @Test func pausesSpreadByAFifth() {
        for (random, seconds) in [(0.0, 8.0), (1.0, 12.0)] {
            var breaker = CircuitBreaker()
            for _ in 0..<5 { breaker.record(isFailure: true, at: at(0), random: random) }
            #expect(breaker.opening?.until == at(0) + .microseconds(Int64(seconds * 1_000_000)))
        }
    }
}
