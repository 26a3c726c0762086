internal import CRMPluginAPI

/// A provider with one operator's configuration, behind the C table that the host calls.
final class ProviderInstance: Sendable {
    private let provider: any CRMProvider
    private let capabilities: Capabilities
    private let services: HostServices
    private let tasks = TaskTable()

    private init(_ provider: any CRMProvider, capabilities: Capabilities, services: HostServices) {
        self.provider = provider
        self.capabilities = capabilities
        self.services = services
    }

    static func create(
        _ type: any CRMProvider.Type, host: crm_host_v1, hostSize: UInt32, config: [UInt8]
    ) throws -> UnsafePointer<crm_provider_v1> {
        guard hostSize == UInt32(MemoryLayout<crm_host_v1>.size) else { throw CRMError.sizeMismatch("crm_host_v1", hostSize) }
        let services = HostServices(host)
        let config = try JSONObject(abiJSON: config, named: "config")
        let provider = try type.init(config: config, context: ProviderContext(services))
        let instance = ProviderInstance(provider, capabilities: type.manifest.capabilities, services: services)
        let table = UnsafeMutablePointer<InstanceTable>.allocate(capacity: 1)
        table.initialize(to: InstanceTable(instance, at: table))
        return UnsafeRawPointer(table).assumingMemoryBound(to: crm_provider_v1.self)
    }

    func start(_ request: crm_request_v1, _ completion: Completion) {
        guard request.struct_size == UInt32(MemoryLayout<crm_request_v1>.size) else {
            return completion.finish(Outcome(failure: CRMError.sizeMismatch("crm_request_v1", request.struct_size)))
        }
        let call = OperationCall(request)
        tasks.begin(call.id)
        // Without the host's executor the preference is nil, and the runtime's own pool does the work.
        let task = Task.detached(executorPreference: services.executor) {
            let outcome = await call.outcome(self.provider, self.capabilities, self.services)
            // The host may close the instance as soon as it hears of the last operation: everything else comes before.
            self.tasks.end(call.id)
            completion.finish(outcome)
        }
        tasks.register(task, for: call.id)
    }

    func cancel(_ id: UInt64) { tasks.cancel(id) }
}

/// The table of one instance with the instance that it stands for, in memory of its own until the instance is closed.
private struct InstanceTable {
    /// First, because the host knows this memory as a `crm_provider_v1`.
    private let table: crm_provider_v1
    private let instance: ProviderInstance

    init(_ instance: ProviderInstance, at memory: UnsafeMutablePointer<InstanceTable>) {
        self.instance = instance
        table = crm_provider_v1(
            struct_size: UInt32(MemoryLayout<crm_provider_v1>.size), reserved: 0, self: memory,
            start: { instance, request, context, done in
                InstanceTable.instance(instance)?.start(request.pointee, Completion(context: context, done: done))
            },
            cancel: { instance, id in InstanceTable.instance(instance)?.cancel(id) },
            extension: { _, _ in nil },
            close: { instance, context, closed in
                let memory = instance?.assumingMemoryBound(to: InstanceTable.self)
                memory?.deinitialize(count: 1)
                memory?.deallocate()
                closed(context)
            })
    }

    private static func instance(_ pointer: UnsafeMutableRawPointer?) -> ProviderInstance? {
        pointer?.assumingMemoryBound(to: InstanceTable.self).pointee.instance
    }
}

extension CRMError {
    static func sizeMismatch(_ name: String, _ size: UInt32) -> CRMError {
        CRMError(
            .internal, code: "abi_mismatch",
            message: "the host's \(name) has \(size) bytes, which this SDK (\(CRMPlugin.version)) does not know")
    }
}

extension JSONObject {
    /// A JSON object that the host handed over; nothing counts as an empty one.
    init(abiJSON bytes: [UInt8], named name: String) throws(CRMError) {
        guard !bytes.isEmpty else {
            self.init()
            return
        }
        do {
            guard let object = try JSONValue(parsing: bytes).objectValue else {
                throw CRMError(.invalidArgument, code: "invalid_\(name)", message: "the \(name) is not a JSON object")
            }
            self = object
        } catch let error as JSONError {
            throw CRMError(
                .invalidArgument, code: "invalid_\(name)", message: "the \(name) is not JSON at byte \(error.offset)",
                details: ["reason": .string(error.code.rawValue)])
        } catch let error as CRMError {
            throw error
        } catch {
            throw CRMError(.internal, code: "internal", message: "the \(name) could not be read")
        }
    }
}
