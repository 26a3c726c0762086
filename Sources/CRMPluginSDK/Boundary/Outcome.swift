internal import CRMPluginAPI

/// How an operation ended, ready to cross the boundary.
struct Outcome: Sendable {
    var status: Int32
    var retryAfterMilliseconds: UInt32 = 0
    var flags: UInt32 = 0
    var code = ""
    var message = ""
    var payload: JSONObject

    init(result: JSONObject) {
        status = CRM_STATUS_OK
        payload = result
    }

    init(failure: any Error) {
        switch failure {
        case let error as CRMError:
            status = error.status.rawValue
            retryAfterMilliseconds = error.retryAfter?.abiMilliseconds ?? 0
            flags = error.flags.rawValue
            code = error.code
            message = error.message
            payload = error.details.isEmpty ? [:] : ["details": .object(error.details)]
        case is CancellationError:
            status = CRM_STATUS_CANCELLED
            flags = CRM_RESULT_RETRYABLE
            code = "cancelled"
            message = "stopped because the host asked for it"
            payload = [:]
        default:
            // What an unknown error prints may hold what a customer or a merchant typed; its type does not.
            status = CRM_STATUS_INTERNAL
            code = "internal"
            message = "the provider failed with \(type(of: failure))"
            payload = [:]
        }
    }
}

/// The right to end one operation. Whoever holds it uses it once.
struct Completion: @unchecked Sendable {  // The host takes `done` with its context from any thread.
    private let context: UnsafeMutableRawPointer?
    private let done: crm_done_fn

    init(context: UnsafeMutableRawPointer?, done: crm_done_fn) {
        self.context = context
        self.done = done
    }

    func finish(_ outcome: Outcome) {
        var texts = BorrowedTexts(capacity: 256)
        let code = texts.append(outcome.code.utf8)
        let message = texts.append(outcome.message.utf8)
        let payload = texts.append(outcome.payload.isEmpty ? [] : JSONValue.object(outcome.payload).serialized())
        texts.storage.withUnsafeBytes { memory in
            var result = crm_result_v1(
                struct_size: UInt32(MemoryLayout<crm_result_v1>.size), status: outcome.status,
                retry_after_ms: outcome.retryAfterMilliseconds, flags: outcome.flags, code: memory.text(code),
                message: memory.text(message), payload_json: memory.bytes(payload))
            done(context, &result)
        }
    }
}

extension Duration {
    /// Whole milliseconds, rounded up; at least 1, because 0 means "did not say" across the boundary.
    var abiMilliseconds: UInt32 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 1 }
        guard seconds < Int64(UInt32.max / 1_000) else { return .max }
        return UInt32(max(1, seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }
}
