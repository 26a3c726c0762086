internal import CRMPluginSDK

/// What an answer of a site means to the host. The first row that fits decides.
private struct ErrorRow {
    /// Where the answer came from.
    enum Place { case login, token, data }

    let place: Place
    let statuses: ClosedRange<Int>
    /// Empty: whoever speaks.
    var speakers: Set<Answer.Speaker> = []
    /// One of them is among the error's words, capitals or not; empty: any words.
    var words: [String] = []
    /// Only where the path names a record.
    var ofOneRecord = false
    let status: CRMError.Status
    let code: String
    let message: String
    var flags: CRMError.Flags = []
    /// The pause when the site names none.
    var pause: Duration?
    /// The call may have been carried out although the answer is an error.
    var isAmbiguous = false

    static let table = login + token + data

    private static let login =
        [
            ErrorRow(
                place: .login, statuses: 401...401, status: .invalidCredentials, code: "creatio.login_refused",
                message: "Creatio does not accept this user name and password", flags: .revalidate),
            ErrorRow(
                place: .login, statuses: 403...403, status: .invalidCredentials, code: "creatio.login_forbidden",
                message: "Creatio lets this user in nowhere: check the user's licence, and whether the address of this service is allowed",
                flags: .revalidate),
        ] + unavailable(.login)
        + [
            ErrorRow(
                place: .login, statuses: 0...999, status: .invalidCredentials, code: "creatio.no_creatio",
                message: "there is no Creatio login at this address: check instance_url")
        ]

    private static let token =
        [
            ErrorRow(
                place: .token, statuses: 400...401, status: .invalidCredentials, code: "creatio.client_refused",
                message: "the Identity Service does not accept this client_id and client_secret", flags: .revalidate),
            ErrorRow(
                place: .token, statuses: 403...403, status: .invalidCredentials, code: "creatio.client_refused",
                message: "the Identity Service does not accept this client_id and client_secret", flags: .revalidate),
        ] + unavailable(.token)
        + [
            ErrorRow(
                place: .token, statuses: 0...999, status: .invalidCredentials, code: "creatio.no_identity_service",
                message: "there is no Identity Service at this address: check instance_url and identity_url")
        ]

    private static let data =
        [
            ErrorRow(
                place: .data, statuses: 0...999, speakers: [.sessionKeeper], status: .invalidCredentials, code: "creatio.session_refused",
                message: "Creatio does not accept the session that it has just given out", flags: .revalidate),
            ErrorRow(
                place: .data, statuses: 0...999, speakers: [.router], status: .unavailable, code: CRMError.noObject,
                message: "Creatio knows no such object, or is still building it after a change", flags: .retryable, pause: .seconds(30)),
            ErrorRow(
                place: .data, statuses: 0...999, speakers: [.oData, .exception],
                words: ["column by path", "could not find a property named", "does not exist on type"], status: .invalidArgument,
                code: CRMError.unknownColumn, message: "Creatio has no such column"),
            ErrorRow(
                place: .data, statuses: 0...999, speakers: [.oData, .exception],
                words: ["duplicate key", "primary key", "unique key", "unique constraint"], status: .conflict, code: CRMError.duplicate,
                message: "Creatio already has a record with this id"),
            ErrorRow(
                place: .data, statuses: 0...999, speakers: [.oData, .exception], words: ["foreign key constraint"],
                status: .invalidArgument, code: "creatio.unknown_reference", message: "Creatio has nothing under an id that is referred to"),
            ErrorRow(
                place: .data, statuses: 400...400, status: .invalidArgument, code: "creatio.invalid",
                message: "Creatio refuses the request as invalid"),
            ErrorRow(
                place: .data, statuses: 401...401, status: .invalidCredentials, code: "creatio.session_refused",
                message: "Creatio does not accept the session that it has just given out", flags: .revalidate),
            ErrorRow(
                place: .data, statuses: 403...403, status: .permissionDenied, code: "creatio.permission_denied",
                message: "the Creatio user lacks a right or a licence for this object"),
            ErrorRow(
                place: .data, statuses: 404...404, ofOneRecord: true, status: .notFound, code: CRMError.noRecord,
                message: "Creatio has no such record"
            ),
            ErrorRow(
                place: .data, statuses: 404...404, status: .unavailable, code: CRMError.noObject,
                message: "Creatio knows no such object, or is still building it after a change", flags: .retryable, pause: .seconds(30)),
            ErrorRow(
                place: .data, statuses: 409...409, status: .conflict, code: "creatio.conflict",
                message: "Creatio sees a conflict with what it holds"),
            ErrorRow(
                place: .data, statuses: 413...413, status: .invalidArgument, code: "creatio.too_large",
                message: "the request is too large for Creatio"),
        ] + unavailable(.data) + [
            ErrorRow(
                place: .data, statuses: 400...499, status: .invalidArgument, code: "creatio.refused", message: "Creatio refuses the request"
            ),
            ErrorRow(
                place: .data, statuses: 200...399, speakers: [.page], status: .upstream, code: CRMError.noPage,
                message: "a web page answers in the place of Creatio's data", flags: .retryable, isAmbiguous: true),
            ErrorRow(
                place: .data, statuses: 300...399, status: .upstream, code: CRMError.noPage,
                message: "Creatio sends this request somewhere else", flags: .retryable),
            ErrorRow(
                place: .data, statuses: 200...299, speakers: [.oData, .exception], status: .upstream, code: "creatio.server_error",
                message: "Creatio reports an error in the form of a success", flags: .retryable, isAmbiguous: true),
            ErrorRow(
                place: .data, statuses: 0...999, status: .upstream, code: "creatio.unreadable_answer",
                message: "Creatio's answer cannot be understood", flags: .retryable, isAmbiguous: true),
        ]

