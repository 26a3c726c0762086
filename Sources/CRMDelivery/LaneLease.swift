internal import Synchronization

/// Until when a lane is certainly ours, on this process's own clock.
final class LaneLease: Sendable {
    private let deadline: Mutex<ContinuousClock.Instant>

    /// `asked` is taken *before* the statement is sent, so that the database's lease never ends before ours.
    init(asked: ContinuousClock.Instant, length: Duration) { deadline = Mutex(asked + length) }

    func prolong(asked: ContinuousClock.Instant, length: Duration) {
        deadline.withLock { $0 = max($0, asked + length) }
    }

    /// Whether a call that may take so long ends while the lane is still ours.
    func covers(_ call: Duration, from now: ContinuousClock.Instant, margin: Duration) -> Bool {
        deadline.withLock { now + call <= $0 - margin }
    }

    func isOver(at now: ContinuousClock.Instant) -> Bool { deadline.withLock { now >= $0 } }
}
