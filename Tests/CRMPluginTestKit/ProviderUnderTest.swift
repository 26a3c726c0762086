package import CRMPluginAPI
package import CRMPluginSDK
internal import Synchronization

/// One instance of a provider, called as a host calls it: through the C tables and nothing else.
package final class ProviderUnderTest: Sendable {
    package typealias Factory = (UnsafePointer<CChar>?) -> UnsafeRawPointer?

    private struct Tables: @unchecked Sendable {  // Both are immutable while the instance lives, and callable from any thread.
        let module: crm_module_v1
        let instance: UnsafePointer<crm_provider_v1>
    }

    package let host: FakeHost
    private let tables: Tables
    private let started = Mutex<[RunningOperation]>([])

    /// Throws the provider's own error when it refuses the configuration.
    package init(_ factory: Factory, host: FakeHost, config: JSONValue = [:]) throws {
        self.host = host
        guard let module = factory(CRM_MODULE_ID)?.assumingMemoryBound(to: crm_module_v1.self).pointee else { throw Failure.noModule }
        let refusal = RunningOperation(id: 0)
        let bytes = config.serialized()
        let instance = bytes.withUnsafeBufferPointer { config in
            module.create(host.table, crm_bytes(ptr: config.baseAddress, len: config.count), refusal.context, RunningOperation.done)
        }
        guard let instance else { throw Failure.notCreated(refusal.results.first) }
        tables = Tables(module: module, instance: instance)
    }

    package enum Failure: Error {
        case noModule
        case notCreated(OperationResult?)
    }

    package var descriptor: crm_descriptor_v1 { tables.module.descriptor().pointee }
    package var sdk: String { tables.module.sdk.copied }

    package func manifest() throws -> JSONValue { try JSONValue(parsing: descriptor.manifest_json.copied) }

    package func start(_ call: FakeCall) -> RunningOperation {
        let running = RunningOperation(id: call.id)
        started.withLock { $0.append(running) }
        let instance = tables.instance.pointee
        call.lend { request in instance.start(instance.`self`, request, running.context, RunningOperation.done) }
        return running
    }

    package func run(_ call: FakeCall) async -> OperationResult { await start(call).result }

    package func cancel(_ id: UInt64) {
        let instance = tables.instance.pointee
        instance.cancel(instance.`self`, id)
    }

    /// Closes the instance. Every operation must have ended.
    ///
    /// - Returns: How often each operation ended and how often the instance said that it closed: all of them once, in a correct provider.
    package func close() async -> [Int] {
        let closing = RunningOperation(id: 0)
        let instance = tables.instance.pointee
        instance.close(instance.`self`, closing.context) { context in
            var result = crm_result_v1()
            RunningOperation.done(context, &result)
        }
        _ = await closing.result
        return started.withLock { $0.map(\.results.count) } + [closing.results.count]
    }
}

/// What one `start` is given.
package struct FakeCall: Sendable {
    private static let lastID = Atomic<UInt64>(0)

    package let id: UInt64
    package var operation: UInt32
    package var payload: [UInt8]
    package var credentials: JSONValue
    package var settings: JSONValue = [:]
    package var idempotencyKey = "key-1"
    package var account = "account-1"
    package var attempt: UInt32 = 1
    package var flags: UInt32 = 0
    package var deadline: Int64 = 0
    package var size = UInt32(MemoryLayout<crm_request_v1>.size)

    package init(_ operation: UInt32, _ payload: JSONValue = [:], credentials: JSONValue = [:]) {
        id = Self.lastID.add(1, ordering: .relaxed).newValue
        self.operation = operation
        self.payload = payload.serialized()
        self.credentials = credentials
    }

    /// Lends the request in memory that is overwritten afterwards: who kept a pointer reads rubbish.
    fileprivate func lend(_ use: (UnsafePointer<crm_request_v1>) -> Void) {
        let parts = [Array(idempotencyKey.utf8), Array(account.utf8), credentials.serialized(), settings.serialized(), payload]
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: parts.reduce(1) { $0 + $1.count }, alignment: 8)
        defer { memory.deallocate() }
        memory.copyBytes(from: parts.joined())
        func range(_ index: Int) -> (start: UnsafeMutableRawPointer?, count: Int) {
            (memory.baseAddress.map { $0 + parts[..<index].reduce(0) { $0 + $1.count } }, parts[index].count)
        }
        func text(_ index: Int) -> crm_str {
            let (start, count) = range(index)
            return crm_str(ptr: start.map { UnsafePointer($0.assumingMemoryBound(to: CChar.self)) }, len: count)
        }
        func bytes(_ index: Int) -> crm_bytes {
            let (start, count) = range(index)
            return crm_bytes(ptr: start.map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) }, len: count)
        }
        var request = crm_request_v1(
            struct_size: size, op: operation, op_id: id, deadline_ns: deadline, attempt: attempt, flags: flags,
            idempotency_key: text(0), account: text(1), credentials_json: bytes(2), settings_json: bytes(3), payload_json: bytes(4),
            traceparent: crm_str())
        use(&request)
        for index in memory.indices { memory[index] = UInt8(ascii: "#") }
    }
}
