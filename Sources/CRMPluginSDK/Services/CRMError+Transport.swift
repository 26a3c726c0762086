internal import CRMPluginAPI

extension CRMError {
    /// What the host's transport reports instead of an answer, as the outcome of the operation.
    init(transportError: Int32, changesData: Bool) {
        let maybeWritten: Flags = changesData ? .ambiguous : []
        switch transportError {
        case CRM_HTTP_ERROR_CANCELLED:
            self.init(
                .cancelled, code: "cancelled", message: "stopped because the host asked for it", flags: [.retryable, maybeWritten])
        case CRM_HTTP_ERROR_TIMEOUT:
            self.init(
                .deadlineExceeded, code: "http.timeout", message: "the CRM did not answer in time", flags: [.retryable, maybeWritten])
        case CRM_HTTP_ERROR_DNS:
            self.init(.unavailable, code: "http.dns", message: "the CRM's name could not be resolved", flags: .retryable)
        case CRM_HTTP_ERROR_CONNECT:
            self.init(.unavailable, code: "http.connect", message: "the CRM could not be reached", flags: .retryable)
        case CRM_HTTP_ERROR_TLS:
            self.init(.unavailable, code: "http.tls", message: "no secure connection to the CRM came about", flags: .retryable)
        case CRM_HTTP_ERROR_RESET:
            self.init(
                .upstream, code: "http.reset", message: "the connection to the CRM ended before the answer was complete",
                flags: [.retryable, maybeWritten])
        case CRM_HTTP_ERROR_TOO_LARGE:
            self.init(
                .upstream, code: "http.too_large", message: "the CRM's answer is larger than allowed", flags: [.retryable, maybeWritten])
        case CRM_HTTP_ERROR_BLOCKED:
            self.init(.blockedByPolicy, code: "http.blocked", message: "the host refuses this target")
        case CRM_HTTP_ERROR_REPLAY_MISS:
            self.init(.internal, code: "http.replay_miss", message: "the recording has no answer to this request")
        default:
            self.init(
                .upstream, code: "http.unknown", message: "the call to the CRM failed", flags: [.retryable, maybeWritten],
                details: ["transport_error": .integer(transportError)])
        }
    }
}
