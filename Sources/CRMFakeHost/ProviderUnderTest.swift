package import CRMPluginAPI
internal import Synchronization

/// One instance of a provider, called as a host calls it: through the C tables and nothing else.
package final class ProviderUnderTest: Sendable {
    package typealias Factory = (UnsafePointer<CChar>?) -> UnsafeRawPointer?

    package enum Failure: Error {
        case noModule
        /// The library's table has another size than the ABI's.
        case wrongSize(of: String, UInt32)
        /// The provider refused the configuration, and said why; `nil`: it did not.
        case notCreated(OperationResult?)
        /// It refused the configuration, and said why that many times.
        case refusedRepeatedly(Int)
    }

    private struct Tables: @unchecked Sendable {  // Both are immutable while the instance lives, and callable from any thread.
        let module: crm_module_v1
        let instance: UnsafePointer<crm_provider_v1>
    }

    package let host: FakeHost
    private let tables: Tables
    private let started = Mutex<[RunningOperation]>([])

    package init(_ factory: Factory, host: FakeHost, config: [UInt8]) throws {
        self.host = host
        let module = try Self.module(factory)
        let refusal = RunningOperation(id: 0)
        host.opened()
        let instance = LentMemory.lend([config]) { memory in
            module.create(host.table, memory.bytes(config), refusal.context, RunningOperation.done)
        }
        guard let instance else {
            host.closed()
            guard refusal.results.count < 2 else { throw Failure.refusedRepeatedly(refusal.results.count) }
            throw Failure.notCreated(refusal.results.first)
        }
        if !refusal.results.isEmpty { host.report(.refusedAndMade) }
        let size = instance.pointee.struct_size
        guard size == UInt32(MemoryLayout<crm_provider_v1>.size) else {
            host.closed()
            throw Failure.wrongSize(of: "crm_provider_v1", size)
        }
        tables = Tables(module: module, instance: instance)
    }

    private static func module(_ factory: Factory) throws -> crm_module_v1 {
        guard let table = factory(CRM_MODULE_ID) else { throw Failure.noModule }
        let (magic, size) = (table.load(as: UInt32.self), table.load(fromByteOffset: 4, as: UInt32.self))
        guard magic == CRM_MAGIC else { throw Failure.noModule }
        guard size == UInt32(MemoryLayout<crm_module_v1>.size) else { throw Failure.wrongSize(of: "crm_module_v1", size) }
        return table.assumingMemoryBound(to: crm_module_v1.self).pointee
    }

    package var descriptor: crm_descriptor_v1 { tables.module.descriptor().pointee }
    package var manifestBytes: [UInt8] { descriptor.manifest_json.copied }
    package var sdk: String { tables.module.sdk.copied }
    /// The table of the instance, for those who call it in their own way.
    package var instance: UnsafePointer<crm_provider_v1> { tables.instance }

    package func start(_ call: FakeCall) -> RunningOperation {
        let host = host
        let running = RunningOperation(id: call.id) { count in
            host.end(operation: call.id)
            if count > 1 { host.report(.endedAgain(call.id)) }
        }
        started.withLock { $0.append(running) }
        host.begin(call)
        let instance = tables.instance.pointee
        call.lend { request in instance.start(instance.`self`, request, running.context, RunningOperation.done) }
        return running
    }

    package func run(_ call: FakeCall) async -> OperationResult { await start(call).result }

    /// Tells the provider, and nobody else.
    package func cancel(_ id: UInt64) {
        let instance = tables.instance.pointee
        instance.cancel(instance.`self`, id)
    }

    /// Ends an operation as a host does: tells the provider, and answers for its requests and its waiting by itself.
    package func stop(_ id: UInt64) {
        cancel(id)
        host.http.abort(operation: id)
        host.cache.end(operation: id)
    }

    /// Closes the instance. Every operation must have ended.
    ///
    /// - Returns: How often each operation ended and how often the instance said that it closed: all of them once, in a correct provider.
    package func close() async -> [Int] {
        let closing = startClosing()
        _ = await closing.result
        return completionCounts + [closing.results.count]
    }

    /// Closes the instance, and waits so long for it to say that it has. `nil`: it did not.
    package func close(within seconds: Double) async -> [Int]? {
        let closing = startClosing()
        guard await closing.result(within: seconds) != nil else { return nil }
        return completionCounts + [closing.results.count]
    }

    /// How often each operation ended so far, in the order of their starts.
    package var completionCounts: [Int] { started.withLock { $0.map(\.results.count) } }

    private func startClosing() -> RunningOperation {
        let host = host
        let closing = RunningOperation(id: 0) { count in
            count == 1 ? host.closed() : host.report(.closedAgain)
        }
        // Remembered, so that a second "closed" finds it.
        closings.withLock { $0.append(closing) }
        let instance = tables.instance.pointee
        instance.close(instance.`self`, closing.context, RunningOperation.closed)
        return closing
    }

    private let closings = Mutex<[RunningOperation]>([])
}
