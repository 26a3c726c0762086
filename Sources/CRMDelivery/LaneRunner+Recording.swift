internal import CRMCore
internal import Logging

// What is read from the lane, and what is written back.
extension LaneRunner {
    func fill() async throws(StoreError) {
        let now = clock.now()
        if now >= nextRead {
            mayHaveMore = true
            nextRead = now + configuration.readPeriod
        }
        if now >= nextSweep {
            nextSweep = now + configuration.sweepPeriod
            try await sweep()
        }
        while mayHaveMore, window.count + configuration.readRows <= configuration.windowRows {
            let rows = try await surroundings.store.read(lane.key, after: window.seen, limit: configuration.readRows)
            window.insert(rows)
            mayHaveMore = rows.count == configuration.readRows
        }
    }

    private func sweep() async throws(StoreError) {
        guard window.seen > 0 else { return }
        window.insert(
            try await surroundings.store.sweep(lane.key, through: window.seen, known: window.known, limit: configuration.readRows))
    }

    func settleIfDue() async throws(StoreError) {
        guard let since = journal.since else { return }
        let now = clock.now()
        if let settleAgain, now < settleAgain { return }
        let isLeaving = handBack != nil || isStopping
        if journal.count >= configuration.settleRows || now >= since + configuration.settlePeriod
            || isLeaving && window.sendingCount == 0
        {
            try await settle()
        }
    }

    func settle() async throws(StoreError) {
        let asked = clock.now()
        state.breaker = breaker.opening
        let settlement = journal.settlement(under: lane.claim, state)
        guard try await surroundings.store.settle(settlement, lease: configuration.lease) else {
            logger.warning("lane lost before its outcomes were recorded", metadata: ["outcomes": "\(journal.count)"])
            isLost = true
            return
        }
        lease.prolong(asked: asked, length: configuration.lease)
        journal = LaneJournal()
        window.settled()
        settleAgain = nil
    }

    /// After an unknown outcome the same is done again: every statement may be repeated. What the database refuses is our mistake; the
    /// lane rests, so that it is not sent over and over.
    func recover(from error: any Error) async {
        switch error as? StoreError {
        case .unavailable(let retryAfter):
            settleAgain = clock.now() + min(retryAfter, .milliseconds(500))
            if lease.isOver(at: clock.now()) { isLost = true }
        default:
            logger.error("lane given up", metadata: ["error": "\(error)"])
            isLost = true
            try? await surroundings.store.release(lane.claim, notBefore: clock.wall() + .seconds(60))
        }
    }
}