    /// The same wherever they come from.
    private static func unavailable(_ place: Place) -> [ErrorRow] {
        [
            ErrorRow(
                place: place, statuses: 408...408, status: .upstream, code: "creatio.server_error",
                message: "Creatio did not finish in time",
                flags: .retryable, isAmbiguous: true),
            ErrorRow(
                place: place, statuses: 429...429, status: .rateLimited, code: "creatio.throttled", message: "Creatio asks for a pause",
                flags: .retryable),
            ErrorRow(
                place: place, statuses: 502...504, status: .unavailable, code: "creatio.unavailable",
                message: "the Creatio site is busy or restarting", flags: .retryable, isAmbiguous: true),
            ErrorRow(
                place: place, statuses: 500...599, status: .upstream, code: "creatio.server_error",
                message: "Creatio failed to handle the request", flags: .retryable, isAmbiguous: true),
        ]
    }

    func fits(_ answer: Answer, ofOneRecord: Bool) -> Bool {
        guard statuses.contains(answer.status), !self.ofOneRecord || ofOneRecord else { return false }
        guard speakers.isEmpty || speakers.contains(answer.speaker) else { return false }
        guard !words.isEmpty else { return true }
        let said = answer.words.lowercased()
        return words.contains(where: said.contains)
    }
}

extension CRMError {
    static let noObject = "creatio.no_such_object"
    static let noRecord = "creatio.not_found"
    static let noPage = "creatio.unexpected_page"
    static let unknownColumn = "creatio.unknown_column"
    static let duplicate = "creatio.duplicate_id"

    /// What an answer means that is not the one that the call wanted.
    init(_ answer: Answer, _ call: Call, _ context: OperationContext) {
        self.init(answer, .data, ofOneRecord: call.path.hasSuffix(")"), context)
        details["call"] = .string(call.route)
        // The side effects of what only reads are none; a batch is judged part by part.
        if !call.writes { flags.remove(.ambiguous) }
        let named = call.columns(namedIn: answer.words)
        if !named.isEmpty { details["columns"] = .array(named.map(JSONValue.string)) }
        if code == Self.noObject, context.attempt > 5 {
            // Building takes a minute or two: by now it has had its time.
            self.status = .invalidArgument
            retryAfter = nil
            flags = []
        }
    }

    /// `nil` when somebody was let in. A wrong password comes as a success with a code of its own.
    init?(login answer: Answer, hasCookies: Bool, _ context: OperationContext) {
        guard (200...299).contains(answer.status), case .json(let body) = answer.body, body["Code"] != nil || body["Exception"] != nil
        else {
            self.init(answer, .login, ofOneRecord: false, context)
            return
        }
        let isFailure = body["Exception"].map { !$0.isNull } ?? false
        let code = body["Code"]?.intValue
        if code == 0, !isFailure, hasCookies { return nil }
        if let place = body["PasswordChangeUrl"]?.stringValue, !place.isEmpty {
            self = .passwordIsDue
        } else if let code, code != 0 {
            self = .loginRefused
        } else {
            self = isFailure ? .loginFailed : .noCookies
        }
        details = Self.details(answer, context)
    }

    /// `nil` when the service answers with something that may hold a token.
    init?(token answer: Answer, _ context: OperationContext) {
        if (200...299).contains(answer.status), case .json = answer.body { return nil }
        self.init(answer, .token, ofOneRecord: false, context)
    }

