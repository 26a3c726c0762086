internal import CRMPluginAPI
package import CRMPluginSDK
internal import Synchronization

/// `crm.http/1` without a network: a test's script answers, and every request is kept.
package final class FakeHTTP: Sendable {
    package typealias Script = @Sendable (Request) -> Reply

    package struct Request: Sendable {
        package let operation: UInt64
        package let method: String
        package let url: String
        package let route: String
        package let headers: [HTTPHeader]
        package let body: [UInt8]
        package let timeoutMilliseconds: UInt32

        package var bodyText: String { String(decoding: body, as: UTF8.self) }
        package var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
        package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    }

    package enum Reply: Sendable {
        case response(Int, [(String, String)], [UInt8])
        /// One of `CRM_HTTP_ERROR_*`.
        case failure(Int32)
        /// No answer until the request is cancelled.
        case silence

        package static func status(_ status: Int) -> Reply { .response(status, [], []) }

        package static func json(_ status: Int, _ body: JSONValue, _ headers: [(String, String)] = []) -> Reply {
            .response(status, [("content-type", "application/vnd.api+json")] + headers, body.serialized())
        }
    }

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
    private let memory: Memory

    init(_ workers: FakeWorkers, _ script: @escaping Script) {
        self.workers = workers
        self.script = script
        memory = Memory()
        memory.table.pointee.ctx = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit { memory.table.deallocate() }

    var table: UnsafePointer<crm_http_service_v1> { UnsafePointer(memory.table) }

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

    /// What a host does by itself with the requests of an operation that it ends.
    package func abort(operation: UInt64) {
        let ids = state.withLock { state in state.pending.filter { $0.value.operation == operation }.map(\.key) }
        for id in ids { reply(to: id, .failure(CRM_HTTP_ERROR_CANCELLED)) }
    }

    private func send(_ request: Request, _ pending: Pending) -> UInt64 {
        let (id, waiters) = state.withLock { state in
            state.requests.append(request)
            let id = UInt64(state.requests.count)
            state.pending[id] = pending
            let count = state.requests.count
            let reached = state.waiters.filter { $0.count <= count }
            state.waiters.removeAll { $0.count <= count }
            return (id, reached)
        }
        for waiter in waiters { waiter.continuation.resume() }
        switch script(request) {
        case .silence: break
        case let answer: reply(to: id, answer)
        }
        return id
    }

    private func cancel(_ id: UInt64) {
        state.withLock { state in if state.pending[id] != nil { state.cancelled += 1 } }
        reply(to: id, .failure(CRM_HTTP_ERROR_CANCELLED))
    }

    private func reply(to id: UInt64, _ reply: Reply) {
        guard let pending = state.withLock({ $0.pending.removeValue(forKey: id) }) else { return }
        workers.run { Self.deliver(reply, to: pending) }
    }

    private static func deliver(_ reply: Reply, to pending: Pending) {
        switch reply {
        case .silence: break
        case .failure(let error):
            var response = crm_http_response_v1()
            response.struct_size = UInt32(MemoryLayout<crm_http_response_v1>.size)
            response.transport_error = error
            pending.done(pending.user, &response)
        case .response(let status, let headers, let body):
            let texts = headers.map { (Array($0.0.utf8), Array($0.1.utf8)) }
            withBorrowed(texts) { headers in
                headers.withUnsafeBufferPointer { headers in
                    body.withUnsafeBufferPointer { body in
                        var response = crm_http_response_v1(
                            struct_size: UInt32(MemoryLayout<crm_http_response_v1>.size), transport_error: CRM_HTTP_ERROR_NONE,
                            status: UInt32(status), reserved: 0, headers: headers.baseAddress, header_count: headers.count,
                            body: crm_bytes(ptr: body.baseAddress, len: body.count), error_message: crm_str())
                        pending.done(pending.user, &response)
                    }
                }
            }
        }
    }

    /// Lends headers for the duration of `use`, and overwrites them afterwards: who kept a pointer reads rubbish.
    private static func withBorrowed(_ texts: [([UInt8], [UInt8])], _ use: ([crm_http_header_v1]) -> Void) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: texts.reduce(0) { $0 + $1.0.count + $1.1.count }, alignment: 1)
        defer { memory.deallocate() }
        var end = 0
        func place(_ bytes: [UInt8]) -> crm_str {
            guard let start = memory.baseAddress else { return crm_str() }
            let place = start + end
            UnsafeMutableRawBufferPointer(start: place, count: bytes.count).copyBytes(from: bytes)
            end += bytes.count
            return crm_str(ptr: UnsafePointer(place.assumingMemoryBound(to: CChar.self)), len: bytes.count)
        }
        use(texts.map { crm_http_header_v1(name: place($0.0), value: place($0.1), flags: 0, reserved: 0) })
        for index in memory.indices { memory[index] = UInt8(ascii: "#") }
    }

    private struct Memory: @unchecked Sendable {  // Written once, before anybody else sees it.
        let table = UnsafeMutablePointer<crm_http_service_v1>.allocate(capacity: 1)

        init() {
            table.initialize(
                to: crm_http_service_v1(
                    struct_size: UInt32(MemoryLayout<crm_http_service_v1>.size), reserved: 0, ctx: nil,
                    send: { context, request, user, done in
                        let pending = Pending(operation: request.pointee.op_id, user: user, done: done)
                        return Context<FakeHTTP>.of(context)?.send(Request(request.pointee), pending) ?? 0
                    },
                    cancel: { context, id in Context<FakeHTTP>.of(context)?.cancel(id) }))
        }
    }
}

extension FakeHTTP.Request {
    fileprivate init(_ request: crm_http_request_v1) {
        operation = request.op_id
        method = request.method.copied
        url = request.url.copied
        route = request.route.copied
        headers = UnsafeBufferPointer(start: request.headers, count: request.header_count).map {
            HTTPHeader($0.name.copied, $0.value.copied, isSensitive: $0.flags & CRM_HTTP_HEADER_SENSITIVE != 0)
        }
        body = request.body.copied
        timeoutMilliseconds = request.timeout_ms
    }
}
