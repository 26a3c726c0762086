package import CRMPluginAPI
internal import Synchronization

/// A host for one provider in a test: scripted HTTP, virtual time, worker threads, and a record of everything the provider did.
///
/// A provider may outlive it: calls that come too late are counted and do nothing.
package final class FakeHost: Sendable {
    /// Services that a test may leave out.
    package enum Service: Sendable, CaseIterable {
        case http
        case executor
        case timer
        case cache
        case metrics
    }

    private struct State {
        var operations: [UInt64: FakeCache.Owner] = [:]
        var instances = 0
        var violations: [Violation] = []
    }

    package let http: FakeHTTP
    package let timer: FakeTimer
    package let cache: FakeCache
    package let metrics = FakeMetrics()
    package let log = FakeLog()
    package let workers: FakeWorkers
    private let services: Set<Service>
    private let state = Mutex(State())
    private let tables: HostTables
    private let handle: Handle

    package init(
        services: Set<Service> = Set(Service.allCases), workers: FakeWorkers.Mode = .threads, timers: FakeTimer.Mode = .held,
        answer: @escaping FakeHTTP.Script = { _ in .status(200) }
    ) {
        self.services = services
        self.workers = FakeWorkers(workers)
        http = FakeHTTP(self.workers, answer)
        timer = FakeTimer(self.workers, timers)
        cache = FakeCache(self.workers, timer)
        handle = Self.handles.reserve()
        tables = HostTables(handle)
        Self.handles.insert(self, as: handle)
    }

    deinit { Self.handles.remove(handle) }

    private static let handles = Handles<FakeHost>()

    /// How often a library called a host that had gone.
    package static var lateCallCount: Int { handles.strayCount }

    /// What is lent to `create`.
    package var table: UnsafePointer<crm_host_v1> { tables.host }

    /// Promises that the provider broke.
    package var violations: [Violation] { state.withLock { $0.violations } }

    static func called(_ context: UnsafeMutableRawPointer?, _ function: String) -> FakeHost? {
        guard let host = handles.object(context) else { return nil }
        let isClosed = host.state.withLock { state in
            if state.instances == 0 { state.violations.append(.calledAfterClose(function)) }
            return state.instances == 0
        }
        return isClosed ? nil : host
    }

    func report(_ violation: Violation) { state.withLock { $0.violations.append(violation) } }

    /// From the call of `create` on.
    func opened() { state.withLock { $0.instances += 1 } }
    func closed() { state.withLock { $0.instances -= 1 } }

    func begin(_ call: FakeCall) {
        state.withLock { $0.operations[call.id] = FakeCache.Owner(account: call.account, credentials: call.credentialsJSON) }
    }

    func end(operation: UInt64) {
        let wasInFlight = state.withLock { $0.operations.removeValue(forKey: operation) != nil }
        if wasInFlight { cache.end(operation: operation) }
    }

    /// Whose operation this is; `nil` when it is not in flight.
    func owner(of operation: UInt64, using service: String) -> FakeCache.Owner? {
        state.withLock { state in
            if let owner = state.operations[operation] { return owner }
            state.violations.append(.operationGone(operation, service: service))
            return nil
        }
    }

    func service(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case CRM_HTTP_SERVICE_ID: services.contains(.http) ? UnsafeRawPointer(tables.http) : nil
        case CRM_TIMER_SERVICE_ID: services.contains(.timer) ? UnsafeRawPointer(tables.timer) : nil
        case CRM_EXECUTOR_SERVICE_ID: services.contains(.executor) ? UnsafeRawPointer(tables.executor) : nil
        case CRM_CACHE_SERVICE_ID: services.contains(.cache) ? UnsafeRawPointer(tables.cache) : nil
        case CRM_METRICS_SERVICE_ID: services.contains(.metrics) ? UnsafeRawPointer(tables.metrics) : nil
        default: nil
        }
    }

    func send(_ request: crm_http_request_v1, _ user: UnsafeMutableRawPointer?, _ done: @escaping crm_http_done_fn) -> UInt64 {
        var refusal: FakeHTTP.Reply?
        if request.struct_size != UInt32(MemoryLayout<crm_http_request_v1>.size) {
            report(.size(of: "crm_http_request_v1", request.struct_size))
            refusal = .failure(CRM_HTTP_ERROR_BLOCKED)
        } else if request.op_id != 0, owner(of: request.op_id, using: CRM_HTTP_SERVICE_ID) == nil {
            refusal = .failure(CRM_HTTP_ERROR_BLOCKED)
        }
        return http.send(request, user, done, refusal: refusal)
    }

    func log(_ level: Int32, _ operation: UInt64, _ message: crm_str, _ fields: crm_bytes) {
        let fields = fields.copied
        if !message.isText || !fields.isText { report(.notText("log")) }
        log.write(FakeLog.Line(level: level, operation: operation, message: message.copied, fields: fields.text))
    }
}
