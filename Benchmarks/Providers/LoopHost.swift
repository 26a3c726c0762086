import CRMPluginAPI

/// A host without threads and without a network, as small as it can be: what it costs must not hide what a provider costs.
///
/// Everything happens on the thread that calls `run`: jobs and answers wait in one queue, in their order. It copies what a real host has
/// to copy, the request and the result. Its memory is never given back.
final class LoopHost {
    private struct Task {
        enum Kind {
            case job(crm_job_fn)
            case answer(crm_http_done_fn, Int)
            case cached(crm_cache_answer_fn, Int32, UInt64, [UInt8])
        }

        let kind: Kind
        let user: UnsafeMutableRawPointer?
    }

    let table = UnsafeMutablePointer<crm_host_v1>.allocate(capacity: 1)
    private let http = UnsafeMutablePointer<crm_http_service_v1>.allocate(capacity: 1)
    private let executor = UnsafeMutablePointer<crm_executor_v1>.allocate(capacity: 1)
    private let timer = UnsafeMutablePointer<crm_timer_v1>.allocate(capacity: 1)
    private let cache = UnsafeMutablePointer<crm_cache_v1>.allocate(capacity: 1)
    private let answers: [Scenario.Answer]
    // One thread uses all of this: looking whether two do would cost more than some providers.
    @exclusivity(unchecked) private var waiting: [Task] = []
    private var entries: [String: [UInt8]] = [:]
    private var keys: [UInt64: String] = [:]
    private let copies = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
    @exclusivity(unchecked) private var copied = 0
    @exclusivity(unchecked) private(set) var requestCount = 0
    @exclusivity(unchecked) private(set) var results = 0
    @exclusivity(unchecked) private(set) var lastStatus: Int32 = -1
    private(set) var lastCode = ""

    init(_ answers: [Scenario.Answer]) {
        self.answers = answers
        waiting.reserveCapacity(64)
        let context = Unmanaged.passRetained(self).toOpaque()
        table.initialize(
            to: crm_host_v1(
                struct_size: 40, reserved: 0, ctx: context,
                service: { context, id in LoopHost.of(context).service(id) }, log: { _, _, _, _, _ in }, log_enabled: { _, _ in 0 }))
        http.initialize(
            to: crm_http_service_v1(
                struct_size: 32, reserved: 0, ctx: context,
                send: { context, request, user, done in LoopHost.of(context).send(request, user, done) }, cancel: { _, _ in }))
        executor.initialize(
            to: crm_executor_v1(
                struct_size: 24, reserved: 0, ctx: context,
                submit: { context, function, job in LoopHost.of(context).waiting.append(Task(kind: .job(function), user: job)) }))
        timer.initialize(
            to: crm_timer_v1(
                struct_size: 48, reserved: 0, ctx: context, now_monotonic_ns: { _ in 1 }, now_wall_ns: { _ in 1_793_527_200_000_000_000 },
                after: { _, _, _, _ in 1 }, cancel: { _, _ in 0 }))
        cache.initialize(
            to: crm_cache_v1(
                struct_size: 48, reserved: 0, ctx: context,
                acquire: { context, _, key, _, user, answer in LoopHost.of(context).acquire(key.text, user, answer) },
                put: { context, ticket, value, _ in LoopHost.of(context).put(ticket, value) }, give_up: { _, _ in },
                remove: { context, _, key, _ in LoopHost.of(context).entries[key.text] = nil }))
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> LoopHost {
        guard let context else { preconditionFailure("a provider lost the host's context") }
        return Unmanaged<LoopHost>.fromOpaque(context).takeUnretainedValue()
    }

    /// Starts one operation and does all that it asks for, until it has ended.
    ///
    /// - Returns: Whether it ended.
    func run(_ provider: UnsafePointer<crm_provider_v1>, _ request: UnsafePointer<crm_request_v1>) -> Bool {
        let before = results
        provider.pointee.start(provider.pointee.`self`, request, table.pointee.ctx) { context, result in
            LoopHost.of(context).finish(result)
        }
        var next = 0
        while next < waiting.count {
            perform(waiting[next])
            next += 1
        }
        waiting.removeAll(keepingCapacity: true)
        return results == before + 1
    }

    private func perform(_ task: Task) {
        switch task.kind {
        case .job(let function): function(task.user)
        case .answer(let done, let index): answers[index].lend { done(task.user, $0) }
        case .cached(let answer, let outcome, let ticket, let value):
            value.withUnsafeBufferPointer { answer(task.user, outcome, ticket, crm_bytes(ptr: $0.baseAddress, len: $0.count)) }
        }
    }

    private func finish(_ result: UnsafePointer<crm_result_v1>) {
        results += 1
        copied = 0
        keep(result.pointee.payload_json.ptr, result.pointee.payload_json.len)
        lastStatus = result.pointee.status
        if lastStatus != CRM_STATUS_OK { lastCode = "\(result.pointee.code.text): \(result.pointee.message.text)" }
    }

    private func send(
        _ request: UnsafePointer<crm_http_request_v1>, _ user: UnsafeMutableRawPointer?, _ done: @escaping crm_http_done_fn
    ) -> UInt64 {
        requestCount += 1
        let request = request.pointee
        copied = 0
        keep(request.method.ptr, request.method.len)
        keep(request.url.ptr, request.url.len)
        keep(request.route.ptr, request.route.len)
        for header in UnsafeBufferPointer(start: request.headers, count: request.header_count) {
            keep(header.name.ptr, header.name.len)
            keep(header.value.ptr, header.value.len)
        }
        keep(request.body.ptr, request.body.len)
        let index = answers.count == 1 ? 0 : answers.firstIndex { request.url.text.contains($0.url) } ?? 0
        waiting.append(Task(kind: .answer(done, index), user: user))
        return UInt64(requestCount)
    }

    private func keep(_ start: UnsafeRawPointer?, _ count: Int) {
        guard let start, copied + count <= copies.count, let target = copies.baseAddress else { return }
        (target + copied).copyMemory(from: start, byteCount: count)
        copied += count
    }

    private func acquire(_ key: String, _ user: UnsafeMutableRawPointer?, _ answer: @escaping crm_cache_answer_fn) {
        if let value = entries[key] {
            waiting.append(Task(kind: .cached(answer, CRM_CACHE_FOUND, 0, value), user: user))
        } else {
            let ticket = UInt64(keys.count + 1)
            keys[ticket] = key
            waiting.append(Task(kind: .cached(answer, CRM_CACHE_MAKE, ticket, []), user: user))
        }
    }

    private func put(_ ticket: UInt64, _ value: crm_bytes) {
        guard let key = keys[ticket] else { return }
        entries[key] = Array(UnsafeBufferPointer(start: value.ptr, count: value.len))
    }

    private func service(_ id: crm_str) -> UnsafeRawPointer? {
        switch id.text {
        case CRM_HTTP_SERVICE_ID: UnsafeRawPointer(http)
        case CRM_EXECUTOR_SERVICE_ID: UnsafeRawPointer(executor)
        case CRM_TIMER_SERVICE_ID: UnsafeRawPointer(timer)
        case CRM_CACHE_SERVICE_ID: UnsafeRawPointer(cache)
        default: nil
        }
    }
}

extension crm_str {
    var text: String { String(decoding: UnsafeRawBufferPointer(start: ptr, count: len), as: UTF8.self) }
}
