package import CRMPluginAPI
internal import Dispatch
internal import Synchronization

/// A host for one provider in a test: scripted HTTP, virtual time, worker threads, and a record of everything the provider did.
///
/// It must outlive the provider that it was lent to.
package final class FakeHost: Sendable {
    /// Optional services that a test may leave out.
    package enum Service: Sendable, CaseIterable {
        case http
        case executor
        case timer
    }

    package let http: FakeHTTP
    package let timer: FakeTimer
    package let log = FakeLog()
    package let workers: FakeWorkers
    private let services: Set<Service>
    private let memory: HostMemory

    package init(services: Set<Service> = Set(Service.allCases), answer: @escaping FakeHTTP.Script = { _ in .status(200) }) {
        self.services = services
        workers = FakeWorkers()
        http = FakeHTTP(workers, answer)
        timer = FakeTimer(workers)
        memory = HostMemory()
        memory.table.pointee.ctx = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit { memory.table.deallocate() }

    /// What is lent to `create`.
    package var table: UnsafePointer<crm_host_v1> { UnsafePointer(memory.table) }

    fileprivate func service(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case CRM_HTTP_SERVICE_ID: services.contains(.http) ? UnsafeRawPointer(http.table) : nil
        case CRM_TIMER_SERVICE_ID: services.contains(.timer) ? UnsafeRawPointer(timer.table) : nil
        case CRM_EXECUTOR_SERVICE_ID: services.contains(.executor) ? UnsafeRawPointer(workers.table) : nil
        default: nil
        }
    }
}

/// The C table of the host. Written once, before anybody else sees it.
private struct HostMemory: @unchecked Sendable {
    let table = UnsafeMutablePointer<crm_host_v1>.allocate(capacity: 1)

    init() {
        table.initialize(
            to: crm_host_v1(
                struct_size: UInt32(MemoryLayout<crm_host_v1>.size), reserved: 0, ctx: nil,
                service: { context, id in Context<FakeHost>.of(context)?.service(id.copied) },
                log: { context, level, operation, message, fields in
                    Context<FakeHost>.of(context)?.log.write(level, operation, message.copied, fields.copied)
                },
                log_enabled: { _, _ in 1 }))
    }
}

/// An object of the test behind the `ctx` of one of its tables.
enum Context<Object: AnyObject> {
    static func of(_ pointer: UnsafeMutableRawPointer?) -> Object? {
        pointer.map { Unmanaged<Object>.fromOpaque($0).takeUnretainedValue() }
    }
}

extension crm_str {
    var copied: String { String(decoding: UnsafeRawBufferPointer(start: ptr, count: len), as: UTF8.self) }
}

extension crm_bytes {
    var copied: [UInt8] { Array(UnsafeRawBufferPointer(start: ptr, count: len)) }
}

/// Lines that the provider logged.
package final class FakeLog: Sendable {
    package struct Line: Sendable {
        package let level: Int32
        package let operation: UInt64
        package let message: String
        package let fields: String
    }

    private let state = Mutex<[Line]>([])

    package var lines: [Line] { state.withLock { $0 } }

    fileprivate func write(_ level: Int32, _ operation: UInt64, _ message: String, _ fields: [UInt8]) {
        state.withLock {
            $0.append(Line(level: level, operation: operation, message: message, fields: String(decoding: fields, as: UTF8.self)))
        }
    }
}
