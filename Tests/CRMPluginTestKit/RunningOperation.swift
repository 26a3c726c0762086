internal import CRMPluginAPI
package import CRMPluginSDK
internal import Synchronization

/// How a provider ended an operation.
package struct OperationResult: Sendable {
    package let status: Int32
    package let retryAfterMilliseconds: UInt32
    package let flags: UInt32
    package let code: String
    package let message: String
    package let payloadText: String

    package var payload: JSONValue { (try? JSONValue(parsing: payloadText)) ?? .null }
    package var warnings: [JSONValue] { payload["warnings"]?.arrayValue ?? [] }

    init(_ result: crm_result_v1) {
        status = result.status
        retryAfterMilliseconds = result.retry_after_ms
        flags = result.flags
        code = result.code.copied
        message = result.message.copied
        payloadText = String(decoding: result.payload_json.copied, as: UTF8.self)
    }
}

/// An operation that a provider was asked to start, and every time that it said how it ended.
package final class RunningOperation: Sendable {
    private struct State {
        var results: [OperationResult] = []
        var waiters: [CheckedContinuation<OperationResult, Never>] = []
    }

    package let id: UInt64
    private let state = Mutex(State())

    init(id: UInt64) { self.id = id }

    /// Never given back: a provider that calls `done` twice is to be counted, not to crash.
    var context: UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }

    package var results: [OperationResult] { state.withLock { $0.results } }

    package var result: OperationResult {
        get async {
            await withCheckedContinuation { continuation in
                let result = state.withLock { state in
                    if state.results.isEmpty { state.waiters.append(continuation) }
                    return state.results.first
                }
                if let result { continuation.resume(returning: result) }
            }
        }
    }

    static let done: crm_done_fn = { context, result in
        Context<RunningOperation>.of(context)?.finish(OperationResult(result.pointee))
    }

    private func finish(_ result: OperationResult) {
        let waiters = state.withLock { state in
            state.results.append(result)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: result) }
    }
}
