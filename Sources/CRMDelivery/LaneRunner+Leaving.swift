internal import CRMCore

// When a lane is given back, and how long it is waited for what.
extension LaneRunner {
    func isOver() async throws(StoreError) -> Bool {
        guard window.sendingCount == 0, doubt != .validating else {
            emptySince = nil
            return false
        }
        if handBack == nil { rest() }
        if isStopping || handBack != nil {
            guard journal.since == nil else { return false }
            try await surroundings.store.release(lane.claim, notBefore: handBack?.notBefore)
            return true
        }
        guard window.isEmpty, journal.since == nil else {
            emptySince = nil
            return false
        }
        return try await isEmptyForGood()
    }

    /// A lane with nothing to send for a while makes room.
    private func rest() {
        let now = clock.wall()
        if let until = heldUntil(now), until - now > configuration.longestRestHeld {
            leave(notBefore: until)
        } else if !window.isEmpty, surroundings.isContended(), sendable(1).isEmpty {
            let due = window.nextDue(after: now, resting: restingKinds(now))
            if due.map({ $0 - now > .seconds(1) }) ?? true { leave() }
        }
    }

    /// Always looks from the beginning before it calls a lane empty.
    private func isEmptyForGood() async throws(StoreError) -> Bool {
        let now = clock.now()
        let since = emptySince ?? now
        emptySince = since
        guard now >= since + configuration.linger else { return false }
        let rows = try await surroundings.store.read(lane.key, after: 0, limit: configuration.readRows)
        if !rows.isEmpty {
            window.insert(rows)
            emptySince = nil
            mayHaveMore = true
            return false
        }
        if isCautious {
            // Whatever made the last owner vanish is not in the lane any more.
            journal.isProvenClean = true
            try await settle()
            guard !isLost else { return true }
        }
        try await surroundings.store.release(lane.claim, notBefore: nil)
        return true
    }

    /// When there is something to do again, if nothing comes before.
    func nextMoment() -> ContinuousClock.Instant {
        let now = clock.now()
        let wall = clock.wall()
        var moments = [nextRead, nextSweep]
        if let since = journal.since { moments.append(settleAgain ?? since + configuration.settlePeriod) }
        if let emptySince { moments.append(emptySince + configuration.linger) }
        if let stopDeadline, stopDeadline > now { moments.append(stopDeadline) }
        if let until = heldUntil(wall) { moments.append(clock.instant(of: until)) }
        if let due = window.nextDue(after: wall, resting: restingKinds(wall)) { moments.append(clock.instant(of: due)) }
        // An empty mailbox, rows that may not be sent because the lease is short: look again soon, but do not spin.
        return max(moments.min() ?? now, now + .milliseconds(1))
    }
}
