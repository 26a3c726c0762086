import CRMCore
import CRMPluginAPI

extension ProviderOutcome {
    private static let maximumCodeBytes = 128
    private static let maximumMessageBytes = 1_024

    /// A batch of the largest size with a report per item stays far below.
    private static let maximumPayloadBytes = 8 << 20

    /// What a provider answered, as far as it can be believed, and what was wrong with the rest.
    static func read(_ result: UnsafePointer<crm_result_v1>) -> (outcome: ProviderOutcome, fault: String?) {
        let size = UnsafeRawPointer(result).loadUnaligned(as: UInt32.self)
        guard Int(size) == MemoryLayout<crm_result_v1>.size else { return wrong("has \(size) bytes: built with another header") }
        let result = result.pointee
        // Never copied: whoever hands over a hundred megabytes does not make the host hold them too.
        guard result.payload_json.len <= maximumPayloadBytes else {
            return wrong("is \(result.payload_json.len) bytes long; the host takes \(maximumPayloadBytes)")
        }
        var payload = JSONValue.null
        if result.payload_json.len > 0 {
            let bytes = borrowedBytes(result.payload_json)
            guard let parsed = try? JSONValue(parsing: bytes) else {
                return wrong(String(validating: bytes, as: UTF8.self) == nil ? "is not UTF-8" : "is not JSON")
            }
            payload = parsed
        }
        let code = borrowedBytes(result.code, limit: maximumCodeBytes)
        let message = borrowedBytes(result.message, limit: maximumMessageBytes)
        let flags = result.flags
        // A crash is for the host to see, not for a provider to say.
        let status = ProviderStatus(rawValue: result.status).flatMap { $0 == .providerCrashed ? nil : $0 } ?? .internal
        let outcome = ProviderOutcome(
            status: status,
            code: String(decoding: code, as: UTF8.self),
            message: String(decoding: message, as: UTF8.self),
            retryAfter: result.retry_after_ms > 0 ? .milliseconds(Int64(result.retry_after_ms)) : nil,
            isRetryable: flags & UInt32(CRM_RESULT_RETRYABLE) != 0,
            isAmbiguous: flags & UInt32(CRM_RESULT_AMBIGUOUS) != 0,
            shouldRevalidate: flags & UInt32(CRM_RESULT_REVALIDATE) != 0,
            payload: payload)
        // Cut where it is too long, a text may end inside a character, which is nobody's fault.
        let isBroken = [(code, result.code.len), (message, result.message.len)].contains { bytes, length in
            bytes.count == length && String(validating: bytes, as: UTF8.self) == nil
        }
        return (outcome, isBroken ? "its code or message is not UTF-8" : nil)
    }

    /// The operation may have done its work all the same.
    private static func wrong(_ fault: String) -> (ProviderOutcome, String?) {
        var outcome = providerFault("host.wrong_result", "the provider's result \(fault)")
        outcome.isAmbiguous = true
        return (outcome, "the result \(fault)")
    }

    static func providerFault(_ code: String, _ message: String) -> ProviderOutcome {
        ProviderOutcome(status: .internal, code: code, message: message)
    }

    /// The host had no room for the operation; nothing was sent, and the CRM is not to blame.
    static let busy = ProviderOutcome(
        status: .cancelled, code: "host.busy", message: "the provider was busy with other operations until the deadline", isRetryable: true)

    /// The provider owes too many completions to be given more work.
    static let stuck = ProviderOutcome(
        status: .unavailable, code: "host.provider_stuck", message: "the provider does not complete its operations", isRetryable: true)

    static func ended(by reason: OperationLedger.CancelReason, mayHaveWritten: Bool) -> ProviderOutcome {
        switch reason {
        case .deadline:
            ProviderOutcome(
                status: .deadlineExceeded, code: "host.deadline", message: "the operation did not end before its deadline",
                isRetryable: true,
                isAmbiguous: mayHaveWritten)
        case .caller, .drain:
            ProviderOutcome(
                status: .cancelled, code: "host.cancelled", message: "the operation was cancelled", isRetryable: true,
                isAmbiguous: mayHaveWritten)
        }
    }

    /// The provider's answer in the light of what the host knows about the operation.
    func completed(_ operation: OperationLedger.Operation) -> ProviderOutcome {
        var outcome = self
        switch (status, operation.phase) {
        case (.cancelled, .cancelling(let reason)):
            outcome = .ended(by: reason, mayHaveWritten: operation.mayHaveWritten || isAmbiguous)
        case (.cancelled, _):
            // "Cancelled" burns no attempt: a provider that says so unasked would be tried for ever.
            outcome = .providerFault("host.unasked_cancel", "the provider cancelled an operation that nobody had cancelled")
            outcome.isAmbiguous = operation.mayHaveWritten
        case (.deadlineExceeded, _):
            outcome.isAmbiguous = isAmbiguous || operation.mayHaveWritten
        default: break
        }
        outcome.httpStatus = operation.lastHTTPStatus
        return outcome
    }
}
