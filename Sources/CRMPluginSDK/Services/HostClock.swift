internal import CRMPluginAPI
internal import Glibc

/// The host's time, virtual in tests.
public struct HostClock: Sendable {
    private let timer: HostTable<crm_timer_v1>?

    init(_ timer: HostTable<crm_timer_v1>?) { self.timer = timer }

    /// Nanoseconds of the clock that deadlines are given in.
    public var monotonicNanoseconds: Int64 {
        guard let timer = timer?.table else { return Self.read(CLOCK_MONOTONIC) }
        return timer.now_monotonic_ns(timer.ctx)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var wallNanoseconds: Int64 {
        guard let timer = timer?.table else { return Self.read(CLOCK_REALTIME) }
        return timer.now_wall_ns(timer.ctx)
    }

    /// Throws `CancellationError` when the task is cancelled meanwhile.
    public func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        // A host without timers leaves only the runtime's own, which costs it threads.
        guard let timer else { return try await Task.sleep(for: duration) }
        let isOver = await HostCall<Bool>.answer(
            start: { user in
                timer.table.after(timer.table.ctx, duration.nanoseconds, user) { HostCall<Bool>.finish($0, true) }
            },
            cancel: { id in timer.table.cancel(timer.table.ctx, id) == 1 ? .answersNever(false) : .answersSoon })
        guard isOver else { throw CancellationError() }
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    /// Clamped to what a 64-bit count holds, and to zero.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < Int64.max / 1_000_000_000 else { return .max }
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
