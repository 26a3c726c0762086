internal import Synchronization

/// The calls that a process may have in flight. Lanes that found none free are told, in turn, when one is.
final class CallSlots: Sendable {
    private struct State {
        var free: Int
        var queue: [(lane: ObjectIdentifier, notify: @Sendable () -> Void)] = []
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(free: count)) }

    /// `false`: none is free, and `notify` will be called once when that changes.
    func take(for lane: AnyObject, orNotify notify: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            if state.free > 0 {
                state.free -= 1
                return true
            }
            let lane = ObjectIdentifier(lane)
            if !state.queue.contains(where: { $0.lane == lane }) { state.queue.append((lane, notify)) }
            return false
        }
    }

    func giveBack() {
        let notify = state.withLock { state in
            state.free += 1
            return state.queue.isEmpty ? nil : state.queue.removeFirst().notify
        }
        notify?()
    }
}
