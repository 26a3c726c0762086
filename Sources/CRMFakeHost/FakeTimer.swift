internal import CRMPluginAPI
internal import Synchronization

/// Virtual time: `crm.timer/1`.
package final class FakeTimer: Sendable {
    package enum Mode: Sendable {
        /// Nothing fires until a test advances the clock.
        case held
        /// Every timer fires at once, and the clock jumps to the time for which it was set.
        case eager
    }

    private struct Alarm: @unchecked Sendable {  // `user` belongs to the provider, which takes it on any thread.
        let due: Int64
        let user: UnsafeMutableRawPointer?
        let fired: crm_timer_fired_fn
    }

    private struct State {
        var monotonic = FakeTimer.monotonicStart
        var lastID: UInt64 = 0
        var alarms: [UInt64: Alarm] = [:]
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// 2026-11-01T10:00:00Z when the monotonic clock stands at its first value.
    package static let wallStart: Int64 = 1_793_527_200_000_000_000
    private static let monotonicStart: Int64 = 1_000_000_000_000
    private let state = Mutex(State())
    private let workers: FakeWorkers
    private let mode: Mode

    init(_ workers: FakeWorkers, _ mode: Mode) {
        self.workers = workers
        self.mode = mode
    }

    package var monotonic: Int64 { state.withLock { $0.monotonic } }
    package var wall: Int64 { Self.wallStart + monotonic - Self.monotonicStart }
    package var pending: Int { state.withLock { $0.alarms.count } }

    /// Returns once the provider waits for some timer.
    package func waitUntilPending() async {
        await withCheckedContinuation { continuation in
            let isPending = state.withLock { state in
                if state.alarms.isEmpty { state.waiters.append(continuation) }
                return !state.alarms.isEmpty
            }
            if isPending { continuation.resume() }
        }
    }

    package func advance(by nanoseconds: Int64) { fire(advancingTo: { $0.addingReportingOverflow(nanoseconds) }) }

    private func fire(advancingTo time: (Int64) -> (partialValue: Int64, overflow: Bool)) {
        let due = state.withLock { state in
            let (later, isTooLate) = time(state.monotonic)
            state.monotonic = isTooLate ? .max : later
            let due = state.alarms.filter { $0.value.due <= state.monotonic }
            for id in due.keys { state.alarms[id] = nil }
            return due.values.sorted { $0.due < $1.due }
        }
        for alarm in due { workers.run { alarm.fired(alarm.user) } }
    }

    func after(_ delay: Int64, _ user: UnsafeMutableRawPointer?, _ fired: @escaping crm_timer_fired_fn) -> UInt64 {
        let alarm = { (due: Int64) in Alarm(due: due, user: user, fired: fired) }
        let (id, due, waiters) = state.withLock { state in
            state.lastID += 1
            let (due, isTooLate) = state.monotonic.addingReportingOverflow(max(0, delay))
            state.alarms[state.lastID] = alarm(isTooLate ? .max : due)
            defer { state.waiters = [] }
            return (state.lastID, due, state.waiters)
        }
        for waiter in waiters { waiter.resume() }
        if mode == .eager { fire(advancingTo: { (max($0, due), false) }) }
        return id
    }

    func cancel(_ id: UInt64) -> Int32 {
        state.withLock { $0.alarms.removeValue(forKey: id) == nil ? 0 : 1 }
    }
}
