import CRMCore

/// Salesforce, as its published guides and its clients know it: SOAP login, client credentials, and the REST API on a few objects.
final class Salesforce: Imitation {
    static let mediaType = "application/json;charset=UTF-8"
    static let oldestVersion = 31
    static let newestVersion = 68
    static let newestLoginVersion = 64

    static let password = "sandbox"
    static let securityToken = "token"

    let name = "salesforce"
    let hosts = ["*.salesforce.com"]

    let isLimited: Bool
    let serials = SalesforceSerials()
    private(set) var orgs: [String: SalesforceOrg] = [:]
    private var settings: [String: SalesforceSettings] = [:]
    var sessions = SalesforceSessions()

    init(isLimited: Bool) { self.isLimited = isLimited }

    // MARK: Accounts

    func account(of request: Request) -> String? {
        switch request.segments.dropFirst(2).first {
        case "Soap":
            let email = SalesforceLogin.username(in: request)?.lowercased()
            return email.flatMap { EmailAddressRule.accepts($0) ? $0 : nil }
        case "oauth2" where request.segments.last == "token": return SalesforceToken.account(in: request)
        default: return Self.bearer(request).flatMap { sessions.account(of: $0) }
        }
    }

    func accounts() -> [(account: String, counts: JSONObject)] { orgs.sorted { $0.key < $1.key }.map { ($0, $1.counts) } }

    func forget(account: String?) {
        sessions.forget(account)
        if let account {
            orgs[account] = nil
            settings[account] = nil
        } else {
            orgs = [:]
            settings = [:]
        }
    }

    func endSessions(account: String) -> Bool { sessions.end(account) }

    func configure(account: String, _ changes: JSONObject) throws(SetupError) {
        try settings[account, default: SalesforceSettings()].change(changes)
        if let changed = settings[account] { orgs[account]?.settings = changed }
    }

    func org(_ email: String, at now: Timestamp) -> SalesforceOrg {
        if let org = orgs[email] { return org }
        let org = SalesforceOrg(email: email, at: now)
        if let wanted = settings[email] { org.settings = wanted }
        orgs[email] = org
        return org
    }

    // MARK: Answers

    func answer(_ request: Request, path: [String], at now: Timestamp) -> Answer {
        switch (request.method, path.first, path.dropFirst().first) {
        case ("POST", "services", "Soap"): return login(request, Array(path.dropFirst()), at: now)
        case (_, "services", "Soap"): return Answer(status: 405)
        case (_, "services", "oauth2") where path.count == 3 && path[2] == "token": return token(request, at: now)
        case ("GET", "services", "data") where path.count == 2: return SalesforceVersions.list
        default: return rest(request, path, at: now)
        }
    }

    func scriptedAnswer(to request: Request, status: Int, code: String?, retryAfter: Int?) -> Answer {
        guard status >= 400 else { return Answer(status: status) }
        var answer: Answer
        let words = "The sandbox was told to answer this."
        switch request.segments.dropFirst(2).first {
        case "Soap":
            answer = SalesforceLogin.answer(to: SalesforceLogin.Fault(code: code ?? "SERVER_UNAVAILABLE", message: words))
            answer.status = status
        case "oauth2" where request.segments.last == "token":
            answer = SalesforceToken.Refusal(error: code ?? "invalid_grant", description: words, status: status).answer
        default: answer = SalesforceRefusal(code ?? Self.code(of: status), words, status: status).answer()
        }
        // The real service never sends the header; a script may.
        if let retryAfter { answer.headers.append(("Retry-After", String(retryAfter))) }
        return answer
    }

    static func code(of status: Int) -> String {
        switch status {
        case 400: "UNABLE_TO_LOCK_ROW"
        case 401: "INVALID_SESSION_ID"
        case 403: "REQUEST_LIMIT_EXCEEDED"
        case 404: "NOT_FOUND"
        case 503: "SERVER_UNAVAILABLE"
        default: "UNKNOWN_EXCEPTION"
        }
    }
}

/// Numbers for ids, one after the other through all organizations.
final class SalesforceSerials {
    private var last = 0

    func next() -> Int {
        last += 1
        return last
    }
}
