internal import CRMPluginSDK
internal import Synchronization

/// How a merchant lets us in: as a user of his site, or as an application that he registered.
enum Credentials: Sendable {
    case user(name: String, password: String)
    case client(id: String, secret: String)

    init(_ credentials: JSONObject) throws(CRMError) {
        let text = { (key: String) in credentials[key]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } }
        if let id = text("client_id"), let secret = text("client_secret") {
            self = .client(id: id, secret: secret)
        } else if let name = text("username"), let password = text("password") {
            self = .user(name: name, password: password)
        } else {
            throw CRMError.malformed("credentials", "need username and password, or client_id and client_secret")
        }
    }
}

/// One operation's way to a site: it has a session, or gets one, and puts a new one in the place of one that has ended.
final class Connection: Sendable {
    let site: Site
    let context: OperationContext
    private let credentials: Credentials
    private let platform: Settings.Platform
    /// What this operation saw last, for a host that keeps nothing.
    private let current = Mutex<Session?>(nil)

    init(_ site: Site, _ credentials: Credentials, _ platform: Settings.Platform, _ context: OperationContext) {
        self.site = site
        self.credentials = credentials
        self.platform = platform
        self.context = context
    }

    func open() async throws { _ = try await session() }

    /// A login of its own, whatever is kept: what a merchant asks to be checked is his password, not yesterday's session.
    func reopen() async throws {
        if let kept = await context.cache.look(key) { context.cache.remove(key, stale: kept) }
        _ = try await session()
    }

    /// What the session shows to the site.
    var secrets: [String] { current.withLock { $0?.secrets } ?? [] }

    /// The answer to one call: a session that has ended is replaced once, and the call repeated, which is safe because a site that
    /// asks for a login has done nothing else.
    func answer(to call: Call) async throws -> Answer {
        let session = try await session()
        let answer = try await attempt(call, session)
        // Every site has contacts: where they are gone, the site has become another one.
        if call.path == "Contact", answer.isNowhere { forget(session) }
        guard answer.asksForLogin(in: session) else { return answer }
        return try await attempt(call, try await self.session(insteadOf: session, isForbidden: answer.status == 403))
    }

    /// Whether a part of a batch came too late for the session.
    func asksForLogin(_ answer: Answer) -> Bool { current.withLock { $0.map(answer.asksForLogin) ?? false } }

    /// What the part of a batch needs before it is sent again.
    func renew(isForbidden: Bool) async throws { _ = try await session(insteadOf: try await session(), isForbidden: isForbidden) }

    private func attempt(_ call: Call, _ session: Session) async throws -> Answer {
        let response = try await send(call.request(below: site.base + session.root, session.headers))
        var updated = session
        updated.take(response.values(of: "set-cookie"))
        if session.token == nil, updated != session, !updated.cookies.isEmpty { await keep(updated, insteadOf: session) }
        return Answer(response, hiding: session.secrets)
    }

    private func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        do {
            return try await context.http.send(request)
        } catch let error as CRMError where error.status == .blockedByPolicy {
            throw CRMError.targetNotAllowed
        }
    }
}

// MARK: - What is kept

extension Connection {
    /// A choice of the merchant's about the platform must not find what was kept for another.
    private var key: String { platform == .automatic ? "session" : "session \(platform.rawValue)" }

    private func session() async throws -> Session {
        if let session = current.withLock({ $0 }) { return session }
        return try await enter(knowing: nil, isForbidden: false)
    }

    private func session(insteadOf ended: Session, isForbidden: Bool) async throws -> Session {
        forget(ended)
        return try await enter(knowing: ended, isForbidden: isForbidden)
    }

    private func forget(_ ended: Session) {
        context.cache.remove(key, stale: Entrance.open(ended).bytes)
        current.withLock { $0 = nil }
    }

    private func enter(knowing ended: Session?, isForbidden: Bool) async throws -> Session {
        let bytes = try await context.cache.value(key) {
            do {
                var (session, lifetime) = try await self.logIn(knowing: ended)
                session.followsForbidden = isForbidden
                return SessionCache.Made(Entrance.open(session).bytes, timeToLive: lifetime)
            } catch let error as CRMError where error.isOfTheSite {
                return SessionCache.Made(
                    Entrance.refused(error).bytes, timeToLive: error.status == .invalidCredentials ? .seconds(300) : .seconds(2))
            }
        }
        guard let entrance = Entrance(bytes) else {
            throw CRMError(.internal, code: "creatio.unreadable_session", message: "what was kept of the session cannot be read")
        }
        let session = try entrance.session()
        current.withLock { $0 = session }
        return session
    }

    /// Cookies that changed on the way. Another operation may have done the same, or have logged in: then its session stays.
    private func keep(_ updated: Session, insteadOf session: Session) async {
        current.withLock { $0 = updated }
        let known = Entrance.open(session).bytes
        guard await context.cache.look(key) == known else { return }
        context.cache.remove(key, stale: known)
        _ = try? await context.cache.value(key) {
            SessionCache.Made(Entrance.open(updated).bytes, timeToLive: Self.sessionLifetime)
        }
    }

