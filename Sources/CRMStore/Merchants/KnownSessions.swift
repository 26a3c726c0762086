internal import CRMCore
internal import Synchronization

/// Sign-ins that this process knows to be in the login log: each request carries one, and the log is asked once.
final class KnownSessions: Sendable {
    struct Session: Hashable {
        let uid: String
        let authenticatedAt: Timestamp
    }

    /// Then it begins anew: forgetting costs one statement that changes nothing.
    private static let capacity = 10_000

    private let sessions = Mutex<Set<Session>>([])

    func contains(_ session: Session) -> Bool { sessions.withLock { $0.contains(session) } }

    func insert(_ session: Session) {
        sessions.withLock { sessions in
            if sessions.count >= Self.capacity { sessions = [] }
            sessions.insert(session)
        }
    }
}
