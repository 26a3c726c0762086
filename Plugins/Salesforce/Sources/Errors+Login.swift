internal import CRMPluginSDK

/// Why a login failed, by the code of SOAP's fault. What an administrator has to mend is never tried again by itself: that would lock the
/// user out.
private struct LoginRow {
    let fault: String
    var status = CRMError.Status.invalidCredentials
    let code: String
    let message: String
    var wait: Duration?
    var flags: CRMError.Flags = []

    static let table: [LoginRow] = [
        LoginRow(
            fault: "INVALID_LOGIN", code: "salesforce.invalid_login",
            message:
                "user name, password or security token is wrong, or the user is locked out; a user of a sandbox needs the domain test"),
        LoginRow(
            fault: "LOGIN_MUST_USE_SECURITY_TOKEN", code: "salesforce.security_token",
            message: "the security token is missing or old: a new password makes a new one"),
        LoginRow(
            fault: "PASSWORD_LOCKOUT", code: "salesforce.locked_out",
            message: "the user is locked out after too many logins: an administrator has to unlock it"),
        LoginRow(
            fault: "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", code: "salesforce.password_expired",
            message: "the password has expired: set a new one in Salesforce"),
        LoginRow(
            fault: "LOGIN_DURING_RESTRICTED_DOMAIN", code: "salesforce.restricted_address",
            message: "the user's profile does not allow logins from our addresses"),
        LoginRow(
            fault: "LOGIN_DURING_RESTRICTED_TIME", code: "salesforce.restricted_time",
            message: "the user's profile does not allow logins at this time"),
        LoginRow(
            fault: "LOGIN_CHALLENGE_ISSUED", code: "salesforce.login_challenge",
            message: "Salesforce asks the user to confirm the login: log in once by hand, or allow our addresses"),
        LoginRow(
            fault: "ORG_LOCKED", code: "salesforce.org_locked", message: "the org is locked: an administrator has to ask Salesforce"),
        LoginRow(
            fault: "INVALID_OPERATION", code: "salesforce.login_disabled",
            message:
                "the org does not allow this kind of login: an administrator has to enable SOAP API login(), or connect with OAuth client credentials"
        ),
        LoginRow(
            fault: "INSUFFICIENT_ACCESS", code: "salesforce.login_permission",
            message: "the user needs the permission Use Any API Auth, or connect with OAuth client credentials"),
        LoginRow(
            fault: "UNSUPPORTED_API_VERSION", code: "salesforce.login_retired",
            message: "Salesforce has retired the login with user name and password: connect with OAuth client credentials"),
        LoginRow(
            fault: "SERVER_UNAVAILABLE", status: .unavailable, code: "salesforce.unavailable", message: "Salesforce is not available",
            flags: .retryable),
        LoginRow(
            fault: "ORG_IN_MAINTENANCE", status: .unavailable, code: "salesforce.maintenance",
            message: "Salesforce maintains the org at the moment", flags: .retryable),
        LoginRow(
            fault: "LOGIN_RATE_EXCEEDED", status: .rateLimited, code: "salesforce.login_limit",
            message: "too many logins: Salesforce asks for a pause", wait: .seconds(900), flags: .retryable),
        LoginRow(
            fault: "REQUEST_LIMIT_EXCEEDED", status: .rateLimited, code: "salesforce.login_limit",
            message: "too many logins: Salesforce asks for a pause", wait: .seconds(900), flags: .retryable),
    ]
}

extension CRMError {
    static let passwordExpired = CRMError(
        .invalidCredentials, code: "salesforce.password_expired", message: "the password has expired: set a new one in Salesforce")
    /// At the host that the domain names no org gives tokens.
    static let unknownDomain = CRMError(
        .invalidCredentials, code: "salesforce.unknown_domain",
        message: "no org gives tokens at the address that domain names: check the name of the org's My Domain")
    static let foreignAddress = CRMError(
        .upstream, code: "salesforce.foreign_address", message: "Salesforce named an address for this org that is not one of its own")
    static let unreadableLogin = CRMError(
        .upstream, code: "salesforce.unreadable_answer", message: "Salesforce's answer to the login cannot be understood", flags: .retryable
    )

    /// A fault in answer to SOAP's login.
    init(fault: String, httpStatus: Int, _ context: OperationContext) {
        let details: JSONObject = ["http_status": .integer(httpStatus), "salesforce_code": .string(String(fault.prefix(100)))]
        guard let row = LoginRow.table.first(where: { $0.fault == fault }) else {
            self.init(
                .upstream, code: "salesforce.login_failed", message: "the login failed for a reason that is not known",
                retryAfter: .seconds(300), flags: .retryable, details: details)
            return
        }
        if row.status == .rateLimited { context.setRateClass(RateClass.login.rawValue) }
        self.init(row.status, code: row.code, message: row.message, retryAfter: row.wait, flags: row.flags, details: details)
    }

    /// OAuth's refusal of a client: nothing about it changes by itself.
    init(oauthError: JSONValue?, httpStatus: Int) {
        var details: JSONObject = ["http_status": .integer(httpStatus)]
        let name = oauthError?["error"]?.stringValue.map { String($0.prefix(100)) }
        details.set("salesforce_code", name)
        let message =
            switch name {
            case "invalid_client_id", "invalid_client":
                "consumer key or consumer secret is wrong"
            case "no_client_credentials_user_enabled", "invalid_grant":
                "the app has no run-as user, or that user may not use it"
            case "unsupported_grant_type", "unauthorized_client", "invalid_app_access":
                "the app does not allow the client credentials flow"
            default: "Salesforce refuses the app's credentials"
            }
        self.init(.invalidCredentials, code: "salesforce.oauth_refused", message: message, details: details)
    }
}