    /// Sites end sessions after a time of their own, and say so; this only bounds how long one is kept for a connection at rest.
    private static var sessionLifetime: Duration { .seconds(6 * 3600) }
}

// MARK: - Logging in

extension Connection {
    private func logIn(knowing ended: Session?) async throws -> (Session, Duration) {
        context.metrics.count("logins")
        var session: Session
        let lifetime: Duration
        switch credentials {
        case .user(let name, let password): (session, lifetime) = (try await logIn(name, password), Self.sessionLifetime)
        case .client(let id, let secret): (session, lifetime) = try await token(id, secret, usesBasic: ended?.usesBasic ?? false)
        }
        if let root = platform.root ?? ended?.root {
            session.root = root
        } else {
            try await findRoot(&session)
        }
        return (session, lifetime)
    }

    private func logIn(_ name: String, _ password: String) async throws -> Session {
        let response = try await send(
            HTTPRequest(
                .post, "\(site.base)/ServiceModel/AuthService.svc/Login", route: "POST AuthService.svc/Login",
                headers: [
                    HTTPHeader("Content-Type", "application/json; charset=utf-8"), HTTPHeader("Accept", "application/json"),
                    HTTPHeader("ForceUseSession", "true"),
                ],
                body: JSONValue.object(["UserName": .string(name), "UserPassword": .string(password)]).serialized(), changesData: false))
        var session = Session()
        session.take(response.values(of: "set-cookie"))
        let answer = Answer(response)
        if let error = CRMError(login: answer, hasCookies: !session.cookies.isEmpty, context) { throw error }
        return session
    }

    /// Sites differ in where they want the client's credentials: the body comes first, a header once after a refusal.
    private func token(_ id: String, _ secret: String, usesBasic: Bool) async throws -> (Session, Duration) {
        guard let identity = site.identity else {
            throw CRMError.malformed("identity_url", "is needed for a site outside of creatio.com: the address of its Identity Service")
        }
        var answer = try await tokenAnswer(identity, id, secret, usesBasic: usesBasic)
        var usesBasic = usesBasic
        if answer.status == 400 || answer.status == 401 {
            usesBasic.toggle()
            answer = try await tokenAnswer(identity, id, secret, usesBasic: usesBasic)
        }
        if let error = CRMError(token: answer, context) { throw error }
        guard case .json(let body) = answer.body, let token = body["access_token"]?.stringValue else {
            throw CRMError.noIdentityService
        }
        let seconds = min(max(body["expires_in"]?.intValue ?? 3600, 1), 86_400)
        var session = Session()
        session.token = token
        session.usesBasic = usesBasic
        // What is on its way when a token ends is refused: it is given up a little earlier.
        return (session, .seconds(seconds > 120 ? seconds - 60 : (seconds + 1) / 2))
    }

    private func tokenAnswer(_ identity: String, _ id: String, _ secret: String, usesBasic: Bool) async throws -> Answer {
        var headers = [HTTPHeader("Content-Type", FormEncoding.mediaType), HTTPHeader("Accept", "application/json")]
        let body: [UInt8]
        if usesBasic {
            // RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
            let pair = "\(PercentEncoding.encode(id)):\(PercentEncoding.encode(secret))"
            headers.append(HTTPHeader("Authorization", "Basic \(Base64.encode(pair))", isSensitive: true))
            body = FormEncoding.encode(["grant_type": "client_credentials"])
        } else {
            body = FormEncoding.encode(["client_id": id, "client_secret": secret, "grant_type": "client_credentials"])
        }
        return Answer(
            try await send(
                HTTPRequest(
                    .post, "\(identity)/connect/token", route: "POST connect/token", headers: headers, body: body, changesData: false)))
    }

    /// .NET Framework sites have OData below `/0`, .NET ones do not, and nothing before the first answer tells which.
    private func findRoot(_ session: inout Session) async throws {
        var refusals: [CRMError] = []
        for root in [Settings.Platform.framework.root, Settings.Platform.core.root].compactMap({ $0 }) {
            session.root = root
            let response = try await send(Call.anyContact.request(below: site.base + root, session.headers))
            session.take(response.values(of: "set-cookie"))
            let answer = Answer(response, hiding: session.secrets)
            if answer.rows != nil || answer.isRefusalByOData { return }
            if !answer.isNowhere { refusals.append(CRMError(answer, Call.anyContact, context)) }
        }
        // One of the two roots is the wrong one, and may answer with a page; what may pass goes before what will not.
        let telling = refusals.filter { $0.code != CRMError.noPage }
        throw telling.first { $0.flags.contains(.retryable) } ?? telling.first ?? refusals.first ?? CRMError.noOData
    }
}
