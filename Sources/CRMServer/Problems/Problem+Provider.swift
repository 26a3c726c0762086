internal import CRMCore

extension Problem {
    /// The answer to a call that waited for the CRM and did not get what it asked for. `nil`: it did.
    init?(_ outcome: ProviderOutcome, of type: CRMType, to operation: ProviderOperation) {
        // Nobody who waits for an answer is told to come back at once, or tomorrow.
        let pause = min(max(outcome.retryAfter ?? .seconds(5), .seconds(1)), .seconds(15 * 60))
        // A provider's message is for people and free of secrets by contract; the host's own sentence stands where there is none.
        func problem(_ code: ProblemCode, _ sentence: String) -> Problem {
            Problem(code, outcome.message.isEmpty ? sentence : outcome.message)
        }
        switch outcome.status {
        case .ok: return nil
        case .cancelled: self = problem(.crmUnavailable, "The call to \(type) was cancelled.").retry(after: pause)
        case .unsupported: self = problem(.unsupportedByProvider, "The provider of \(type) does not offer this.")
        case .invalidArgument: self = problem(.refusedByCRM, "\(type) refuses what was sent.")
        case .invalidCredentials: self = problem(.credentialsRejected, "\(type) refuses the credentials.")
        case .permissionDenied: self = problem(.permissionMissing, "The credentials for \(type) lack a permission.")
        // Credentials are neither a contact nor in conflict with one.
        case .notFound where operation == .validateCredentials, .conflict where operation == .validateCredentials:
            self = problem(.crmUnreachable, "\(type) did not answer as it should.")
        case .notFound: self = problem(.contactNotFound, "\(type) has no such contact.")
        case .conflict: self = problem(.crmConflict, "\(type) reports a conflict.")
        case .rateLimited: self = problem(.crmRateLimited, "\(type) asks for a pause.").retry(after: pause)
        case .upstream, .unavailable:
            let sentence = outcome.status == .upstream ? "\(type) did not answer as it should." : "\(type) cannot be reached now."
            self =
                outcome.retryAfter == nil
                ? problem(.crmUnreachable, sentence) : problem(.crmUnavailable, sentence).retry(after: pause)
        case .deadlineExceeded: self = problem(.crmTimeout, "\(type) did not answer in time.")
        case .blockedByPolicy: self = problem(.targetNotAllowed, "The address of \(type) is not one that its provider may reach.")
        case .providerCrashed: self = problem(.crmUnavailable, "The provider of \(type) ended unexpectedly.").retry(after: pause)
        case .internal: self = problem(.providerFailed, "The provider of \(type) failed.")
        }
        if !outcome.code.isEmpty { providerCode = outcome.code }
    }
}
