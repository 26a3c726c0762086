internal import CRMCore
internal import Logging

// What follows from the outcome of a call.
extension LaneRunner {
    func attempted(_ row: QueuedDelivery, _ outcome: ProviderOutcome?, _ version: Int64) {
        guard let outcome else {
            // Out of service between the search and the call: the row was not touched.
            window.putBack(row)
            return leave()
        }
        let now = clock.wall()
        if let isHealthy = outcome.healthSign {
            breaker.record(isFailure: !isHealthy, at: now, random: unitInterval(random))
        }
        if outcome.payload["credential_update"] != nil { connection = nil }
        let disposition = DeliveryDisposition(
            of: outcome, for: row, policy: configuration.retry, streak: state.unnamedWaits, random: unitInterval(random))
        if doubt == .trial, disposition != .credentialsRefused { doubt = .none }
        carryOut(disposition, row, outcome, version, now)
    }

    private func carryOut(
        _ disposition: DeliveryDisposition, _ row: QueuedDelivery, _ outcome: ProviderOutcome, _ version: Int64, _ now: Timestamp
    ) {
        switch disposition {
        case .done:
            state.unnamedWaits = 0
            note(.success, row, outcome, now)
            journal.finish(row.sequence)
            window.end(row.sequence)
            countClean()
        case .dead(let reason):
            note(.dead, row, outcome, now)
            end(row, reason, outcome, now)
            countClean()
        case .again(let next):
            note(.retrying, row, outcome, now)
            postpone(row, next, outcome, now)
        case .laneWaits(let pause, let isAmbiguous):
            note(.retrying, row, outcome, now)
            slowDown(pause, isNamed: outcome.retryAfter != nil, now)
            postpone(row, unchanged(row, isAmbiguous: isAmbiguous), outcome, now)
        case .kindWaits(let pause):
            note(.retrying, row, outcome, now)
            hold(row.kind, .permission, now + pause, "The CRM does not permit this operation.", now, version)
            postpone(row, unchanged(row, isAmbiguous: outcome.isAmbiguous), outcome, now)
        case .credentialsRefused:
            note(.retrying, row, outcome, now)
            postpone(row, unchanged(row, isAmbiguous: outcome.isAmbiguous), outcome, now)
            credentialsRefused(version, outcome)
        }
    }

    func validated(_ outcome: ProviderOutcome?) {
        guard let outcome else {
            doubt = .none
            return leave()
        }
        let now = clock.wall()
        let version = connection?.opened.integration.credentialVersion
        journal.note(
            call: SyncLogEntry(validation: outcome, in: lane, at: now, requestID: "delivery-\(lane.integration)", random: random),
            at: clock.now())
        // Sessions and tokens may be new: read them again.
        connection = nil
        switch outcome.status {
        case .invalidCredentials:
            doubt = .none
            if let version { refuse(version, outcome) }
        case .ok, .permissionDenied, .unsupported: doubt = .trial
        default:
            doubt = version.map(Doubt.suspected) ?? .none
            let pause = configuration.retry.vendorWait(asked: outcome.retryAfter, streak: state.unnamedWaits)
            state.unnamedWaits += 1
            hold(nil, .vendorWait, now + pause, "The CRM could not say whether the credentials still hold.", now)
        }
    }

    private func credentialsRefused(_ version: Int64, _ outcome: ProviderOutcome) {
        switch doubt {
        case .none:
            doubt = .suspected(version: version)
            // Somebody may have replaced them.
            connection = nil
        case .trial:
            doubt = .none
            refuse(version, outcome)
        case .suspected, .validating: break
        }
    }

    private func refuse(_ version: Int64, _ outcome: ProviderOutcome) {
        journal.refusedCredentials = RefusedCredentials(
            integration: lane.integration, version: version,
            reason: outcome.message.isEmpty
                ? "The CRM no longer accepts the credentials." : SyncLogEntry.storable(outcome.message, limit: 512),
            at: clock.wall())
        leave()
    }

