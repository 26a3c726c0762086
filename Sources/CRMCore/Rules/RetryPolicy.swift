/// How long a failed delivery waits for its next attempt, and when it is given up.
package struct RetryPolicy: Sendable, Hashable {
    /// The longest pause after the first failure.
    package var base: Duration
    package var factor: Int
    package var cap: Duration
    /// A delivery is given up once it has had this many attempts *and* has backed off for this long; vendor waits, an open breaker and
    /// pauses count for neither.
    package var maximumAttempts: Int
    package var maximumBackoff: Duration
    /// Age at which a delivery ends whatever it waits for.
    package var expiry: Duration
    /// Bounds of a pause that the CRM asks for, and the first pause when it names none.
    package var shortestVendorWait: Duration
    package var longestVendorWait: Duration
    package var unnamedVendorWait: Duration
    /// How long a kind of operation rests that the CRM did not permit.
    package var permissionPause: Duration
    /// A delivery that was under way this often when its process vanished is suspected of having killed it.
    package var maximumCrashMarks: Int

    package init(
        base: Duration = .seconds(2), factor: Int = 3, cap: Duration = .seconds(3_600), maximumAttempts: Int = 20,
        maximumBackoff: Duration = .seconds(72 * 3_600), expiry: Duration = .seconds(14 * 86_400),
        shortestVendorWait: Duration = .seconds(1), longestVendorWait: Duration = .seconds(900),
        unnamedVendorWait: Duration = .seconds(10), permissionPause: Duration = .seconds(900), maximumCrashMarks: Int = 3
    ) {
        self.base = base
        self.factor = factor
        self.cap = cap
        self.maximumAttempts = maximumAttempts
        self.maximumBackoff = maximumBackoff
        self.expiry = expiry
        self.shortestVendorWait = shortestVendorWait
        self.longestVendorWait = longestVendorWait
        self.unnamedVendorWait = unnamedVendorWait
        self.permissionPause = permissionPause
        self.maximumCrashMarks = maximumCrashMarks
    }

    /// Full jitter: anything from nothing to the exponential ceiling, so that what failed together does not return together.
    /// `attempts` counts the failed one; `random` is in 0..<1.
    package func pause(afterAttempts attempts: Int, random: Double) -> Duration {
        var ceiling = base
        for _ in 1..<max(attempts, 1) where ceiling < cap { ceiling *= factor }
        return .microseconds(Int64(Double(min(ceiling, cap).microseconds) * random))
    }

    /// The pause of a lane that was told to slow down, `asked` for by the CRM where it said how long. `streak` is how often in a row it
    /// did not say.
    package func vendorWait(asked: Duration?, streak: Int) -> Duration {
        let wait = asked ?? unnamedVendorWait * (1 << min(max(streak, 0), 16))
        return min(max(wait, shortestVendorWait), longestVendorWait)
    }

    package func isExhausted(attempts: Int, backoff: Duration) -> Bool {
        attempts >= maximumAttempts && backoff >= maximumBackoff
    }

    package func isExpired(acceptedAt: Timestamp, now: Timestamp) -> Bool { now - acceptedAt >= expiry }
}

/// A number in 0..<1 from the injected generator.
package func unitInterval(_ random: RandomBytes) -> Double {
    let bits = random(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Double(bits >> 11) / Double(UInt64(1) << 53)
}