    private init(_ answer: Answer, _ place: ErrorRow.Place, ofOneRecord: Bool, _ context: OperationContext) {
        guard let row = ErrorRow.table.first(where: { $0.place == place && $0.fits(answer, ofOneRecord: ofOneRecord) }) else {
            self.init(.upstream, code: "creatio.unreadable_answer", message: "Creatio's answer cannot be understood", flags: .retryable)
            return
        }
        var flags = row.flags
        if row.isAmbiguous, place == .data { flags.insert(.ambiguous) }
        self.init(
            row.status, code: row.code, message: row.message, retryAfter: answer.retryAfter ?? row.pause, flags: flags,
            details: Self.details(answer, context))
        if row.status == .rateLimited { context.metrics.count("throttled") }
    }

    private static func details(_ answer: Answer, _ context: OperationContext) -> JSONObject {
        var details: JSONObject = ["http_status": .integer(answer.status)]
        details.set("creatio_code", answer.vendorCode.map { String(context.redacted($0).prefix(100)) })
        let words = context.redacted(String(answer.words.prefix(2_000))).withoutAddresses.prefix(300)
        if !words.isEmpty { details["detail"] = .string(String(words)) }
        return details
    }
}

extension CRMError {
    static let loginRefused = CRMError(
        .invalidCredentials, code: "creatio.login_refused", message: "Creatio does not accept this user name and password",
        flags: .revalidate)
    static let passwordIsDue = CRMError(
        .invalidCredentials, code: "creatio.password_change_due",
        message: "Creatio wants a new password for this user: log in once in a browser and change it", flags: .revalidate)
    static let loginFailed = CRMError(
        .invalidCredentials, code: "creatio.login_failed", message: "Creatio could not carry out the login", flags: .revalidate)
    static let noCookies = CRMError(
        .invalidCredentials, code: "creatio.no_session", message: "Creatio let the user in but opened no session", flags: .revalidate)
    static let noIdentityService = CRMError(
        .invalidCredentials, code: "creatio.no_identity_service",
        message: "there is no Identity Service at this address: check instance_url and identity_url")
    static let noOData = CRMError(
        .invalidCredentials, code: "creatio.no_odata",
        message: "the site lets us in but has no OData 4 service: it needs Creatio 7.15.3 or later, or the setting platform")
    static let targetNotAllowed = CRMError(
        .blockedByPolicy, code: "creatio.target_not_allowed",
        message: "this service may not call that address; a site outside of creatio.com has to be allowed by the operator first")
    static let noContact = CRMError(.notFound, code: noRecord, message: "Creatio has no such contact")

    static func malformed(_ field: String, _ problem: String) -> CRMError {
        CRMError(
            .invalidCredentials, code: "creatio.malformed_\(field)", message: "\(field) \(problem)",
            details: ["pointer": .string("/\(field)")])
    }

    /// About the site or what it was shown, and so the same for every operation that asks at this moment.
    var isOfTheSite: Bool {
        switch status {
        case .invalidCredentials, .permissionDenied, .rateLimited, .upstream, .unavailable: true
        default: false
        }
    }

    /// The columns of the call that the site spoke of.
    var columns: [String] { details["columns"]?.arrayValue?.compactMap(\.stringValue) ?? [] }

    /// The write may have happened, or had happened before.
    var leavesDoubt: Bool { flags.contains(.ambiguous) || status == .conflict }
}

extension Call {
    /// Those columns that a text names as whole words; a reference by its name without `Id` too, and by the constraint on it, which is
    /// called after the object and the column.
    fileprivate func columns(namedIn text: String) -> [String] {
        guard !text.isEmpty else { return [] }
        let words = Set(text.utf8.split { !$0.isPartOfName }.compactMap { String(validating: $0, as: UTF8.self) })
        return columns.filter { column in
            if column == "Id" { return false }
            if words.contains(column) { return true }
            return column.hasSuffix("Id")
                && words.contains { $0 == column.dropLast(2) || $0.hasPrefix("FK") && $0.hasSuffix(column) }
        }
    }
}

extension UInt8 {
    fileprivate var isPartOfName: Bool {
        (0x30...0x39).contains(self) || (0x61...0x7A).contains(self | 0x20) || self == UInt8(ascii: "_")
    }
}

extension String {
    /// A site's own addresses are nobody's business in a log.
    fileprivate var withoutAddresses: String {
        split(separator: " ", omittingEmptySubsequences: false).map { $0.contains("://") ? "[address]" : String($0) }
            .joined(separator: " ")
    }
}
