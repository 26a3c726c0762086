import CRMCore
import CRMPluginAPI

extension ProviderOutcome {
    private static let maximumCodeBytes = 128
    private static let maximumMessageBytes = 1_024

    /// What a provider answered, as far as it can be believed.
    init(_ result: UnsafePointer<crm_result_v1>) {
        let size = UnsafeRawPointer(result).loadUnaligned(as: UInt32.self)
        guard Int(size) == MemoryLayout<crm_result_v1>.size else {
            self = .providerFault("host.wrong_result", "the provider's result has \(size) bytes: built with another header")
            return
        }
        let result = result.pointee
        let flags = result.flags
        var payload = JSONValue.null
        if result.payload_json.len > 0 {
            guard let parsed = try? JSONValue(parsing: borrowedBytes(result.payload_json)) else {
                self = .providerFault("host.wrong_result", "the provider's result is not JSON")
                isAmbiguous = true
                return
            }
            payload = parsed
        }
        // A crash is for the host to see, not for a provider to say.
        let status = ProviderStatus(rawValue: result.status).flatMap { $0 == .providerCrashed ? nil : $0 } ?? .internal
        self.init(
            status: status,
            code: borrowedText(result.code, limit: Self.maximumCodeBytes),
            message: borrowedText(result.message, limit: Self.maximumMessageBytes),
            retryAfter: result.retry_after_ms > 0 ? .milliseconds(Int64(result.retry_after_ms)) : nil,
            isRetryable: flags & UInt32(CRM_RESULT_RETRYABLE) != 0,
            isAmbiguous: flags & UInt32(CRM_RESULT_AMBIGUOUS) != 0,
            shouldRevalidate: flags & UInt32(CRM_RESULT_REVALIDATE) != 0,
            payload: payload)
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