    /// Calls that were in flight when the pause began are refused as well; they do not make it longer by guessing.
    private func slowDown(_ pause: Duration, isNamed: Bool, _ now: Timestamp) {
        let isKnown = state.wait(for: nil, credentialVersion: nil, at: now) != nil
        guard isNamed || !isKnown else { return }
        state.unnamedWaits = isNamed ? 0 : state.unnamedWaits + 1
        hold(nil, .vendorWait, now + pause, "The CRM asked for a pause.", now)
    }

    private func hold(
        _ kind: DeliveryKind?, _ reason: Waiting.Reason, _ until: Timestamp, _ detail: String, _ now: Timestamp, _ version: Int64? = nil
    ) {
        state.hold(
            LaneWait(kind: kind, waiting: Waiting(reason: reason, until: until, detail: detail), credentialVersion: version), at: now)
    }

    private func unchanged(_ row: QueuedDelivery, isAmbiguous: Bool) -> DeliveryDisposition.Again {
        DeliveryDisposition.Again(
            pause: .zero, attempts: row.attempts, backoff: row.backoff, isAmbiguous: row.isAmbiguous || isAmbiguous, crashMarks: 0)
    }

    private func postpone(_ row: QueuedDelivery, _ next: DeliveryDisposition.Again, _ outcome: ProviderOutcome, _ now: Timestamp) {
        var row = row
        row.attempts = next.attempts
        row.backoff = next.backoff
        row.crashMarks = next.crashMarks
        row.isAmbiguous = next.isAmbiguous
        row.notBefore = next.pause > .zero ? now + next.pause : nil
        window.putBack(row)
        journal.postpone(
            PostponedDelivery(
                sequence: row.sequence, attempts: row.attempts, backoff: row.backoff, crashMarks: row.crashMarks,
                isAmbiguous: row.isAmbiguous, notBefore: row.notBefore, errorCode: Self.code(of: outcome),
                errorDetail: SyncLogEntry.storable(outcome.message, limit: 2_048)))
    }

    private func note(_ result: SyncLogEntry.Outcome, _ row: QueuedDelivery, _ outcome: ProviderOutcome, _ now: Timestamp) {
        journal.note(call: SyncLogEntry(result, of: outcome, for: row, in: lane, at: now, random: random), at: clock.now())
    }

    private func end(_ row: QueuedDelivery, _ reason: DeadReason, _ outcome: ProviderOutcome, _ now: Timestamp) {
        journal.bury(
            DeadDelivery(
                sequence: row.sequence, attempts: row.attempts + 1, reason: reason, diedAt: now, errorCode: Self.code(of: outcome),
                errorDetail: SyncLogEntry.storable(outcome.message, limit: 2_048)))
        window.end(row.sequence)
    }

    /// Ends a delivery that is not sent any more.
    func bury(_ row: QueuedDelivery, _ reason: DeadReason, _ detail: String) {
        let now = clock.wall()
        journal.note(
            ending: SyncLogEntry(.dead, because: reason.rawValue, detail: detail, for: row, in: lane, at: now, random: random),
            at: clock.now())
        journal.bury(
            DeadDelivery(
                sequence: row.sequence, attempts: row.attempts, reason: reason, diedAt: now, errorCode: reason.rawValue,
                errorDetail: detail))
        window.end(row.sequence)
    }

    /// Nothing is connected any more: a long queue was left when somebody disconnected, or a request was accepted meanwhile.
    func cancelAll() {
        let now = clock.wall()
        for row in window.resting {
            journal.note(
                ending: SyncLogEntry(
                    .cancelled, because: "disconnected", detail: "The CRM is no longer connected.", for: row, in: lane, at: now,
                    random: random),
                at: clock.now())
            journal.finish(row.sequence)
            window.end(row.sequence)
        }
        // The next ones without a pause.
        mailbox.post(.work)
    }

    private func countClean() {
        guard isCautious else { return }
        cleanRows += 1
        guard cleanRows >= configuration.cleanRows else { return }
        isCautious = false
        journal.isProvenClean = true
    }

    private static func code(of outcome: ProviderOutcome) -> String {
        SyncLogEntry.storable(outcome.code.isEmpty ? outcome.status.name : outcome.code, limit: 128)
    }
}
