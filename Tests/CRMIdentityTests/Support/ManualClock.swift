import CRMCore
import Synchronization

/// A wall clock that only the test moves.
final class ManualClock: Sendable {
    static let start = Timestamp(seconds: 1_800_000_000)

    private let time = Mutex(start)

    var now: Timestamp { time.withLock { $0 } }
    var wallClock: WallClock { { self.now } }

    func advance(by span: Duration) { time.withLock { $0 = $0 + span } }
}
