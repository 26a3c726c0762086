internal import CRMCore

/// What has happened in a lane and is not recorded yet.
struct LaneJournal {
    private var finished: [Int64] = []
    private var again: [Int64: PostponedDelivery] = [:]
    private var dead: [DeadDelivery] = []
    /// The rows of what was really called.
    private(set) var calls: [SyncLogEntry] = []
    /// The rows of what ended without a call.
    private var endings: [SyncLogEntry] = []
    var refusedCredentials: RefusedCredentials?
    var isProvenClean = false
    /// When the oldest of it was noted.
    private(set) var since: ContinuousClock.Instant?

    var count: Int { max(finished.count + again.count + dead.count, calls.count + endings.count) }

    mutating func note(call entry: SyncLogEntry, at now: ContinuousClock.Instant) {
        calls.append(entry)
        since = since ?? now
    }

    mutating func note(ending entry: SyncLogEntry, at now: ContinuousClock.Instant) {
        endings.append(entry)
        since = since ?? now
    }

    mutating func finish(_ sequence: Int64) {
        again[sequence] = nil
        finished.append(sequence)
    }

    mutating func postpone(_ delivery: PostponedDelivery) { again[delivery.sequence] = delivery }

    mutating func bury(_ delivery: DeadDelivery) {
        again[delivery.sequence] = nil
        dead.append(delivery)
    }

    func settlement(under claim: LaneClaim, _ state: LaneState) -> Settlement {
        Settlement(
            claim: claim, state: state, isProvenClean: isProvenClean, finished: finished,
            again: again.values.sorted { $0.sequence < $1.sequence }, dead: dead, log: calls + endings,
            refusedCredentials: refusedCredentials)
    }
}
