internal import Synchronization

/// A request to a host service that is under way: joins its answer, its id and the task's cancellation, whichever comes first.
final class HostCall<Answer: Sendable>: Sendable {
    private struct State {
        var id: UInt64?
        var isCancelled = false
        var continuation: CheckedContinuation<Answer, Never>?
    }

    private let state = Mutex(State())
    /// Gives the request `id` up. Returns the answer when the service has promised not to call back any more.
    private let cancelRequest: @Sendable (_ id: UInt64) -> Answer?

    private init(cancel: @escaping @Sendable (_ id: UInt64) -> Answer?) { cancelRequest = cancel }

    /// `start` hands the pointer to the service, whose callback passes it to `finish`, and returns the service's id.
    static func answer(
        start: (_ user: UnsafeMutableRawPointer) -> UInt64, cancel: @escaping @Sendable (_ id: UInt64) -> Answer?
    ) async -> Answer {
        let call = HostCall(cancel: cancel)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                call.state.withLock { $0.continuation = continuation }
                // One retain for the service, which gives it back through `finish` or through a cancellation that forestalls it.
                call.started(start(Unmanaged.passRetained(call).toOpaque()))
            }
        } onCancel: {
            call.cancel()
        }
    }

    static func finish(_ user: UnsafeMutableRawPointer?, _ answer: Answer) {
        guard let user else { return }
        Unmanaged<HostCall>.fromOpaque(user).takeRetainedValue().resume(answer)
    }

    private func started(_ id: UInt64) {
        let isCancelled = state.withLock { state in
            state.id = id
            return state.isCancelled
        }
        if isCancelled { giveUp(id) }
    }

    private func cancel() {
        let id: UInt64? = state.withLock { state in
            state.isCancelled = true
            return state.id
        }
        if let id { giveUp(id) }
    }

    private func giveUp(_ id: UInt64) {
        guard let answer = cancelRequest(id) else { return }
        resume(answer)
        Unmanaged.passUnretained(self).release()
    }

    private func resume(_ answer: Answer) {
        let continuation = state.withLock { state in
            defer { state.continuation = nil }
            return state.continuation
        }
        continuation?.resume(returning: answer)
    }
}
