import CRMCore

/// Klaviyo, as its published specification and its clients know it: the order of its checks, its refusals, its limits.
final class Klaviyo: Imitation {
    static let pathName = "klaviyo"
    static let mediaType = "application/vnd.api+json"

    private static let scheme = "Klaviyo-API-Key "
    private static let keyPrefix = "pk_sandbox_"
    private static let noScopePrefix = "pk_sandbox_noscope_"
    /// A request of 10,000 profiles has many values.
    private static let jsonLimits = JSONLimits(maximumDepth: 64, maximumTokens: 2_000_000)

    let name = Klaviyo.pathName
    let hosts = ["a.klaviyo.com"]

    private let isLimited: Bool
    private let serials = SerialNumbers()
    private let events = KlaviyoEventLog()
    private var known: [String: KlaviyoAccount] = [:]

    init(isLimited: Bool) { self.isLimited = isLimited }

    func account(of request: Request) -> String? {
        guard let key = key(of: request), key.hasPrefix(Self.keyPrefix) else { return nil }
        let prefix = key.hasPrefix(Self.noScopePrefix) ? Self.noScopePrefix : Self.keyPrefix
        let email = key.dropFirst(prefix.count).lowercased()
        return EmailAddressRule.accepts(email) ? email : nil
    }

    func accounts() -> [(account: String, counts: JSONObject)] {
        known.sorted { $0.key < $1.key }.map { email, account in
            (email, ["contacts": .integer(account.profiles.count), "events": .integer(account.eventCount)])
        }
    }

    func configure(account email: String, _ settings: JSONObject) throws(SetupError) {
        guard EmailAddressRule.accepts(email) else { throw SetupError("An account of klaviyo is an e-mail address.") }
        let account = account(email.lowercased())
        var changed = account.settings
        try changed.change(settings)
        account.settings = changed
    }

    func forget(account: String?) {
        if let account { known[account] = nil } else { known = [:] }
        events.forget(account: account)
    }

    func scriptedAnswer(to request: Request, status: Int, code: String?, retryAfter: Int?) -> Answer {
        guard status >= 400 else { return Answer(status: status) }
        let refusal =
            status == 429
            ? KlaviyoRefusal.throttled(retryAfter: retryAfter ?? 1)
            : KlaviyoRefusal(
                status: status, code: code ?? Self.code(of: status), title: "Scripted.", detail: "The sandbox was told to answer this.")
        var answer = refusal.answer(id: serials.nextErrorID())
        // A captured 429 came without the header, so a script may leave it out.
        answer.headers.removeAll { $0.name == "Retry-After" }
        return retryAfter.map { answer.with(header: "Retry-After", String($0)) } ?? answer
    }

    func answer(_ request: Request, path: [String], at now: Timestamp) -> Answer {
        var standing: KlaviyoRateLimits.Standing?
        var answer: Answer
        do throws(KlaviyoRefusal) {
            answer = try judge(request, path, now, &standing)
        } catch {
            answer = error.answer(id: serials.nextErrorID())
        }
        if let standing {
            answer.headers += [
                ("RateLimit-Limit", String(standing.limit)), ("RateLimit-Remaining", String(standing.remaining)),
                ("RateLimit-Reset", String(standing.reset)),
            ]
        }
        return answer
    }

    private func judge(
        _ request: Request, _ path: [String], _ now: Timestamp, _ standing: inout KlaviyoRateLimits.Standing?
    ) throws(KlaviyoRefusal) -> Answer {
        let account = try authenticate(request)
        let revision = try revision(of: request)
        guard path.first == "api" else { throw .notFound("Klaviyo's paths begin with /api/.") }
        let (operation, id) = try KlaviyoOperation.find(request.method, Array(path.dropFirst()))
        try checkScopes(of: operation, request, account)
        if isLimited { standing = try account.limits.admit(operation, at: now) }
        for (parameter, _) in request.query.parameters where !operation.parameters.contains(parameter) {
            throw .invalidParameter(String(parameter.prefix(80)), "This call has no such parameter, or the sandbox does not play it.")
        }
        let body = operation.hasBody ? try json(request, limit: operation.bodyLimit) : .null
        let call = KlaviyoCall(
            account: account, events: events, serials: serials, request: request, id: id, revision: revision, now: now, body: body)
        return try call.run(operation)
    }

    private func authenticate(_ request: Request) throws(KlaviyoRefusal) -> KlaviyoAccount {
        guard request.has(header: "authorization") else {
            throw KlaviyoRefusal(
                status: 401, code: "not_authenticated", title: "Authentication credentials were not provided.",
                detail: "The header Authorization is missing.", source: .pointer("/data/"))
        }
        guard let email = account(of: request) else {
            throw KlaviyoRefusal(
                status: 401, code: "authentication_failed", title: "Incorrect authentication credentials.",
                detail: "The API key is not known, or the scheme is not Klaviyo-API-Key.", source: .pointer("/data/"))
        }
        return account(email)
    }

    private func account(_ email: String) -> KlaviyoAccount {
        if let account = known[email] { return account }
        let account = KlaviyoAccount(email: email, serials: serials)
        known[email] = account
        return account
    }

    private func checkScopes(
        of operation: KlaviyoOperation, _ request: Request, _ account: KlaviyoAccount
    ) throws(KlaviyoRefusal) {
        var missing = account.settings.missingScopes
        if key(of: request)?.hasPrefix(Self.noScopePrefix) == true { missing.insert("accounts:read") }
        guard let scope = operation.scopes.first(where: missing.contains) else { return }
        throw KlaviyoRefusal(
            status: 403, code: "permission_denied", title: "You do not have permission to perform this action.",
            detail: "The key lacks the scope \(scope).", source: .pointer("/data/"))
    }

    private func key(of request: Request) -> String? {
        guard let header = request.header("authorization"), header.hasPrefix(Self.scheme) else { return nil }
        return String(header.dropFirst(Self.scheme.count))
    }

    private func revision(of request: Request) throws(KlaviyoRefusal) -> KlaviyoCall.Revision {
        guard let text = request.header("revision") else {
            throw KlaviyoRefusal(
                status: 400, code: "invalid", title: "Invalid input.", detail: "The header revision is required.",
                source: .parameter("revision"))
        }
        guard let revision = KlaviyoCall.Revision(rawValue: text) else {
            throw KlaviyoRefusal(
                status: 400, code: "invalid", title: "Invalid input.",
                detail: "There is no such API revision, or the sandbox does not play it.", source: .parameter("revision"))
        }
        return revision
    }

    private func json(_ request: Request, limit: Int) throws(KlaviyoRefusal) -> JSONValue {
        guard request.mediaType == Self.mediaType else {
            throw KlaviyoRefusal(
                status: 415, code: "unsupported_media_type", title: "Unsupported media type.",
                detail: "The body's media type must be \(Self.mediaType).", source: .pointer("/data/"))
        }
        guard request.body.count <= limit else { throw .tooLarge(limit) }
        do {
            return try request.json(limits: Self.jsonLimits)
        } catch {
            throw .invalid("The body is not JSON: it \(error.detail).", at: "/data/")
        }
    }

    private static func code(of status: Int) -> String {
        switch status {
        case 400: "invalid"
        case 401: "authentication_failed"
        case 403: "permission_denied"
        case 404: "not_found"
        case 409: "duplicate_profile"
        case 503: "service_unavailable"
        default: status >= 500 ? "error" : "invalid"
        }
    }
}
