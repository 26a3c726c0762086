internal import CRMPluginAPI
internal import Synchronization

/// Virtual time: `crm.timer/1`. Nothing fires until a test advances the clock.
package final class FakeTimer: Sendable {
    private struct Alarm: @unchecked Sendable {  // `user` belongs to the provider, which takes it on any thread.
        let due: Int64
        let user: UnsafeMutableRawPointer?
        let fired: crm_timer_fired_fn
    }

    private struct State {
        var monotonic: Int64 = 1_000_000_000_000
        var lastID: UInt64 = 0
        var alarms: [UInt64: Alarm] = [:]
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// 2026-11-01T10:00:00Z when the monotonic clock stands at its first value.
    package static let wallStart: Int64 = 1_793_527_200_000_000_000
    private let state = Mutex(State())
    private let workers: FakeWorkers
    private let memory: Memory

    init(_ workers: FakeWorkers) {
        self.workers = workers
        memory = Memory()
        memory.table.pointee.ctx = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit { memory.table.deallocate() }

    var table: UnsafePointer<crm_timer_v1> { UnsafePointer(memory.table) }

    package var monotonic: Int64 { state.withLock { $0.monotonic } }
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

    package func advance(by nanoseconds: Int64) {
        let due = state.withLock { state in
            state.monotonic += nanoseconds
            let due = state.alarms.filter { $0.value.due <= state.monotonic }
            for id in due.keys { state.alarms[id] = nil }
            return due.values.sorted { $0.due < $1.due }
        }
        for alarm in due { workers.run { alarm.fired(alarm.user) } }
    }

    private func after(_ delay: Int64, _ user: UnsafeMutableRawPointer?, _ fired: @escaping crm_timer_fired_fn) -> UInt64 {
        let alarm = { (now: Int64) in Alarm(due: now + delay, user: user, fired: fired) }
        let (id, waiters) = state.withLock { state in
            state.lastID += 1
            state.alarms[state.lastID] = alarm(state.monotonic)
            defer { state.waiters = [] }
            return (state.lastID, state.waiters)
        }
        for waiter in waiters { waiter.resume() }
        return id
    }

    private func cancel(_ id: UInt64) -> Int32 {
        state.withLock { $0.alarms.removeValue(forKey: id) == nil ? 0 : 1 }
    }

    private struct Memory: @unchecked Sendable {  // Written once, before anybody else sees it.
        let table = UnsafeMutablePointer<crm_timer_v1>.allocate(capacity: 1)

        init() {
            table.initialize(
                to: crm_timer_v1(
                    struct_size: UInt32(MemoryLayout<crm_timer_v1>.size), reserved: 0, ctx: nil,
                    now_monotonic_ns: { Context<FakeTimer>.of($0)?.monotonic ?? 0 },
                    now_wall_ns: { FakeTimer.wallStart + (Context<FakeTimer>.of($0)?.monotonic ?? 0) - 1_000_000_000_000 },
                    after: { context, delay, user, fired in Context<FakeTimer>.of(context)?.after(delay, user, fired) ?? 0 },
                    cancel: { context, id in Context<FakeTimer>.of(context)?.cancel(id) ?? 0 }))
        }
    }
}
