internal import CRMPluginAPI

/// How an operation failed, in the vocabulary that the host acts on: it alone decides whether and when to try again.
public struct CRMError: Error, Sendable {
    /// The ABI's `CRM_STATUS_*` that a provider may answer.
    public enum Status: Int32, Sendable, CaseIterable {
        case cancelled = 1
        case unsupported = 2
        case invalidArgument = 3
        case invalidCredentials = 4
        case permissionDenied = 5
        case notFound = 6
        case conflict = 7
        case rateLimited = 8
        case upstream = 9
        case unavailable = 10
        case deadlineExceeded = 11
        case blockedByPolicy = 12
        case `internal` = 13
    }

    public struct Flags: OptionSet, Sendable, Hashable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// The same request may succeed later.
        public static let retryable = Flags(rawValue: CRM_RESULT_RETRYABLE)
        /// The write may have happened.
        public static let ambiguous = Flags(rawValue: CRM_RESULT_AMBIGUOUS)
        /// The credentials should be checked again.
        public static let revalidate = Flags(rawValue: CRM_RESULT_REVALIDATE)
    }

    public var status: Status
    /// Stable and machine-readable: `klaviyo.duplicate_profile`.
    public var code: String
    /// For people. Holds no credential and no personal data.
    public var message: String
    /// The pause that the CRM asks for.
    public var retryAfter: Duration?
    public var flags: Flags
    /// What helps to find the cause: a pointer, the CRM's own code. Holds no credential and no personal data.
    public var details: JSONObject

    public init(
        _ status: Status, code: String, message: String, retryAfter: Duration? = nil, flags: Flags = [], details: JSONObject = [:]
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        self.flags = flags
        self.details = details
    }

    public static func unsupported(_ operation: ProviderOperation) -> CRMError {
        CRMError(.unsupported, code: "unsupported", message: "this provider does not offer \(operation.name)")
    }
}
