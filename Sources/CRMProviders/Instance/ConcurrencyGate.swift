import Synchronization

/// Lets a limited number of operations through at a time, the others in the order of their arrival for as long as their deadlines allow.
final class ConcurrencyGate: Sendable {
    private struct State {
        var free: Int
        var lastWaiter: UInt64 = 0
        var waiters: [(id: UInt64, answer: @Sendable (Bool) -> Void)] = []
    }

    private let state: Mutex<State>
    private let timers: TimerThread

    init(width: Int, timers: TimerThread) {
        state = Mutex(State(free: width))
        self.timers = timers
    }

    /// False when the deadline passed or the task was cancelled first; otherwise `leave` is due.
    func enter(deadline: Int64) async -> Bool {
        let id: UInt64? = state.withLock { state in
            if state.free > 0 {
                state.free -= 1
                return nil
            }
            state.lastWaiter += 1
            return state.lastWaiter
        }
        guard let id else { return true }
        let timer = timers.after(nanoseconds: deadline - monotonicNanoseconds()) { [weak self] in self?.giveUp(id) }
        defer { timers.cancel(timer) }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                wait(id) { continuation.resume(returning: $0) }
                // Either may have come before there was a waiter to be found.
                if Task.isCancelled || deadline <= monotonicNanoseconds() { giveUp(id) }
            }
        } onCancel: {
            giveUp(id)
        }
    }

    func leave() {
        let next = state.withLock { state in
            if state.waiters.isEmpty {
                state.free += 1
                return nil as (@Sendable (Bool) -> Void)?
            }
            return state.waiters.removeFirst().answer
        }
        next?(true)
    }

    private func wait(_ id: UInt64, _ answer: @escaping @Sendable (Bool) -> Void) {
        let mayEnter = state.withLock { state in
            // A place may have become free since the first look.
            if state.free > 0 {
                state.free -= 1
                return true
            }
            state.waiters.append((id, answer))
            return false
        }
        if mayEnter { answer(true) }
    }

    private func giveUp(_ id: UInt64) {
        let waiter = state.withLock { state in
            state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
        }
        waiter?.answer(false)
    }
}
