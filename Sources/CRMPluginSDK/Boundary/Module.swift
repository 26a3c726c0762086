internal import CRMPluginAPI
internal import Synchronization

/// A provider type behind the C table of its library.
///
/// A library holds one provider type. A test bundle holds several, and the table's functions have no argument that would tell them
/// apart; so each type takes one of a few slots, and each slot has functions of its own.
struct Module: Sendable {
    private let provider: any CRMProvider.Type
    private let table: PermanentPointer<crm_module_v1>
    private let descriptor: PermanentPointer<crm_descriptor_v1>

    private static let modules = Mutex<[Module]>([])

    /// `nil` when the image holds more provider types than there are slots.
    static func table(of provider: any CRMProvider.Type) -> UnsafeRawPointer? {
        modules.withLock { modules in
            if let known = modules.first(where: { $0.provider == provider }) { return UnsafeRawPointer(known.table.pointer) }
            guard modules.count < slots.count else { return nil }
            let module = Module(provider, slot: slots[modules.count])
            modules.append(module)
            return UnsafeRawPointer(module.table.pointer)
        }
    }

    private init(_ provider: any CRMProvider.Type, slot: Slot) {
        self.provider = provider
        let manifest = provider.manifest
        descriptor = PermanentPointer(
            crm_descriptor_v1(
                struct_size: UInt32(MemoryLayout<crm_descriptor_v1>.size), reserved: 0, crm_type: .permanent(manifest.crmType),
                display_name: .permanent(manifest.displayName), version: .permanent(manifest.version),
                capabilities: manifest.capabilities.rawValue, manifest_json: .permanent(manifest.json.serialized())))
        table = PermanentPointer(
            crm_module_v1(
                magic: CRM_MAGIC, struct_size: UInt32(MemoryLayout<crm_module_v1>.size), header_minor: CRM_HEADER_MINOR, reserved: 0,
                sdk: .permanent("CRMPluginSDK/\(CRMPlugin.version) swift/\(compilerVersion)"), descriptor: slot.descriptor,
                create: slot.create, extension: { _ in nil }))
    }

    private static func descriptor(_ slot: Int) -> UnsafePointer<crm_descriptor_v1> {
        modules.withLock { $0[slot].descriptor.pointer }
    }

    private static func create(
        _ slot: Int, _ host: UnsafePointer<crm_host_v1>, _ config: crm_bytes, _ context: UnsafeMutableRawPointer?, _ onError: crm_done_fn
    ) -> UnsafePointer<crm_provider_v1>? {
        let provider = modules.withLock { $0[slot].provider }
        do {
            return try ProviderInstance.create(provider, host: host.pointee, hostSize: host.pointee.struct_size, config: config.copy)
        } catch {
            Completion(context: context, done: onError).finish(Outcome(failure: error))
            return nil
        }
    }

    private struct Slot {
        let descriptor: crm_module_descriptor_fn
        let create: crm_module_create_fn
    }

    private static let slots: [Slot] = [
        Slot(descriptor: { descriptor(0) }, create: { create(0, $0, $1, $2, $3) }),
        Slot(descriptor: { descriptor(1) }, create: { create(1, $0, $1, $2, $3) }),
        Slot(descriptor: { descriptor(2) }, create: { create(2, $0, $1, $2, $3) }),
        Slot(descriptor: { descriptor(3) }, create: { create(3, $0, $1, $2, $3) }),
        Slot(descriptor: { descriptor(4) }, create: { create(4, $0, $1, $2, $3) }),
        Slot(descriptor: { descriptor(5) }, create: { create(5, $0, $1, $2, $3) }),
        Slot(descriptor: { descriptor(6) }, create: { create(6, $0, $1, $2, $3) }),
        Slot(descriptor: { descriptor(7) }, create: { create(7, $0, $1, $2, $3) }),
    ]
}

/// A value that stays where it is for as long as the process lives, and never changes; so any thread may read it.
struct PermanentPointer<Value>: @unchecked Sendable {
    let pointer: UnsafePointer<Value>

    init(_ value: Value) {
        let memory = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        memory.initialize(to: value)
        pointer = UnsafePointer(memory)
    }
}

#if compiler(>=6.4)
    private let compilerVersion = "6.4"
#elseif compiler(>=6.3)
    private let compilerVersion = "6.3"
#else
    private let compilerVersion = "6.2"
#endif
