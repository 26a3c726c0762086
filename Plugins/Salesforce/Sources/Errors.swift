internal import CRMPluginSDK

/// One error as Salesforce words it: `errorCode` for a whole call, `statusCode` in the result of one record.
struct RemoteError {
    let code: String
    let message: String
    let fields: [String]

    init?(_ value: JSONValue) {
        guard let code = value["errorCode"]?.stringValue ?? value["statusCode"]?.stringValue else { return nil }
        self.code = code
        message = value["message"]?.stringValue ?? ""
        fields = value["fields"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    static func list(_ body: JSONValue?) -> [RemoteError] {
        (body?.arrayValue ?? body?["errors"]?.arrayValue ?? []).compactMap(RemoteError.init)
    }
}

/// An answer that is no success: what it says, and what it means to the host.
struct Refusal: Error {
    let errors: [RemoteError]
    let error: CRMError

    func has(_ code: String) -> Bool { errors.contains { $0.code == code } }
}

/// What an answer of the REST API, or the result of one record in it, means to the host. The first row that fits decides.
private struct ErrorRow {
    /// Of the answer; the result of one record has none.
    var statuses = 0...999
    /// Salesforce's codes; empty: any.
    var codes: Set<String> = []
    /// Tells two causes of one code apart.
    var messageHas: String?
    /// Only where the path names a record: elsewhere a 404 says that the API is not where it should be.
    var ofOneRecord = false
    let status: CRMError.Status
    let code: String
    let message: String
    var wait: Duration?
    var rateClass: RateClass?
    var flags: CRMError.Flags = []
    /// The call may have been carried out although the answer is an error.
    var isAmbiguous = false

    static let table: [ErrorRow] = [
        // Not Salesforce's: something in front of it.
        ErrorRow(
            statuses: 429...429, status: .rateLimited, code: "salesforce.throttled", message: "Salesforce asks for a pause",
            rateClass: .api, flags: .retryable),
        ErrorRow(
            codes: ["INVALID_SESSION_ID"], status: .invalidCredentials, code: "salesforce.session_refused",
            message: "Salesforce refuses the session, also a new one", flags: .revalidate),
        ErrorRow(
            codes: ["INVALID_OPERATION_WITH_EXPIRED_PASSWORD"], status: .invalidCredentials, code: "salesforce.password_expired",
            message: "the password has expired: set a new one in Salesforce"),
        ErrorRow(
            codes: ["STORAGE_LIMIT_EXCEEDED"], status: .unavailable, code: "salesforce.storage_full",
            message: "the org's storage is full: an administrator has to make room", wait: .seconds(3_600), flags: .retryable),
        ErrorRow(
            codes: ["REQUEST_LIMIT_EXCEEDED"], messageHas: "oncurrent", status: .rateLimited, code: "salesforce.concurrent_limit",
            message: "too many long calls of this org run at once", wait: .seconds(5), rateClass: .concurrency, flags: .retryable),
        ErrorRow(
            codes: ["REQUEST_LIMIT_EXCEEDED"], status: .rateLimited, code: "salesforce.daily_limit",
            message: "the org has used up its API calls of 24 hours", wait: .seconds(900), rateClass: .api, flags: .retryable),
        ErrorRow(
            codes: ["LIMIT_EXCEEDED"], status: .rateLimited, code: "salesforce.publish_limit",
            message: "the org has used up its platform events of this hour", wait: .seconds(3_600), rateClass: .platformEvents,
            flags: .retryable),
        ErrorRow(
            codes: ["PLATFORM_EVENT_PUBLISHING_UNAVAILABLE"], status: .unavailable, code: "salesforce.publishing_unavailable",
            message: "Salesforce takes no platform events at the moment", flags: .retryable),
        ErrorRow(
            codes: ["PLATFORM_EVENT_ENCRYPTION_ERROR"], status: .permissionDenied, code: "salesforce.publishing_encryption",
            message: "the org cannot encrypt platform events: an administrator has to set its key"),
        ErrorRow(
            codes: ["UNABLE_TO_LOCK_ROW"], status: .upstream, code: "salesforce.row_locked",
            message: "another change holds the record", wait: .seconds(2), flags: .retryable),
        ErrorRow(
            codes: ["DUPLICATE_VALUE"], status: .conflict, code: "salesforce.duplicate_value",
            message: "another record has a value that must be unique"),
        ErrorRow(
            codes: ["DUPLICATES_DETECTED"], status: .conflict, code: "salesforce.duplicates_detected",
            message: "a duplicate rule of the org blocks the record"),
        ErrorRow(
            statuses: 300...300, status: .conflict, code: "salesforce.several_matches",
            message: "several records have this external id: make the field unique and merge them"),
        ErrorRow(
            codes: ["REQUIRED_FIELD_MISSING"], status: .invalidArgument, code: "salesforce.required_field_missing",
            message: "the org requires a field that was not given"),
        ErrorRow(
            codes: ["INVALID_FIELD"], status: .invalidArgument, code: "salesforce.invalid_field",
            message: "the org has no such field, or hides it from this user"),
        ErrorRow(
            codes: ["INVALID_FIELD_FOR_INSERT_UPDATE"], status: .invalidArgument, code: "salesforce.field_not_writable",
            message: "this user may not write a field"),
        ErrorRow(
            codes: ["INVALID_EMAIL_ADDRESS"], status: .invalidArgument, code: "salesforce.invalid_email_address",
            message: "Salesforce does not take the e-mail address"),
        ErrorRow(codes: ["STRING_TOO_LONG"], status: .invalidArgument, code: "salesforce.too_long", message: "a value is too long"),
        ErrorRow(
            codes: ["FIELD_CUSTOM_VALIDATION_EXCEPTION", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"], status: .invalidArgument,
            code: "salesforce.validation_rule",
            message: "a validation rule or a trigger of the org refuses the record"),
        ErrorRow(
            codes: ["INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"], status: .invalidArgument, code: "salesforce.not_in_picklist",
            message: "a value is not one of those that the org allows"),
        ErrorRow(
            codes: ["FIELD_INTEGRITY_EXCEPTION", "NUMBER_OUTSIDE_VALID_RANGE"], status: .invalidArgument, code: "salesforce.invalid_value",
            message: "a value does not fit its field"),
        ErrorRow(
            codes: ["JSON_PARSER_ERROR"], status: .invalidArgument, code: "salesforce.json_parser_error",
            message: "a value is not of the type of its field"),
        ErrorRow(
            codes: ["MALFORMED_QUERY"], status: .invalidArgument, code: "salesforce.malformed_query",
            message: "Salesforce does not understand the query"),
        ErrorRow(
            codes: ["INVALID_TYPE"], status: .permissionDenied, code: "salesforce.object_unknown",
            message: "the org has no such object, or hides it from this user"),
        ErrorRow(
            codes: ["MALFORMED_ID", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"], status: .notFound, code: "salesforce.not_found",
            message: "Salesforce has no such record"),
        ErrorRow(
            codes: ["API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"], status: .permissionDenied, code: "salesforce.api_disabled",
            message: "the org or the user has no API access: an administrator has to grant API Enabled"),
        ErrorRow(
            codes: [
                "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            ], status: .permissionDenied, code: "salesforce.permission_denied", message: "the user lacks a permission in Salesforce"),
        ErrorRow(
            codes: ["SERVER_UNAVAILABLE"], status: .unavailable, code: "salesforce.unavailable", message: "Salesforce is not available",
            flags: .retryable, isAmbiguous: true),
        ErrorRow(
            codes: ["UNKNOWN_EXCEPTION"], status: .upstream, code: "salesforce.server_error",
            message: "Salesforce failed to handle the request",
            flags: .retryable, isAmbiguous: true),
        ErrorRow(
            codes: ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED"], status: .upstream, code: "salesforce.rolled_back",
            message: "Salesforce undid the record with others", flags: .retryable),
        ErrorRow(
            statuses: 401...401, status: .invalidCredentials, code: "salesforce.session_refused",
            message: "Salesforce refuses the session, also a new one", flags: .revalidate),
        ErrorRow(
            statuses: 403...403, status: .permissionDenied, code: "salesforce.permission_denied",
            message: "the user lacks a permission in Salesforce"),
        ErrorRow(
            statuses: 404...404, ofOneRecord: true, status: .notFound, code: "salesforce.not_found",
            message: "Salesforce has no such record"),
        ErrorRow(
            statuses: 404...404, status: .upstream, code: "salesforce.unexpected_status",
            message: "Salesforce's API is not where it should be", flags: .retryable),
        ErrorRow(
            statuses: 408...408, status: .upstream, code: "salesforce.server_error", message: "Salesforce did not finish in time",
            flags: .retryable, isAmbiguous: true),
        ErrorRow(statuses: 409...409, status: .conflict, code: "salesforce.conflict", message: "the record conflicts with another"),
        ErrorRow(
            statuses: 410...410, status: .unsupported, code: "salesforce.version_retired",
            message: "Salesforce has retired this version of its API: the operator has to set a newer api_version"),
        ErrorRow(
            statuses: 413...414, status: .invalidArgument, code: "salesforce.too_large", message: "the request is too large for Salesforce"),
        ErrorRow(statuses: 400...499, status: .invalidArgument, code: "salesforce.refused", message: "Salesforce refuses the request"),
        ErrorRow(
            statuses: 500...599, status: .upstream, code: "salesforce.server_error", message: "Salesforce failed to handle the request",
            flags: .retryable, isAmbiguous: true),
        ErrorRow(
            status: .upstream, code: "salesforce.unexpected_status", message: "Salesforce answered with an unexpected status",
            flags: .retryable, isAmbiguous: true),
    ]

    func fits(_ httpStatus: Int, _ errors: [RemoteError], ofOneRecord isOfOneRecord: Bool) -> Bool {
        guard statuses.contains(httpStatus), !ofOneRecord || isOfOneRecord else { return false }
        guard !codes.isEmpty else { return true }
        return errors.contains { error in codes.contains(error.code) && messageHas.map(error.message.contains) ?? true }
    }
}

extension Refusal {
    init(_ response: HTTPResponse, _ call: Call, _ context: OperationContext) {
        self.init(
            RemoteError.list(response.json), httpStatus: response.status, retryAfter: response.retryAfter, call.isIdempotent,
            ofOneRecord: call.isOfOneRecord, context)
    }

    /// What became of one record of a call that succeeded.
    init(result: JSONValue, isIdempotent: Bool, _ context: OperationContext) {
        self.init(RemoteError.list(result), httpStatus: 400, retryAfter: nil, isIdempotent, ofOneRecord: true, context)
    }

    private init(
        _ errors: [RemoteError], httpStatus: Int, retryAfter: Duration?, _ isIdempotent: Bool, ofOneRecord: Bool,
        _ context: OperationContext
    ) {
        self.errors = errors
        guard let row = ErrorRow.table.first(where: { $0.fits(httpStatus, errors, ofOneRecord: ofOneRecord) }) else {
            error = .unreadable(isIdempotent: isIdempotent)
            return
        }
        var details: JSONObject = ["http_status": .integer(httpStatus)]
        details.set("salesforce_code", errors.first?.code)
        let fields = errors.flatMap(\.fields)
        if !fields.isEmpty { details["fields"] = .array(fields.map(JSONValue.string)) }
        let text = errors.first.map { String(context.redacted(String($0.message.prefix(2_000))).prefix(300)) }
        if let text, !text.isEmpty { details["detail"] = .string(text) }
        if let rateClass = row.rateClass { context.setRateClass(rateClass.rawValue) }
        var flags = row.flags
        if row.isAmbiguous, !isIdempotent { flags.insert(.ambiguous) }
        // Where it is wrong is what a merchant needs to know; Salesforce's own words may quote the contact.
        let place = row.status == .invalidArgument && !fields.isEmpty ? ": \(fields.joined(separator: ", "))" : ""
        error = CRMError(
            row.status, code: row.code, message: row.message + place, retryAfter: retryAfter ?? row.wait, flags: flags, details: details)
    }
}

extension CRMError {
    static let noContact = CRMError(.notFound, code: "salesforce.not_found", message: "Salesforce has no such contact")

    /// A success whose body is not what Salesforce promises. The write, if it was one, has happened.
    static func unreadable(isIdempotent: Bool) -> CRMError {
        CRMError(
            .upstream, code: "salesforce.unreadable_answer", message: "Salesforce's answer cannot be understood",
            flags: isIdempotent ? .retryable : [.retryable, .ambiguous])
    }
}
