import CRMIdentity
import Synchronization

final class EventRecorder: Sendable {
    private let recorded = Mutex<[IdentityEvent]>([])

    var events: [IdentityEvent] { recorded.withLock { $0 } }
    var report: @Sendable (IdentityEvent) -> Void {
        { event in self.recorded.withLock { $0.append(event) } }
    }

    var refreshes: Int {
        events.count { if case .keysRefreshed = $0 { true } else { false } }
    }

    /// What was left to work with, at each failed refresh.
    var failures: [KeyReadiness] {
        events.compactMap { if case .keyRefreshFailed(_, let readiness) = $0 { readiness } else { nil } }
    }
}
