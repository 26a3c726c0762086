/// What a provider can be asked to do; the numbers are the ABI's `CRM_OP_*`.
package enum ProviderOperation: UInt32, Sendable, CaseIterable {
    case validateCredentials = 1
    case createOrUpdateContact = 2
    case sendEvent = 3
    case getContact = 4
    case batch = 5
}

/// One operation that the host asks of a provider.
package struct ProviderRequest: Sendable {
    package var operation: ProviderOperation
    /// JSON, as the provider's credential schema describes it.
    package var credentials: Secret
    package var settings: JSONObject
    package var payload: JSONValue
    /// The same for every attempt of the same write.
    package var idempotencyKey: String
    /// What stands for the merchant's connection: `account(of:_:)`.
    package var account: String
    package var attempt: Int
    /// An earlier attempt may have happened.
    package var lookBeforeWrite: Bool
    package var dryRun: Bool
    package var traceparent: String?
    package var timeout: Duration

    /// One name for all that concerns a merchant and a CRM: the same when credentials are tried, when they are stored, after a reconnect,
    /// so that what a provider remembers or derives from it holds.
    package static func account(of merchant: MerchantID, _ type: CRMType) -> String { "\(merchant)/\(type)" }

    package init(
        operation: ProviderOperation, credentials: Secret, settings: JSONObject = [:], payload: JSONValue, idempotencyKey: String,
        account: String, attempt: Int = 1, lookBeforeWrite: Bool = false, dryRun: Bool = false, traceparent: String? = nil,
        timeout: Duration = .seconds(8)
    ) {
        self.operation = operation
        self.credentials = credentials
        self.settings = settings
        self.payload = payload
        self.idempotencyKey = idempotencyKey
        self.account = account
        self.attempt = attempt
        self.lookBeforeWrite = lookBeforeWrite
        self.dryRun = dryRun
        self.traceparent = traceparent
        self.timeout = timeout
    }
}

/// How an operation ended; the numbers are the ABI's `CRM_STATUS_*`, and what is unknown there is `internal`.
package enum ProviderStatus: Int32, Sendable, CaseIterable {
    case ok = 0
    case cancelled, unsupported, invalidArgument, invalidCredentials, permissionDenied, notFound, conflict, rateLimited, upstream
    case unavailable, deadlineExceeded, blockedByPolicy, `internal`, providerCrashed

    /// The name in sync logs and metrics.
    package var name: String {
        switch self {
        case .ok: "ok"
        case .cancelled: "cancelled"
        case .unsupported: "unsupported"
        case .invalidArgument: "invalid_argument"
        case .invalidCredentials: "invalid_credentials"
        case .permissionDenied: "permission_denied"
        case .notFound: "not_found"
        case .conflict: "conflict"
        case .rateLimited: "rate_limited"
        case .upstream: "upstream"
        case .unavailable: "unavailable"
        case .deadlineExceeded: "deadline_exceeded"
        case .blockedByPolicy: "blocked_by_policy"
        case .internal: "internal"
        case .providerCrashed: "provider_crashed"
        }
    }
}

/// A provider's answer, or the host's where the provider gave none.
package struct ProviderOutcome: Sendable {
    package var status: ProviderStatus
    /// Stable and machine-readable, `klaviyo.duplicate_profile`; empty when all went well.
    package var code: String
    /// For people; holds no secret and no personal data.
    package var message: String
    /// The pause that the CRM asks for.
    package var retryAfter: Duration?
    package var isRetryable: Bool
    /// The write may have happened.
    package var isAmbiguous: Bool
    package var shouldRevalidate: Bool
    /// The operation's result; on failure details, or `null`.
    package var payload: JSONValue
    /// Of the library that answered; empty when none did.
    package var providerVersion: String
    /// The last HTTP status that the CRM answered during the operation.
    package var httpStatus: Int?
    package var duration: Duration

    package init(
        status: ProviderStatus, code: String = "", message: String = "", retryAfter: Duration? = nil, isRetryable: Bool = false,
        isAmbiguous: Bool = false, shouldRevalidate: Bool = false, payload: JSONValue = .null, providerVersion: String = "",
        httpStatus: Int? = nil, duration: Duration = .zero
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        self.isRetryable = isRetryable
        self.isAmbiguous = isAmbiguous
        self.shouldRevalidate = shouldRevalidate
        self.payload = payload
        self.providerVersion = providerVersion
        self.httpStatus = httpStatus
        self.duration = duration
    }

    /// What the operation left out although it succeeded: `{code, field?, detail}` each.
    package var warnings: [JSONValue] { payload["warnings"]?.arrayValue ?? [] }
    package var remoteID: String? { payload["remote_id"]?.stringValue }
}

/// What a loaded provider says of itself, and how it is doing.
package struct ProviderDescription: Sendable, Hashable {
    package var crmType: CRMType
    package var displayName: String
    package var version: String
    /// Bits of the ABI's `CRM_CAPABILITY_*`.
    package var capabilities: UInt64
    package var credentialSchema: JSONValue
    package var settingsSchema: JSONValue
    package var documentationURL: String?
    /// SHA-256 of the library in hexadecimal.
    package var sha256: String

    package init(
        crmType: CRMType, displayName: String, version: String, capabilities: UInt64, credentialSchema: JSONValue,
        settingsSchema: JSONValue, documentationURL: String?, sha256: String
    ) {
        self.crmType = crmType
        self.displayName = displayName
        self.version = version
        self.capabilities = capabilities
        self.credentialSchema = credentialSchema
        self.settingsSchema = settingsSchema
        self.documentationURL = documentationURL
        self.sha256 = sha256
    }

    /// Capabilities by name, in the order of their bits.
    package var capabilityNames: [String] {
        Self.names.filter { capabilities & (1 << $0.bit) != 0 }.map(\.name)
    }

    private static let names: [(bit: UInt64, name: String)] = [
        (0, "validate_credentials"), (1, "create_or_update_contact"), (2, "send_event"), (3, "get_contact"), (4, "batch"),
        (5, "delete_contact"), (6, "set_consent"), (8, "dry_run"), (9, "idempotent_upsert"), (10, "events_deduplicated"),
        (11, "external_ids"),
    ]
}
