import CRMPluginAPI
import CRMPluginTestKit
import Synchronization

/// A provider straight in C's tables that breaks one promise for each operation code.
enum FaultyModule {
    static let endsTwice: UInt32 = CRM_OP_VENDOR_FIRST
    static let neverEnds: UInt32 = CRM_OP_VENDOR_FIRST + 1
    static let keepsContext: UInt32 = CRM_OP_VENDOR_FIRST + 2
    static let answersNoText: UInt32 = CRM_OP_VENDOR_FIRST + 3
    static let answersInAnotherSize: UInt32 = CRM_OP_VENDOR_FIRST + 4

    private struct Kept: @unchecked Sendable {  // A pointer that is only ever handed back.
        let context: UnsafeMutableRawPointer?
        let done: crm_done_fn
    }

    private static let kept = Mutex<Kept?>(nil)

    /// Ends the operation whose context was kept.
    static func endKept() {
        guard let kept = kept.withLock({ $0 }) else { return }
        end(kept.context, kept.done)
    }

    static func callTheHost(_ host: UnsafePointer<crm_host_v1>) {
        host.pointee.log(host.pointee.ctx, CRM_LOG_INFO, 0, crm_str(), crm_bytes())
    }

    static func factory(_ id: UnsafePointer<CChar>?) -> UnsafeRawPointer? { UnsafeRawPointer(tables.module) }

    private static func start(_ request: crm_request_v1, _ context: UnsafeMutableRawPointer?, _ done: @escaping crm_done_fn) {
        switch request.op {
        case endsTwice:
            end(context, done)
            end(context, done)
        case keepsContext:
            let value = Kept(context: context, done: done)
            kept.withLock { $0 = value }
        case answersNoText:
            ([0xFF, 0xFE] as [UInt8]).withUnsafeBufferPointer { bytes in
                end(context, done) { result in
                    let text = UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
                    result.message = crm_str(ptr: text, len: bytes.count)
                }
            }
        case answersInAnotherSize: end(context, done) { $0.struct_size = 72 }
        default: break
        }
    }

    private static func end(
        _ context: UnsafeMutableRawPointer?, _ done: crm_done_fn, _ change: (inout crm_result_v1) -> Void = { _ in }
    ) {
        var result = crm_result_v1()
        result.struct_size = UInt32(MemoryLayout<crm_result_v1>.size)
        change(&result)
        done(context, &result)
    }

    private struct Tables: @unchecked Sendable {  // Never changed once they are made.
        let module = UnsafeMutablePointer<crm_module_v1>.allocate(capacity: 1)
        let instance = UnsafeMutablePointer<crm_provider_v1>.allocate(capacity: 1)
        let descriptor = UnsafeMutablePointer<crm_descriptor_v1>.allocate(capacity: 1)

        init() {
            descriptor.initialize(to: crm_descriptor_v1())
            instance.initialize(
                to: crm_provider_v1(
                    struct_size: UInt32(MemoryLayout<crm_provider_v1>.size), reserved: 0, self: nil,
                    start: { _, request, context, done in FaultyModule.start(request.pointee, context, done) },
                    cancel: { _, _ in }, extension: { _, _ in nil }, close: { _, context, closed in closed(context) }))
            module.initialize(
                to: crm_module_v1(
                    magic: CRM_MAGIC, struct_size: UInt32(MemoryLayout<crm_module_v1>.size), header_minor: 0, reserved: 0, sdk: crm_str(),
                    descriptor: { UnsafePointer(FaultyModule.tables.descriptor) },
                    create: { _, config, context, onError in
                        switch config.len {
                        case 0: return UnsafePointer(FaultyModule.tables.instance)
                        case 5: for _ in 0..<2 { FaultyModule.end(context, onError) }
                        default: break
                        }
                        return nil
                    }, extension: { _ in nil }))
        }
    }

    private static let tables = Tables()
}
