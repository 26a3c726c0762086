internal import CRMPluginSDK

/// What a login gives: a token, and where in Salesforce the org is.
struct Session {
    static let cacheKey = "session"
    /// How long a refusal is remembered: as many operations as wait for a session must not become as many logins, which lock users out.
    /// Logins that fail lock a user out, and what an administrator has to mend does not mend itself. New credentials, and a check of
    /// credentials, do not wait.
    private static let refusalTime = Duration.seconds(14_400)

    let token: String
    /// Scheme and host, without a slash at the end.
    let origin: String
    let organizationID: String?
    let organizationName: String?
    /// As the cache holds it.
    let cached: [UInt8]

    /// Throws the refusal that the cache remembers instead of a session.
    init(cached: [UInt8], _ context: OperationContext) throws(CRMError) {
        let members = try? JSONValue(parsing: cached)
        if let refusal = members?["refused"] {
            let status = refusal["http_status"]?.intValue ?? 0
            if let fault = refusal["fault"]?.stringValue { throw CRMError(fault: fault, httpStatus: status, context) }
            if refusal["password_expired"] == true { throw .passwordExpired }
            if refusal["unknown_domain"] == true { throw .unknownDomain }
            throw CRMError(oauthError: refusal["oauth"], httpStatus: status)
        }
        guard let token = members?["token"]?.stringValue, let origin = members?["origin"]?.stringValue else { throw .unreadableLogin }
        self.token = token
        self.origin = origin
        organizationID = members?["organization_id"]?.stringValue
        organizationName = members?["organization_name"]?.stringValue
        self.cached = cached
    }

    static func isRefusal(_ cached: [UInt8]) -> Bool { (try? JSONValue(parsing: cached))?["refused"] != nil }

    static func made(
        token: String, origin: String, organizationID: String?, organizationName: String?, secondsValid: Int
    ) -> SessionCache.Made {
        var members: JSONObject = ["token": .string(token), "origin": .string(origin)]
        members.set("organization_id", organizationID)
        members.set("organization_name", organizationName)
        // Left a little early: a call under way must not outlive it.
        let seconds = max(30, secondsValid - max(60, secondsValid / 10))
        return SessionCache.Made(JSONValue.object(members).serialized(), timeToLive: .seconds(seconds))
    }

    static func refused(_ reason: JSONObject, httpStatus: Int, wait: Duration? = nil) -> SessionCache.Made {
        var reason = reason
        reason["http_status"] = .integer(httpStatus)
        return SessionCache.Made(JSONValue.object(["refused": .object(reason)]).serialized(), timeToLive: wait ?? refusalTime)
    }
}

