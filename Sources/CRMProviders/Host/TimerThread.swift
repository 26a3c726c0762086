import CRMTransport

/// One thread that calls back at given moments; what it calls must not block.
final class TimerThread: Sendable {
    typealias Action = @Sendable () -> Void

    private struct Timer {
        let moment: Int64
        let owner: UInt64
        let action: Action
    }

    private struct State {
        var lastID: UInt64 = 0
        var timers: [UInt64: Timer] = [:]
        /// Ascending by moment, then by id.
        var order: [(moment: Int64, id: UInt64)] = []

        mutating func remove(_ id: UInt64) -> Timer? {
            guard let timer = timers.removeValue(forKey: id) else { return nil }
            order.remove(at: place(timer.moment, id))
            return timer
        }

        func place(_ moment: Int64, _ id: UInt64) -> Int {
            var low = 0
            var high = order.count
            while low < high {
                let middle = (low + high) / 2
                if (order[middle].moment, order[middle].id) < (moment, id) { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    private let state = Signalled(State())

    init() throws(DetachedThread.Refused) {
        try DetachedThread.start { [state] in
            while true {
                let action: Action = state.wait { state in
                    guard let next = state.order.first else { return .sleep(untilNanoseconds: nil) }
                    guard next.moment <= monotonicNanoseconds(), let timer = state.remove(next.id) else {
                        return .sleep(untilNanoseconds: next.moment)
                    }
                    return .done(timer.action)
                }
                action()
            }
        }
    }

    /// Returns an id for `cancel`. `owner` is for `cancelAll`; 0 is the host itself.
    @discardableResult
    func after(nanoseconds: Int64, owner: UInt64 = 0, _ action: @escaping Action) -> UInt64 {
        let (moment, overflow) = monotonicNanoseconds().addingReportingOverflow(max(0, nanoseconds))
        return state.update { state in
            state.lastID += 1
            let timer = Timer(moment: overflow ? .max : moment, owner: owner, action: action)
            state.timers[state.lastID] = timer
            state.order.insert((timer.moment, state.lastID), at: state.place(timer.moment, state.lastID))
            return state.lastID
        }
    }

    /// True: it will not fire.
    @discardableResult
    func cancel(_ id: UInt64, owner: UInt64 = 0) -> Bool {
        state.update { state in
            guard state.timers[id]?.owner == owner else { return false }
            return state.remove(id) != nil
        }
    }

    func cancelAll(owner: UInt64) {
        state.update { state in
            for (id, timer) in state.timers where timer.owner == owner { _ = state.remove(id) }
        }
    }
}
