internal import Synchronization

/// A request to a host service that is under way: joins its answer, its id and the task's cancellation, whichever comes first.
final class HostCall<Answer: Sendable>: Sendable {
    /// What becomes of a request that its task gives up.
    enum GivenUp {
        /// The service answers, soon, and the task waits for that.
        case answersSoon
        /// The service has promised not to answer any more.
        case answersNever(Answer)
        /// The service will answer at some time, and the task does not wait for it.
        case unheard(Answer)
    }

    private struct State {
        var id: UInt64?
        var isCancelled = false
        /// Taken out under the lock by whoever resumes it, so that it is resumed once.
        var continuation: UnsafeContinuation<Answer, Never>?
    }

    private let state = Mutex(State())
    private let giveUp: @Sendable (_ id: UInt64) -> GivenUp
    /// Takes an answer for which nobody waited.
    private let unclaimed: @Sendable (Answer) -> Void

    private init(_ giveUp: @escaping @Sendable (_ id: UInt64) -> GivenUp, _ unclaimed: @escaping @Sendable (Answer) -> Void) {
        self.giveUp = giveUp
        self.unclaimed = unclaimed
    }

    /// `start` hands the pointer to the service, whose callback passes it to `finish`, and returns the service's id.
    static func answer(
        start: (_ user: UnsafeMutableRawPointer) -> UInt64, cancel: @escaping @Sendable (_ id: UInt64) -> GivenUp,
        unclaimed: @escaping @Sendable (Answer) -> Void = { _ in }
    ) async -> Answer {
        let call = HostCall(cancel, unclaimed)
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
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
        let call = Unmanaged<HostCall>.fromOpaque(user).takeRetainedValue()
        if !call.resume(answer) { call.unclaimed(answer) }
    }

    private func started(_ id: UInt64) {
        let isCancelled = state.withLock { state in
            state.id = id
            return state.isCancelled
        }
        if isCancelled { end(id) }
    }

    private func cancel() {
        let id: UInt64? = state.withLock { state in
            state.isCancelled = true
            return state.id
        }
        if let id { end(id) }
    }

    private func end(_ id: UInt64) {
        switch giveUp(id) {
        case .answersSoon: break
        case .answersNever(let answer):
            _ = resume(answer)
            Unmanaged.passUnretained(self).release()
        case .unheard(let answer): _ = resume(answer)
        }
    }

    /// Whether somebody was waiting.
    private func resume(_ answer: Answer) -> Bool {
        let continuation = state.withLock { state in
            defer { state.continuation = nil }
            return state.continuation
        }
        continuation?.resume(returning: answer)
        return continuation != nil
    }
}