extension SalesforceProvider {
    func logIn(_ context: OperationContext) async throws -> SessionCache.Made {
        let text = { (name: String) in context.credentials[name]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } }
        if let id = text("client_id"), let secret = text("client_secret") {
            context.metrics.count("logins", ["kind": "oauth"])
            return try await authorize(id, secret, try host(text("domain")), context)
        }
        guard let username = text("username"), let password = text("password") else {
            throw CRMError(
                .invalidCredentials, code: "salesforce.incomplete_credentials",
                message: "needed are username and password, or client_id, client_secret and domain")
        }
        context.metrics.count("logins", ["kind": "soap"])
        return try await logIn(username, password + (text("security_token") ?? ""), try host(text("domain") ?? "login"), context)
    }

    private func host(_ domain: String?) throws(CRMError) -> Host {
        guard let host = domain.flatMap(Host.init(domain:)) else {
            throw CRMError(
                .invalidCredentials, code: "salesforce.bad_domain",
                message: "domain must be login, test, or the name of the org's My Domain, such as acme or acme.my.salesforce.com")
        }
        return host
    }

    /// SOAP's login, the only one that takes a password. The answer is read whatever its status: faults come with 500.
    private func logIn(
        _ username: String, _ password: String, _ host: Host, _ context: OperationContext
    ) async throws -> SessionCache.Made {
        let response = try await context.http.send(
            HTTPRequest(
                .post, "\(origins.login(host))/services/Soap/u/\(loginVersion)", route: "POST /services/Soap/u/{version}",
                headers: [HTTPHeader("Content-Type", "text/xml; charset=UTF-8"), HTTPHeader("SOAPAction", "login")],
                body: Self.loginEnvelope(username, password), changesData: false))
        let body = XMLElement(parsing: response.body)?["Body"]
        if let fault = body?["Fault"] {
            // `faultcode` holds the same code behind a prefix.
            let code = fault.first("exceptionCode")?.value ?? fault["faultcode"]?.value?.split(separator: ":").last.map(String.init)
            let error = CRMError(fault: code ?? "", httpStatus: response.status, context)
            // One that asks for a pause or that nobody knows is remembered for as long as it says.
            guard error.status == .invalidCredentials || error.retryAfter != nil, let code else { throw error }
            return Session.refused(["fault": .string(code)], httpStatus: response.status, wait: error.retryAfter)
        }
        guard response.isSuccess else { throw Refusal(response, .login, context).error }
        guard let result = body?["loginResponse", "result"] else { throw CRMError.unreadableLogin }
        if result["passwordExpired"]?.value == "true" { return Session.refused(["password_expired": true], httpStatus: response.status) }
        guard let token = result["sessionId"]?.value, Self.isToken(token), let url = result["serverUrl"]?.value else {
            throw CRMError.unreadableLogin
        }
        guard let origin = origins.instance(url) else { throw CRMError.foreignAddress }
        let user = result["userInfo"]
        return Session.made(
            token: token, origin: origin, organizationID: user?["organizationId"]?.value,
            organizationName: user?["organizationName"]?.value,
            secondsValid: user?["sessionSecondsValid"]?.value.flatMap { Int($0) } ?? 7_200)
    }

    private static func loginEnvelope(_ username: String, _ password: String) -> [UInt8] {
        let envelope = """
            <?xml version="1.0" encoding="UTF-8"?>\
            <env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com">\
            <env:Header><urn:CallOptions><urn:client>crm-service</urn:client></urn:CallOptions></env:Header>\
            <env:Body><urn:login><urn:username>\(XMLText.escaped(username))</urn:username>\
            <urn:password>\(XMLText.escaped(password))</urn:password></urn:login></env:Body></env:Envelope>
            """
        return Array(envelope.utf8)
    }

    private func authorize(
        _ clientID: String, _ secret: String, _ host: Host, _ context: OperationContext
    ) async throws -> SessionCache.Made {
        guard !host.isShared else {
            throw CRMError(
                .invalidCredentials, code: "salesforce.bad_domain",
                message: "client credentials work at the org's My Domain only: domain cannot be login or test")
        }
        guard !clientID.contains(":") else {
            throw CRMError(.invalidCredentials, code: "salesforce.oauth_refused", message: "a consumer key has no colon")
        }
        let response = try await context.http.send(
            HTTPRequest(
                .post, "\(origins.login(host))/services/oauth2/token", route: "POST /services/oauth2/token",
                headers: [
                    HTTPHeader("Authorization", "Basic \(Base64.encode("\(clientID):\(secret)"))", isSensitive: true),
                    HTTPHeader("Content-Type", FormEncoding.mediaType), HTTPHeader("Accept", "application/json"),
                ],
                body: FormEncoding.encode(["grant_type": "client_credentials"]), changesData: false))
        if response.status == 400 || response.status == 401 {
            return Session.refused(["oauth": ["error": .optional(response.json?["error"]?.stringValue)]], httpStatus: response.status)
        }
        if (300...399).contains(response.status) || response.status == 403 || response.status == 404 {
            return Session.refused(["unknown_domain": true], httpStatus: response.status)
        }
        guard response.isSuccess else { throw Refusal(response, .login, context).error }
        guard let token = response.json?["access_token"]?.stringValue, Self.isToken(token),
            let url = response.json?["instance_url"]?.stringValue
        else { throw CRMError.unreadableLogin }
        guard let origin = origins.instance(url) else { throw CRMError.foreignAddress }
        // `id` is a URL that ends with the ids of the org and of the user.
        let identity = response.json?["id"]?.stringValue?.split(separator: "/").suffix(2).first.map(String.init)
        return Session.made(
            token: token, origin: origin, organizationID: identity.flatMap { RecordID($0)?.text }, organizationName: nil,
            secondsValid: response.json?["expires_in"]?.intValue ?? 3_600)
    }

    /// It becomes a header.
    private static func isToken(_ text: String) -> Bool { text.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
}
