import CRMCore
import Testing

@Suite struct RetryPolicyTests {
    private let policy = RetryPolicy()

    @Test func ceilingTriplesUpToAnHour() {
        let ceilings = (1...9).map { policy.pause(afterAttempts: $0, random: 1) }
        #expect(ceilings == [2, 6, 18, 54, 162, 486, 1_458, 3_600, 3_600].map { Duration.seconds($0) })
        #expect(policy.pause(afterAttempts: 10_000, random: 1) == .seconds(3_600))
    }

    @Test func jitterIsFull() {
        #expect(policy.pause(afterAttempts: 4, random: 0) == .zero)
        #expect(policy.pause(afterAttempts: 4, random: 0.5) == .seconds(27))
    }

    @Test func expiresAfterFourteenDays() {
        let accepted = Timestamp(seconds: 1_000_000)
        #expect(!policy.isExpired(acceptedAt: accepted, now: accepted + .seconds(14 * 86_400 - 1)))
        #expect(policy.isExpired(acceptedAt: accepted, now: accepted + .seconds(14 * 86_400)))
    }

    @Test func unitIntervalIsHalfOpen() {
        #expect(unitInterval { Array(repeating: 0, count: $0) } == 0)
        let greatest = unitInterval { Array(repeating: 255, count: $0) }
        #expect(greatest < 1)
        #expect(greatest > 0.999_999)
    }
}
