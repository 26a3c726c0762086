internal import CRMPluginAPI
internal import Synchronization

/// `crm.http/1` without a network: a test's script answers, and every request is kept.
package final class FakeHTTP: Sendable {
    package typealias Script = @Sendable (Request) -> Reply

    private struct Pending: @unchecked Sendable {  // `user` belongs to the provider, which takes it on any thread.
        let operation: UInt64
        let user: UnsafeMutableRawPointer?
        let done: crm_http_done_fn
    }

    private struct State {
        var requests: [Request] = []
        var pending: [UInt64: Pending] = [:]
        var cancelled = 0
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())
    private let workers: FakeWorkers
    private let script: Script

    init(_ workers: FakeWorkers, _ script: @escaping Script) {
        self.workers = workers
        self.script = script
    }

    package var requests: [Request] { state.withLock { $0.requests } }
    package var pendingCount: Int { state.withLock { $0.pending.count } }
    /// How many requests the provider gave up by itself.
    package var cancelledCount: Int { state.withLock { $0.cancelled } }

    /// Returns once that many requests have been sent.
    package func waitForRequests(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.requests.count < count { state.waiters.append((count, continuation)) }
                return state.requests.count >= count
            }
            if isReached { continuation.resume() }
        }
    }

    /// Answers a request that the script left in silence. One that was answered or given up meanwhile stays as it is.
    package func answer(_ request: Request, with reply: Reply) { self.reply(to: request.id, reply) }

    /// What a host does by itself with the requests of an operation that it ends.
    package func abort(operation: UInt64) {
        let ids = state.withLock { state in state.pending.filter { $0.value.operation == operation }.map(\.key) }
        for id in ids { reply(to: id, .failure(CRM_HTTP_ERROR_CANCELLED)) }
    }

    /// `refusal` is answered instead of what the script says.
    func send(
        _ borrowed: crm_http_request_v1, _ user: UnsafeMutableRawPointer?, _ done: @escaping crm_http_done_fn, refusal: Reply?
    ) -> UInt64 {
        let pending = Pending(operation: borrowed.op_id, user: user, done: done)
        let (request, waiters) = state.withLock { state in
            let request = Request(borrowed, id: UInt64(state.requests.count) + 1)
            state.requests.append(request)
            state.pending[request.id] = pending
            let count = state.requests.count
            let reached = state.waiters.filter { $0.count <= count }
            state.waiters.removeAll { $0.count <= count }
            return (request, reached)
        }
        for waiter in waiters { waiter.continuation.resume() }
        reply(to: request.id, refusal ?? script(request))
        return request.id
    }

    func cancel(_ id: UInt64) {
        state.withLock { state in if state.pending[id] != nil { state.cancelled += 1 } }
        reply(to: id, .failure(CRM_HTTP_ERROR_CANCELLED))
    }

    private func reply(to id: UInt64, _ reply: Reply) {
        if case .silence = reply { return }
        guard let pending = state.withLock({ $0.pending.removeValue(forKey: id) }) else { return }
        workers.run { reply.lend { pending.done(pending.user, $0) } }
    }
}
