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
        while mayHaveMore, window.count + configuration.readRows <= configuration.windowRows, window.bytes < configuration.windowBytes {
            let rows = try await surroundings.store.read(lane.key, after: window.seen, limit: configuration.readRows)
            window.insert(rows)
            mayHaveMore =
                rows.count == configuration.readRows || rows.reduce(0) { $0 + $1.payloadBytes } >= QueuedDelivery.bytesPerRead
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
        guard try await record(settlement) else {
            logger.warning("lane lost before its outcomes were recorded", metadata: ["outcomes": "\(journal.count)"])
            isLost = true
            return
        }
        lease.prolong(asked: asked, length: configuration.lease)
        journal = LaneJournal()
        window.settled()
        settleAgain = nil
    }

    /// What is not recorded is sent again for ever: a text that the database does not take is left out.
    private func record(_ settlement: Settlement) async throws(StoreError) -> Bool {
        do throws(StoreError) {
            return try await surroundings.store.settle(settlement, lease: configuration.lease)
        } catch .refused(let sqlState, _) {
            logger.error("outcomes were refused by the database", metadata: ["sqlstate": "\(sqlState)"])
            return try await surroundings.store.settle(settlement.withoutTexts, lease: configuration.lease)
        }
    }

    /// After the last call has ended. A lane that was lost has other rows by now, or none; what was called in it is logged all the same.
    func conclude() async {
        for event in await mailbox.next(until: clock.now(), clock) { handle(event) }
        if isLost { await logCalls() }
        guard let restsUntil else { return }
        do {
            try await surroundings.store.release(lane.claim, notBefore: restsUntil)
        } catch {
            logger.warning("lane could not be given back", metadata: ["error": "\(error)"])
        }
    }

    private func logCalls() async {
        var calls = journal.calls
        guard !calls.isEmpty else { return }
        let deadline = clock.now() + configuration.lease
        while !Task.isCancelled {
            do throws(StoreError) {
                return try await surroundings.store.log(calls, of: lane.key.merchant)
            } catch .unavailable(let retryAfter) where clock.now() < deadline {
                try? await clock.sleep(clock.now() + min(retryAfter, .milliseconds(500)))
            } catch .refused where calls != calls.map(\.withoutTexts) {
                calls = calls.map(\.withoutTexts)
            } catch {
                return logger.error("calls were not logged", metadata: ["calls": "\(calls.count)", "error": "\(error)"])
            }
        }
    }

    /// After an unknown outcome the same is done again: every statement may be repeated. What the database refuses is our mistake; the
    /// lane rests once its calls have ended, so that it is not sent over and over.
    func recover(from error: any Error) {
        switch error as? StoreError {
        case .unavailable(let retryAfter):
            settleAgain = clock.now() + min(retryAfter, .milliseconds(500))
            if lease.isOver(at: clock.now()) { isLost = true }
        default:
            logger.error("lane given up", metadata: ["error": "\(error)"])
            isLost = true
            restsUntil = clock.wall() + .seconds(60)
        }
    }
}
