/// What becomes of a delivery after one attempt: the table of outcomes, in one place.
package enum DeliveryDisposition: Sendable, Hashable {
    case done
    /// Held back for a while; only its own contact waits with it.
    case again(Again)
    /// The whole lane pauses; the attempt does not count.
    case laneWaits(Duration, isAmbiguous: Bool)
    /// The CRM did not accept the credentials: one fresh login, then the connection needs new ones. The attempt does not count.
    case credentialsRefused
    /// This kind of operation rests; the attempt does not count.
    case kindWaits(Duration)
    case dead(DeadReason)

    /// The next attempt of a delivery.
    package struct Again: Sendable, Hashable {
        package var pause: Duration
        package var attempts: Int
        /// What earlier pauses after failures come to, this one included.
        package var backoff: Duration
        package var isAmbiguous: Bool
        package var crashMarks: Int

        package init(pause: Duration, attempts: Int, backoff: Duration, isAmbiguous: Bool, crashMarks: Int) {
            self.pause = pause
            self.attempts = attempts
            self.backoff = backoff
            self.isAmbiguous = isAmbiguous
            self.crashMarks = crashMarks
        }
    }

    /// `delivery` is as it was when the attempt began, `streak` how often in a row the lane was told to slow down but not for how long,
    /// `random` in 0..<1.
    package init(of outcome: ProviderOutcome, for delivery: QueuedDelivery, policy: RetryPolicy, streak: Int, random: Double) {
        let attempt = Attempt(delivery: delivery, policy: policy, random: random)
        self =
            switch outcome.status {
            case .ok: .done
            case .cancelled: .again(attempt.uncounted(isAmbiguous: outcome.isAmbiguous))
            case .rateLimited:
                .laneWaits(policy.vendorWait(asked: outcome.retryAfter, streak: streak), isAmbiguous: outcome.isAmbiguous)
            case .invalidCredentials: .credentialsRefused
            case .permissionDenied: .kindWaits(policy.permissionPause)
            case .unsupported, .invalidArgument, .notFound, .conflict, .blockedByPolicy:
                // What may have happened is not over: look before writing again.
                outcome.isAmbiguous ? attempt.failed(outcome, isAmbiguous: true) : .dead(DeadReason(refusal: outcome.status))
            case .upstream, .unavailable, .internal: attempt.failed(outcome, isAmbiguous: outcome.isAmbiguous)
            case .deadlineExceeded: attempt.failed(outcome, isAmbiguous: true)
            case .providerCrashed: attempt.crashed(outcome)
            }
    }
}

/// Why a delivery was given up.
package enum DeadReason: String, Sendable, CaseIterable {
    case unsupported
    case invalidArgument = "invalid_argument"
    case notFound = "not_found"
    case conflict
    case blockedByPolicy = "blocked_by_policy"
    /// Too many attempts over too long a time.
    case exhausted
    /// Too old, whatever it waited for.
    case expired
    /// Processes vanished while it was being sent.
    case crashSuspect = "crash_suspect"

    fileprivate init(refusal status: ProviderStatus) {
        self =
            switch status {
            case .unsupported: .unsupported
            case .notFound: .notFound
            case .conflict: .conflict
            case .blockedByPolicy: .blockedByPolicy
            default: .invalidArgument
            }
    }
}

extension ProviderOutcome {
    /// What an attempt says of the CRM's health: `nil` where it says nothing.
    package var healthSign: Bool? {
        switch status {
        case .upstream, .unavailable, .deadlineExceeded, .internal, .providerCrashed: false
        case .cancelled, .rateLimited: nil
        case .ok, .unsupported, .invalidArgument, .invalidCredentials, .permissionDenied, .notFound, .conflict, .blockedByPolicy: true
        }
    }
}

private struct Attempt {
    let delivery: QueuedDelivery
    let policy: RetryPolicy
    let random: Double

    /// A doubt stays until an attempt succeeds: a later refusal does not say that the first one was not carried out.
    func uncounted(isAmbiguous: Bool) -> DeliveryDisposition.Again {
        DeliveryDisposition.Again(
            pause: policy.pause(afterAttempts: 1, random: random), attempts: delivery.attempts, backoff: delivery.backoff,
            isAmbiguous: isAmbiguous || delivery.isAmbiguous, crashMarks: 0)
    }

    func failed(_ outcome: ProviderOutcome, isAmbiguous: Bool, crashMarks: Int = 0) -> DeliveryDisposition {
        let attempts = delivery.attempts + 1
        if policy.isExhausted(attempts: attempts, backoff: delivery.backoff) { return .dead(.exhausted) }
        var pause = policy.pause(afterAttempts: attempts, random: random)
        if let asked = outcome.retryAfter { pause = max(pause, policy.vendorWait(asked: asked, streak: 0)) }
        return .again(
            DeliveryDisposition.Again(
                pause: pause, attempts: attempts, backoff: delivery.backoff + pause, isAmbiguous: isAmbiguous || delivery.isAmbiguous,
                crashMarks: crashMarks))
    }

    func crashed(_ outcome: ProviderOutcome) -> DeliveryDisposition {
        let marks = delivery.crashMarks + 1
        return marks >= policy.maximumCrashMarks ? .dead(.crashSuspect) : failed(outcome, isAmbiguous: true, crashMarks: marks)
    }
}
