/// What the owner of a lane has to record: outcomes of some deliveries with their log rows, and the lane's own state.
package struct Settlement: Sendable, Hashable {
    package var claim: LaneClaim
    package var state: LaneState
    /// Nothing suspicious is left in the lane.
    package var isProvenClean: Bool
    /// Sequences that end: delivered, or cancelled because nothing is connected.
    package var finished: [Int64]
    package var again: [PostponedDelivery]
    package var dead: [DeadDelivery]
    package var log: [SyncLogEntry]
    /// The credentials of this version were refused: the connection needs new ones, unless it has them by now.
    package var refusedCredentials: RefusedCredentials?

    package init(
        claim: LaneClaim, state: LaneState, isProvenClean: Bool = false, finished: [Int64] = [], again: [PostponedDelivery] = [],
        dead: [DeadDelivery] = [], log: [SyncLogEntry] = [], refusedCredentials: RefusedCredentials? = nil
    ) {
        self.claim = claim
        self.state = state
        self.isProvenClean = isProvenClean
        self.finished = finished
        self.again = again
        self.dead = dead
        self.log = log
        self.refusedCredentials = refusedCredentials
    }

    /// The same without what providers said freely: when the database refuses a text, what happened is recorded all the same.
    package var withoutTexts: Settlement {
        var settlement = self
        settlement.log = log.map(\.withoutTexts)
        return settlement
    }
}

extension SyncLogEntry {
    package var withoutTexts: SyncLogEntry {
        var entry = self
        entry.code = ""
        entry.detail = ""
        entry.remoteID = nil
        entry.warnings = []
        return entry
    }
}

/// A pending delivery whose next attempt is later.
package struct PostponedDelivery: Sendable, Hashable {
    package var sequence: Int64
    package var attempts: Int
    package var backoff: Duration
    package var crashMarks: Int
    package var isAmbiguous: Bool
    package var notBefore: Timestamp?
    package var errorCode: String
    package var errorDetail: String

    package init(
        sequence: Int64, attempts: Int, backoff: Duration, crashMarks: Int, isAmbiguous: Bool, notBefore: Timestamp?, errorCode: String,
        errorDetail: String
    ) {
        self.sequence = sequence
        self.attempts = attempts
        self.backoff = backoff
        self.crashMarks = crashMarks
        self.isAmbiguous = isAmbiguous
        self.notBefore = notBefore
        self.errorCode = errorCode
        self.errorDetail = errorDetail
    }
}

/// A delivery that is given up; its row moves to the dead letters.
package struct DeadDelivery: Sendable, Hashable {
    package var sequence: Int64
    package var attempts: Int
    package var reason: DeadReason
    package var diedAt: Timestamp
    package var errorCode: String
    package var errorDetail: String

    package init(sequence: Int64, attempts: Int, reason: DeadReason, diedAt: Timestamp, errorCode: String, errorDetail: String) {
        self.sequence = sequence
        self.attempts = attempts
        self.reason = reason
        self.diedAt = diedAt
        self.errorCode = errorCode
        self.errorDetail = errorDetail
    }
}

/// Credentials that the CRM no longer accepts, and what it said.
package struct RefusedCredentials: Sendable, Hashable {
    package var integration: IntegrationID
    package var version: Int64
    package var reason: String
    package var at: Timestamp

    package init(integration: IntegrationID, version: Int64, reason: String, at: Timestamp) {
        self.integration = integration
        self.version = version
        self.reason = reason
        self.at = at
    }
}
