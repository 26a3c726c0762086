internal import Synchronization

/// The tasks of the operations in flight, by the host's ids, so that a cancellation finds its task.
final class TaskTable: Sendable {
    private enum Entry {
        /// Its task exists but has not been registered yet.
        case starting(isCancelled: Bool)
        case running(Task<Void, Never>)
    }

    private let entries = Mutex<[UInt64: Entry]>([:])

    func begin(_ id: UInt64) {
        entries.withLock { $0[id] = .starting(isCancelled: false) }
    }

    /// The task may have ended before this, or been cancelled.
    func register(_ task: Task<Void, Never>, for id: UInt64) {
        let isCancelled = entries.withLock { entries in
            guard case .starting(let isCancelled) = entries[id] else { return false }
            entries[id] = .running(task)
            return isCancelled
        }
        if isCancelled { task.cancel() }
    }

    func cancel(_ id: UInt64) {
        let task: Task<Void, Never>? = entries.withLock { entries in
            switch entries[id] {
            case .running(let task): return task
            case .starting:
                entries[id] = .starting(isCancelled: true)
                return nil
            case nil: return nil
            }
        }
        // Outside of the lock: cancelling runs handlers that call the host.
        task?.cancel()
    }

    func end(_ id: UInt64) {
        entries.withLock { _ = $0.removeValue(forKey: id) }
    }
}
