internal import CRMPluginAPI

/// How a provider ended an operation, in its own bytes.
package struct OperationResult: Sendable {
    package let size: UInt32
    package let status: Int32
    package let retryAfterMilliseconds: UInt32
    package let flags: UInt32
    package let codeBytes: [UInt8]
    package let messageBytes: [UInt8]
    package let payloadBytes: [UInt8]

    /// What is not UTF-8 is replaced.
    package var code: String { codeBytes.text }
    package var message: String { messageBytes.text }
    package var payloadText: String { payloadBytes.text }
    /// Whether everything that should be UTF-8 is.
    package var isText: Bool { codeBytes.isText && messageBytes.isText && payloadBytes.isText }

    init(_ result: crm_result_v1) {
        size = result.struct_size
        guard size == UInt32(MemoryLayout<crm_result_v1>.size) else {
            // Nothing behind a size that nobody knows is worth looking at.
            (status, retryAfterMilliseconds, flags) = (CRM_STATUS_INTERNAL, 0, 0)
            (codeBytes, messageBytes, payloadBytes) = ([], [], [])
            return
        }
        status = result.status
        retryAfterMilliseconds = result.retry_after_ms
        flags = result.flags
        codeBytes = result.code.copiedBytes
        messageBytes = result.message.copiedBytes
        payloadBytes = result.payload_json.copied
    }
}
