/// Why there is no answer. The codes are the ABI's `CRM_HTTP_ERROR_*`; the message is constant text without address or secret.
package struct HTTPFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Int32, Sendable, CaseIterable {
        case cancelled = 1
        case timeout, dns, connect, tls
        /// The connection ended before the answer was complete: the other side may have acted.
        case reset
        case tooLarge
        /// Refused here; no packet was sent.
        case blocked
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(code): \(message)" }

    package static let cancelled = HTTPFailure(.cancelled, "the request was cancelled")
    package static let malformedRequest = HTTPFailure(.blocked, "the request's method or one of its headers is not allowed")
    /// One text for every target that is refused, so that the answer tells nothing about what lives there.
    package static let blockedTarget = HTTPFailure(.blocked, "the target is not allowed by the egress policy")
    static let blockedURL = HTTPFailure(.blocked, "the URL is not one that the egress policy can judge")
    static let tooLarge = HTTPFailure(.tooLarge, "the answer is larger than the limit")
}
