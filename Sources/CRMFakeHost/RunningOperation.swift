internal import CRMPluginAPI
internal import Dispatch
internal import Synchronization

/// An operation that a provider was asked to start, and every time that it said how it ended.
///
/// The provider knows it by a number: it may say so twice, or when nobody is interested any more.
package final class RunningOperation: Sendable {
    private typealias Continuation = CheckedContinuation<OperationResult?, Never>

    private struct State {
        var results: [OperationResult] = []
        var lastWaiter = 0
        var waiters: [Int: Continuation] = [:]
    }

    package let id: UInt64
    private let state = Mutex(State())
    private let handle = RunningOperation.handles.reserve()
    /// Told of every result, with how many there are by then.
    private let ended: @Sendable (Int) -> Void

    private static let handles = Handles<RunningOperation>()

    /// How often a library ended an operation that nobody remembers, or that never was.
    package static var strayCompletionCount: Int { handles.strayCount }

    init(id: UInt64, ended: @escaping @Sendable (_ count: Int) -> Void = { _ in }) {
        self.id = id
        self.ended = ended
        Self.handles.insert(self, as: handle)
    }

    deinit { Self.handles.remove(handle) }

    /// What the provider is given as `ctx`.
    var context: UnsafeMutableRawPointer? { handle.pointer }

    package var results: [OperationResult] { state.withLock { $0.results } }

    /// The first result. Waits without end for a provider that never ends an operation: `result(within:)` does not.
    package var result: OperationResult {
        get async {
            while true { if let result = await first(deadline: nil) { return result } }
        }
    }

    /// The first result, or `nil` when there is none after that many seconds.
    package func result(within seconds: Double) async -> OperationResult? { await first(deadline: .now() + seconds) }

    private func first(deadline: DispatchTime?) async -> OperationResult? {
        await withCheckedContinuation { (continuation: Continuation) in
            let (known, waiter) = state.withLock { state -> (OperationResult?, Int) in
                state.lastWaiter += 1
                if state.results.isEmpty { state.waiters[state.lastWaiter] = continuation }
                return (state.results.first, state.lastWaiter)
            }
            if let known { return continuation.resume(returning: known) }
            guard let deadline else { return }
            DispatchQueue.global().asyncAfter(deadline: deadline) { self.giveUp(waiter) }
        }
    }

    private func giveUp(_ waiter: Int) {
        state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume(returning: nil)
    }

    static let done: crm_done_fn = { context, result in
        handles.object(context)?.finish(OperationResult(result.pointee))
    }

    static let closed: crm_closed_fn = { context in
        var result = crm_result_v1()
        result.struct_size = UInt32(MemoryLayout<crm_result_v1>.size)
        handles.object(context)?.finish(OperationResult(result))
    }

    private func finish(_ result: OperationResult) {
        let count = state.withLock { state in
            state.results.append(result)
            return state.results.count
        }
        // Before anybody who waits hears of it, the host has done what an operation's end means.
        ended(count)
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: result) }
    }
}
