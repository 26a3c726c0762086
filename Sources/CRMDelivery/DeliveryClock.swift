package import CRMCore

/// The two clocks of delivery: civil time for what is stored, monotonic time for leases.
///
/// The monotonic one must go on while the machine sleeps, as `ContinuousClock` does: a lease runs out meanwhile.
package struct DeliveryClock: Sendable {
    package var wall: WallClock
    package var now: @Sendable () -> ContinuousClock.Instant
    package var sleep: @Sendable (_ until: ContinuousClock.Instant) async throws -> Void

    package init(
        wall: @escaping WallClock, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock().now },
        sleep: @escaping @Sendable (_ until: ContinuousClock.Instant) async throws -> Void = {
            try await ContinuousClock().sleep(until: $0)
        }
    ) {
        self.wall = wall
        self.now = now
        self.sleep = sleep
    }

    /// The monotonic moment of a civil time.
    func instant(of time: Timestamp) -> ContinuousClock.Instant { now() + (time - wall()) }
}
