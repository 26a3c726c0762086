/// The codes of problems: a closed set, each with its status and meaning. The OpenAPI document and `docs/errors.md` list it.
package enum ProblemCode: String, Sendable, CaseIterable {
    // 400
    case malformedRequest = "malformed_request"
    case invalidJSON = "invalid_json"
    case unknownField = "unknown_field"
    case invalidInput = "invalid_input"
    case unknownParameter = "unknown_parameter"
    case invalidParameter = "invalid_parameter"
    case invalidCursor = "invalid_cursor"
    case invalidIdempotencyKey = "invalid_idempotency_key"
    // 401, 403
    case tokenInvalid = "token_invalid"
    case tokenExpired = "token_expired"
    case notAMerchant = "not_a_merchant"
    case merchantDisabled = "merchant_disabled"
    case signInRefused = "sign_in_refused"
    // 404, 405
    case routeNotFound = "route_not_found"
    case unknownProvider = "unknown_provider"
    case connectionNotFound = "connection_not_found"
    case contactNotFound = "contact_not_found"
    case deliveryNotFound = "delivery_not_found"
    case methodNotAllowed = "method_not_allowed"
    // 409
    case noIntegrations = "no_integrations"
    case notConnected = "not_connected"
    case crmConflict = "crm_conflict"
    case changedMeanwhile = "changed_meanwhile"
    // 413, 415
    case bodyTooLarge = "body_too_large"
    case unsupportedMediaType = "unsupported_media_type"
    case unsupportedEncoding = "unsupported_encoding"
    // 422
    case idempotencyMismatch = "idempotency_mismatch"
    case credentialsRejected = "credentials_rejected"
    case permissionMissing = "permission_missing"
    case refusedByCRM = "refused_by_crm"
    case unsupportedByProvider = "unsupported_by_provider"
    case targetNotAllowed = "target_not_allowed"
    // 5xx
    case internalError = "internal_error"
    case credentialsUnreadable = "credentials_unreadable"
    case crmUnreachable = "crm_unreachable"
    case providerFailed = "provider_failed"
    case providerUnavailable = "provider_unavailable"
    case crmUnavailable = "crm_unavailable"
    case crmRateLimited = "crm_rate_limited"
    case crmTimeout = "crm_timeout"
    case keysUnavailable = "keys_unavailable"
    case serviceUnavailable = "service_unavailable"
    case notReady = "not_ready"
}

extension ProblemCode {
    package var status: Int { facts.status }
    /// The same for every occurrence.
    package var title: String { facts.title }
    /// What a client does about it.
    package var remedy: String { facts.remedy }

    private static let sayItRight = "Change the request; sending it again as it is fails again."
    private static let later = "Send it again after Retry-After."

    private var facts: (status: Int, title: String, remedy: String) {
        switch self {
        case .malformedRequest: (400, "The request is not well-formed HTTP", Self.sayItRight)
        case .invalidJSON: (400, "The body is not acceptable JSON", Self.sayItRight)
        case .unknownField: (400, "The body has a field that is not known", "Leave out the fields that `errors` points at.")
        case .invalidInput: (400, "The body breaks the rules of its shape", "Correct what `errors` points at.")
        case .unknownParameter: (400, "The query has a parameter that is not known", Self.sayItRight)
        case .invalidParameter: (400, "A parameter is missing, repeated or out of range", Self.sayItRight)
        case .invalidCursor: (400, "The cursor does not belong to this list", "Start again without a cursor.")
        case .invalidIdempotencyKey: (400, "The Idempotency-Key is not usable", "Send 1 to 255 printable ASCII characters.")
        case .tokenInvalid: (401, "The request has no valid token", "Sign in and send the new ID token.")
        case .tokenExpired: (401, "The token has expired", "Refresh the ID token and send the request again.")
        case .notAMerchant: (403, "This user has no merchant yet", "Call POST /auth/bootstrap once.")
        case .merchantDisabled: (403, "This merchant is disabled", "Ask the operator of this service.")
        case .signInRefused: (403, "This kind of sign-in is not admitted", "Sign in with an account that is not anonymous.")
        case .routeNotFound: (404, "There is nothing at this path", "Look the path up in /openapi.json.")
        case .unknownProvider: (404, "No provider of this name is in service", "Use one that GET /crm/providers lists.")
        case .connectionNotFound: (404, "This CRM is not connected", "Nothing has to be done.")
        case .contactNotFound: (404, "The CRM has no such contact", "Send the contact first.")
        case .deliveryNotFound: (404, "There is no such delivery", "Check the id; finished deliveries are kept for a limited time.")
        case .methodNotAllowed: (405, "The path does not take this method", "Use a method that Allow names.")
        case .noIntegrations: (409, "No CRM is connected", "Call POST /crm/connect first.")
        case .notConnected: (409, "This CRM is not connected", "Call POST /crm/connect with this crm_type first.")
        case .crmConflict: (409, "The CRM holds something that contradicts the request", "Resolve it in the CRM.")
        case .changedMeanwhile: (409, "Another request changed this at the same time", "Send it again.")
        case .bodyTooLarge: (413, "The body is too large", "Send at most 256 KiB.")
        case .unsupportedMediaType: (415, "The body is not declared as JSON", "Send Content-Type: application/json.")
        case .unsupportedEncoding: (415, "The body is encoded", "Send it without Content-Encoding.")
        case .idempotencyMismatch: (422, "The Idempotency-Key was used for another request", "Use a new key for a new request.")
        case .credentialsRejected: (422, "The CRM refuses the credentials", "Check them in the CRM and connect again.")
        case .permissionMissing: (422, "The credentials lack a permission", "Grant it in the CRM.")
        case .refusedByCRM: (422, "The CRM refuses the content", Self.sayItRight)
        case .unsupportedByProvider: (422, "The provider cannot do this", "GET /crm/providers names what each can do.")
        case .targetNotAllowed: (422, "The address is not one that this provider may reach", "Check the address in the credentials.")
        case .internalError: (500, "Something went wrong here", "Send it again later; report the request_id if it stays.")
        case .credentialsUnreadable: (500, "The stored credentials cannot be read", "Connect the CRM again.")
        case .crmUnreachable: (502, "The CRM did not answer as it should", "Send it again later.")
        case .providerFailed: (502, "The provider failed", "Send it again later; report the request_id if it stays.")
        case .providerUnavailable: (503, "The provider is out of service now", Self.later)
        case .crmUnavailable: (503, "The CRM could not say now", Self.later)
        case .crmRateLimited: (503, "The CRM limits the rate", Self.later)
        case .crmTimeout: (504, "The CRM did not answer in time", "Send it again later.")
        case .keysUnavailable: (503, "Tokens cannot be checked now", Self.later)
        case .serviceUnavailable: (503, "The service cannot do this now", Self.later)
        case .notReady: (503, "The service is not ready", "Wait until /readyz says 200.")
        }
    }
}
