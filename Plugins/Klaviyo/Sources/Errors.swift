internal import CRMPluginSDK

/// What an answer of Klaviyo means to the host. The first row that fits decides.
private struct ErrorRow {
    enum Body {
        case any
        /// Klaviyo's application answers in its error format; a body in any other comes from what stands in front of it.
        case api
        /// Cloudflare says so itself.
        case challenge
    }

    let statuses: ClosedRange<Int>
    /// Klaviyo's own codes; empty: any.
    var vendorCodes: Set<String> = []
    /// The header or query parameter that the error is about.
    var parameter: String?
    var body = Body.any
    /// Only where the path names a record: elsewhere a 404 says that the API is not where it should be.
    var ofOneRecord = false
    /// Only where the body names a list, which may be missing.
    var ofAList = false
    let status: CRMError.Status
    let code: String
    let message: String
    var flags: CRMError.Flags = []
    /// The call may have been carried out although the answer is an error.
    var isAmbiguous = false

    static let table: [ErrorRow] = [
        ErrorRow(
            statuses: 400...400, vendorCodes: ["authentication_failed", "not_authenticated"], status: .invalidCredentials,
            code: "klaviyo.authentication_failed", message: "Klaviyo does not accept this API key", flags: .revalidate),
        revision(400, parameter: "revision"), revision(405), revision(406), revision(410), revision(415),
        ErrorRow(statuses: 400...400, status: .invalidArgument, code: CRMError.invalid, message: "Klaviyo refuses the request as invalid"),
        ErrorRow(
            statuses: 401...401, status: .invalidCredentials, code: "klaviyo.authentication_failed",
            message: "Klaviyo does not accept this API key", flags: .revalidate),
        ErrorRow(
            statuses: 403...403, vendorCodes: ["permission_denied"], body: .api, status: .permissionDenied, code: CRMError.missingScope,
            message: "the API key lacks a scope"),
        ErrorRow(
            statuses: 403...403, body: .api, status: .permissionDenied, code: "klaviyo.not_available",
            message: "the Klaviyo account may not do this: its plan or a setting of it, not the API key"),
        ErrorRow(
            statuses: 403...403, body: .challenge, status: .unavailable, code: "klaviyo.challenge",
            message: "Klaviyo's front end asks for a browser check; this says nothing about the API key", flags: .retryable),
        ErrorRow(
            statuses: 403...403, status: .unavailable, code: "klaviyo.front_end",
            message: "what stands in front of Klaviyo refused the call; this says nothing about the API key", flags: .retryable),
        ErrorRow(
            statuses: 404...404, ofOneRecord: true, status: .notFound, code: "klaviyo.not_found", message: "Klaviyo has no such record"),
        ErrorRow(
            statuses: 404...404, body: .api, ofAList: true, status: .invalidArgument, code: "klaviyo.unknown_list",
            message: "Klaviyo has no such list"),
        ErrorRow(
            statuses: 404...404, status: .upstream, code: "klaviyo.unexpected_status", message: "Klaviyo's API is not where it should be",
            flags: .retryable),
        ErrorRow(
            statuses: 408...408, status: .upstream, code: "klaviyo.server_error", message: "Klaviyo did not finish in time",
            flags: .retryable, isAmbiguous: true),
        ErrorRow(
            statuses: 409...409, vendorCodes: ["duplicate_profile"], status: .conflict, code: CRMError.duplicateProfile,
            message: "the contact's identifiers belong to different profiles"),
        ErrorRow(statuses: 409...409, status: .conflict, code: "klaviyo.conflict", message: "Klaviyo sees a conflict with what it holds"),
        ErrorRow(statuses: 413...413, status: .invalidArgument, code: "klaviyo.too_large", message: "the request is too large for Klaviyo"),
        ErrorRow(
            statuses: 429...429, status: .rateLimited, code: "klaviyo.throttled", message: "Klaviyo asks for a pause", flags: .retryable),
        ErrorRow(statuses: 400...499, status: .invalidArgument, code: "klaviyo.refused", message: "Klaviyo refuses the request"),
        ErrorRow(
            statuses: 504...504, status: .upstream, code: "klaviyo.server_error", message: "Klaviyo did not finish in time",
            flags: .retryable, isAmbiguous: true),
        ErrorRow(
            statuses: 524...524, status: .upstream, code: "klaviyo.server_error", message: "Klaviyo did not finish in time",
            flags: .retryable, isAmbiguous: true),
        ErrorRow(
            statuses: 500...599, status: .upstream, code: "klaviyo.server_error", message: "Klaviyo failed to handle the request",
            flags: .retryable),
        ErrorRow(
            statuses: 0...999, status: .upstream, code: "klaviyo.unexpected_status", message: "Klaviyo answered with an unexpected status",
            flags: .retryable),
    ]

