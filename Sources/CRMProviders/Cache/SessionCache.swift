import CRMCore
import Synchronization

/// The sessions and tokens of all providers of the process: they outlive the library that made them, in memory only.
final class SessionCache: Sendable {
    private let state: Mutex<SessionCacheState>
    private let sweep = Mutex<UInt64?>(nil)
    private let timers: TimerThread

    /// Expired entries are wiped at this pace also when nobody asks for them.
    private static let sweepNanoseconds: Int64 = 30_000_000_000

    init(threads: HostThreads, limits: SessionCacheState.Limits = SessionCacheState.Limits()) {
        state = Mutex(SessionCacheState(limits: limits))
        timers = threads.timers
    }

    /// The replies put their work elsewhere and return at once, so it does not matter that the caller may hold a lock.
    func acquire(_ key: SessionCacheState.Key, operation: UInt64, onlyLook: Bool, reply: @escaping SessionCacheState.Reply) {
        let delivery = state.withLock {
            $0.acquire(key, operation: operation, onlyLook: onlyLook, now: monotonicNanoseconds(), reply: reply)
        }
        deliver(delivery.map { [$0] } ?? [])
    }

    func put(ticket: UInt64, value: Secret, life: Int64, isHolder: @Sendable (UInt64) -> Bool) {
        deliver(
            state.withLock {
                $0.put(ticket: ticket, value: value, life: life, now: monotonicNanoseconds(), isHolder: isHolder)
            })
        startSweeping()
    }

    func giveUp(ticket: UInt64, isHolder: @Sendable (UInt64) -> Bool) {
        deliver(state.withLock { $0.giveUp(ticket: ticket, isHolder: isHolder) })
    }

    func remove(_ key: SessionCacheState.Key, stale: Secret) { state.withLock { $0.remove(key, stale: stale) } }

    func cancel(operation: UInt64) { deliver(state.withLock { $0.cancel(operation: operation) }) }

    func end(operation: UInt64) { deliver(state.withLock { $0.end(operation: operation) }) }

    func end(where isGone: @Sendable (UInt64) -> Bool) { deliver(state.withLock { $0.end(where: isGone) }) }

    private func deliver(_ deliveries: [SessionCacheState.Delivery]) {
        for delivery in deliveries { delivery.reply(delivery.answer) }
    }

    private func startSweeping() {
        sweep.withLock { sweep in
            guard sweep == nil else { return }
            sweep = timers.after(nanoseconds: Self.sweepNanoseconds) { [weak self] in self?.sweepNow() }
        }
    }

    private func sweepNow() {
        sweep.withLock { $0 = nil }
        let next = state.withLock { $0.removeExpired(now: monotonicNanoseconds()) }
        if next != nil { startSweeping() }
    }
}
