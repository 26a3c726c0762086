import CRMCore
import Testing

@Suite struct DispositionTests {
    private let policy = RetryPolicy()

    private func disposition(
        _ status: ProviderStatus, of delivery: QueuedDelivery = .made(), retryAfter: Duration? = nil, isAmbiguous: Bool = false,
        streak: Int = 0, random: Double = 0.5
    ) -> DeliveryDisposition {
        DeliveryDisposition(
            of: ProviderOutcome(status: status, retryAfter: retryAfter, isAmbiguous: isAmbiguous), for: delivery, policy: policy,
            streak: streak, random: random)
    }

    @Test func success() { #expect(disposition(.ok) == .done) }

    @Test(arguments: [
        (ProviderStatus.unsupported, DeadReason.unsupported), (.invalidArgument, .invalidArgument), (.notFound, .notFound),
        (.conflict, .conflict), (.blockedByPolicy, .blockedByPolicy),
    ])
    func refusalsAreFinal(_ status: ProviderStatus, _ reason: DeadReason) {
        #expect(disposition(status) == .dead(reason))
    }

    @Test(arguments: [ProviderStatus.upstream, .unavailable, .internal])
    func failuresBackOff(_ status: ProviderStatus) {
        let next = DeliveryDisposition.Again(
            pause: .seconds(3), attempts: 2, backoff: .seconds(13), isAmbiguous: false, crashMarks: 0)
        #expect(disposition(status, of: .made(attempts: 1, backoff: .seconds(10))) == .again(next))
    }

    @Test func timeoutsMayHaveHappened() {
        let next = DeliveryDisposition.Again(
            pause: .seconds(1), attempts: 1, backoff: .seconds(1), isAmbiguous: true, crashMarks: 0)
        #expect(disposition(.deadlineExceeded) == .again(next))
    }

    @Test(arguments: [ProviderStatus.invalidArgument, .conflict, .notFound, .upstream])
    func whatMayHaveHappenedIsTriedAgain(_ status: ProviderStatus) {
        guard case .again(let next) = disposition(status, isAmbiguous: true) else {
            Issue.record("\(status) ended a delivery that may have happened")
            return
        }
        #expect(next.isAmbiguous)
        #expect(next.attempts == 1)
    }

    @Test func doubtStaysUntilSuccess() {
        guard case .again(let next) = disposition(.upstream, of: .made(isAmbiguous: true)) else {
            Issue.record("not tried again")
            return
        }
        #expect(next.isAmbiguous)
    }

    @Test func cancellationBurnsNoAttempt() {
        guard case .again(let next) = disposition(.cancelled, of: .made(attempts: 4, backoff: .seconds(9))) else {
            Issue.record("not tried again")
            return
        }
        #expect(next.attempts == 4)
        #expect(next.backoff == .seconds(9))
    }

    @Test func pausesAsTheCRMAsks() {
        #expect(disposition(.rateLimited, retryAfter: .seconds(42)) == .laneWaits(.seconds(42), isAmbiguous: false))
        #expect(disposition(.rateLimited, retryAfter: .milliseconds(2)) == .laneWaits(.seconds(1), isAmbiguous: false))
        #expect(disposition(.rateLimited, retryAfter: .seconds(86_400)) == .laneWaits(.seconds(900), isAmbiguous: false))
    }

    @Test func pausesLongerEachTimeWhenTheCRMDoesNotSay() {
        #expect(disposition(.rateLimited) == .laneWaits(.seconds(10), isAmbiguous: false))
        #expect(disposition(.rateLimited, streak: 3) == .laneWaits(.seconds(80), isAmbiguous: false))
        #expect(disposition(.rateLimited, streak: 60) == .laneWaits(.seconds(900), isAmbiguous: false))
    }

    @Test func unavailabilityWithATimeWaitsAtLeastThatLong() {
        guard case .again(let next) = disposition(.unavailable, retryAfter: .seconds(120), random: 0) else {
            Issue.record("not tried again")
            return
        }
        #expect(next.pause == .seconds(120))
    }

    @Test func authorisation() {
        #expect(disposition(.invalidCredentials) == .credentialsRefused)
        #expect(disposition(.permissionDenied) == .kindWaits(.seconds(900)))
    }

    @Test func thirdCrashIsTheLast() {
        guard case .again(let next) = disposition(.providerCrashed, of: .made(crashMarks: 1)) else {
            Issue.record("not tried again")
            return
        }
        #expect(next.crashMarks == 2)
        #expect(next.isAmbiguous)
        #expect(disposition(.providerCrashed, of: .made(crashMarks: 2)) == .dead(.crashSuspect))
    }

    @Test func givesUpAfterManyAttemptsAndALongTime() {
        let long: Duration = .seconds(72 * 3_600)
        #expect(disposition(.upstream, of: .made(attempts: 19, backoff: long)) == .dead(.exhausted))
        for (attempts, backoff) in [(18, long), (40, long - .seconds(1))] {
            guard case .again = disposition(.upstream, of: .made(attempts: attempts, backoff: backoff)) else {
                Issue.record("given up after \(attempts) attempts and \(backoff)")
                return
            }
        }
    }

    @Test func everyStatusHasItsSignOfHealth() {
        let failing = ProviderStatus.allCases.filter { ProviderOutcome(status: $0).healthSign == false }
        let silent = ProviderStatus.allCases.filter { ProviderOutcome(status: $0).healthSign == nil }
        #expect(failing == [.upstream, .unavailable, .deadlineExceeded, .internal, .providerCrashed])
        #expect(silent == [.cancelled, .rateLimited])
    }
}