    /// Nothing that a merchant can mend, and nothing that is wrong with the work: it waits for a provider that speaks Klaviyo's present
    /// revision.
    private static func revision(_ status: Int, parameter: String? = nil) -> ErrorRow {
        ErrorRow(
            statuses: status...status, parameter: parameter, status: .internal, code: "klaviyo.revision",
            message: "Klaviyo no longer takes the revision of its API that this provider speaks", flags: .retryable)
    }

    func fits(_ response: HTTPResponse, _ error: JSONValue?, _ endpoint: Endpoint) -> Bool {
        guard statuses.contains(response.status), !ofOneRecord || endpoint.isOfOneRecord, !ofAList || endpoint.namesAList else {
            return false
        }
        if let parameter, error?["source"]?["parameter"]?.stringValue != parameter { return false }
        switch body {
        case .any: break
        case .api: guard error != nil else { return false }
        case .challenge: guard error == nil, response.header("cf-mitigated") == "challenge" else { return false }
        }
        return vendorCodes.isEmpty || error?["code"]?.stringValue.map(vendorCodes.contains) == true
    }
}

extension CRMError {
    static let duplicateProfile = "klaviyo.duplicate_profile"
    static let invalid = "klaviyo.invalid"
    static let missingScope = "klaviyo.permission_denied"
    static let noProfile = CRMError(.notFound, code: "klaviyo.not_found", message: "Klaviyo has no such profile")

    init(_ response: HTTPResponse, _ endpoint: Endpoint, _ context: OperationContext) {
        let errors = response.json?["errors"]?.arrayValue ?? []
        let error = errors.first
        guard let row = ErrorRow.table.first(where: { $0.fits(response, error, endpoint) }) else {
            self = .unreadable(endpoint)
            return
        }
        var details: JSONObject = ["http_status": .integer(response.status)]
        details.set("klaviyo_code", error?["code"]?.stringValue)
        let pointers = errors.prefix(100).compactMap { $0["source"]?["pointer"]?.stringValue ?? $0["source"]?["parameter"]?.stringValue }
        details.set("pointer", pointers.first)
        if pointers.count > 1 { details["pointers"] = .array(pointers.map(JSONValue.string)) }
        details.set("detail", (error?["detail"]?.stringValue).map { String(context.redacted(String($0.prefix(2_000))).prefix(300)) })
        details.set("duplicate_profile_id", error?["meta"]?["duplicate_profile_id"]?.stringValue)
        var message = row.message
        if row.code == Self.missingScope {
            details["scope"] = .string(endpoint.scopes.joined(separator: " "))
            message = "the API key lacks \(endpoint.scopes.count == 1 ? "the scope" : "one of the scopes") "
            message += endpoint.scopes.joined(separator: ", ")
        }
        var flags = row.flags
        if row.isAmbiguous, endpoint.method == .post { flags.insert(.ambiguous) }
        // Where it is wrong is what a merchant needs to know; Klaviyo's own words may quote the contact.
        if row.status == .invalidArgument, let place = pointers.first { message += ": \(context.redacted(String(place.prefix(200))))" }
        self.init(
            row.status, code: row.code, message: message, retryAfter: response.pause(error), flags: flags, details: details)
    }

    /// A success whose body is not what Klaviyo promises. The write, if it was one, has happened.
    static func unreadable(_ endpoint: Endpoint) -> CRMError {
        CRMError(
            .upstream, code: "klaviyo.unreadable_answer", message: "Klaviyo's answer cannot be understood",
            flags: endpoint.method == .post ? [.retryable, .ambiguous] : .retryable)
    }

    /// All that Klaviyo points at.
    var pointers: [String] {
        details["pointers"]?.arrayValue?.compactMap(\.stringValue) ?? details["pointer"]?.stringValue.map { [$0] } ?? []
    }

    /// Whether every other call of this connection would end the same way now, whatever it is for.
    var stopsEverything: Bool {
        switch status {
        case .invalidCredentials, .unavailable, .deadlineExceeded, .blockedByPolicy, .internal, .cancelled: true
        default: false
        }
    }

    /// Whether other calls for the same thing would end so: a budget that is spent, a scope that is missing.
    var stopsItsKind: Bool { status == .rateLimited || status == .permissionDenied }
}
