import CRMCore

/// Creatio, as its documentation and its clients know it: login form and identity service, both platforms, OData 4.
final class Creatio: Imitation {
    static let pathName = "creatio"

    let name = Creatio.pathName
    let hosts = ["*.creatio.com"]

    private var sites: [String: CreatioSite] = [:]

    func account(of request: Request) -> String? {
        let email = CreatioCredentials(request).email ?? CreatioLogin.userName(in: request) ?? CreatioIdentityService.email(in: request)
        return email.flatMap { EmailAddressRule.accepts($0) ? $0.lowercased() : nil }
    }

    func accounts() -> [(account: String, counts: JSONObject)] {
        sites.sorted { $0.key < $1.key }.map { email, site in
            (email, ["contacts": .integer(site.contactCount), "events": .integer(site.eventCount)])
        }
    }

    func forget(account: String?) {
        if let account { sites[account] = nil } else { sites = [:] }
    }

    func endSessions(account: String) -> Bool { sites[account]?.sessions.endAll() ?? false }

    func configure(account: String, _ settings: JSONObject) throws(SetupError) {
        try site(of: account).configure(settings)
    }

    /// `code` chooses one of the bodies that mean something whatever the status is.
    func scriptedAnswer(to request: Request, status: Int, code: String?, retryAfter: Int?) -> Answer {
        let told = "The sandbox was told to answer this."
        let answer: Answer =
            switch (code, status) {
            case ("routing", _): CreatioRefusal.noObject("Contact", at: request.base + "/0/odata/Contact", status: status).answer
            case ("exception", _): CreatioRefusal(status: status, message: told, shape: .exception(type: "System.Exception")).answer
            case ("session", _): Self.sessionEnded(status: status)
            case ("login_page", _): Self.loginPage(status: status)
            case (let code?, _): CreatioRefusal(status: status, message: code).answer
            case (nil, ..<400): Answer(status: status)
            // What stands in front of the application answers these.
            case (nil, 408), (nil, 429), (nil, 502...504):
                CreatioRefusal(status: status, message: "Try again later.", shape: .page("Error \(status)")).answer
            case (nil, 401): Answer(status: 401)
            default: CreatioRefusal(status: status, message: told).answer
            }
        return retryAfter.map { answer.with(header: "Retry-After", String($0)) } ?? answer
    }

    func answer(_ request: Request, path: [String], at now: Timestamp) -> Answer {
        do throws(CreatioRefusal) {
            return try judge(request, path, now)
        } catch {
            return error.answer
        }
    }

    private func judge(_ request: Request, _ path: [String], _ now: Timestamp) throws(CreatioRefusal) -> Answer {
        let isIdentityHost = CreatioIdentityService.isOnlyService(of: request)
        if CreatioIdentityService.paths.contains(path) {
            guard isIdentityHost != false else { throw Self.noPage }
            return try CreatioIdentityService(request: request, now: now).answer(path) { site(of: $0) }
        }
        guard isIdentityHost != true else { throw Self.noPage }
        if path == CreatioLogin.path || path == ["0"] + CreatioLogin.path {
            guard path == CreatioLogin.path else { throw CreatioRefusal(status: 401, message: "", shape: .empty) }
            return try CreatioLogin(request: request, now: now).answer { site(of: $0) }
        }
        let credentials = CreatioCredentials(request)
        let known = credentials.email.flatMap { sites[$0] }
        if let probe = Self.probe(path, of: known, request) { return probe }
        return try data(request, path, credentials, known, now)
    }

    private func data(
        _ request: Request, _ path: [String], _ credentials: CreatioCredentials, _ known: CreatioSite?, _ now: Timestamp
    ) throws(CreatioRefusal) -> Answer {
        guard path.first == "odata" || path.starts(with: ["0", "odata"]) else { throw Self.noPage }
        guard let site = known, admits(credentials, site, now) else { return Self.loggedOut(request, isCore: path.first == "odata") }
        if credentials.bearer == nil, !site.traits.lacksCSRF {
            guard request.header("bpmcsrf") == credentials.cookies["BPMCSRF"], credentials.cookies["BPMCSRF"]?.isEmpty == false else {
                throw CreatioRefusal(status: 403, message: "The request was refused.", shape: .page("Forbidden"))
            }
        }
        guard path.starts(with: site.odataPath) else { throw Self.noPage }
        return CreatioService(site: site, request: request, now: now).answer(Array(path.dropFirst(site.odataPath.count)))
    }

    private func admits(_ credentials: CreatioCredentials, _ site: CreatioSite, _ now: Timestamp) -> Bool {
        if let bearer = credentials.bearer { return site.sessions.isLive(token: bearer, at: now) }
        guard let id = credentials.cookies["BPMLOADER"], let ticket = credentials.cookies[".ASPXAUTH"],
            let session = site.sessions.use(id: id, ticket: ticket, at: now)
        else { return false }
        return site.traits.lacksCSRF || credentials.cookies["BPMCSRF"] == session.csrf
    }

    private func site(of email: String) -> CreatioSite {
        if let site = sites[email] { return site }
        let site = CreatioSite(email: email)
        sites[email] = site
        return site
    }
}

extension Creatio {
    private static let noPage = CreatioRefusal(status: 404, message: "There is nothing at this address.", shape: .page("404 - Not found"))

    /// A clean 401 for callers that say they are no browser; a browser is sent to the login page.
    private static func loggedOut(_ request: Request, isCore: Bool) -> Answer {
        guard request.header("forceusesession")?.lowercased() == "true" || request.has(header: "authorization") else {
            let page = isCore ? "/Login/Login.html" : "/Login/NuiLogin.aspx"
            return Answer(
                status: 302, headers: [("Location", request.base + page), ("Content-Type", "text/html; charset=utf-8")],
                body: Array("<html><head><title>Object moved</title></head><body><a href=\"\(page)\">here</a></body></html>".utf8))
        }
        if isCore { return Answer(status: 401) }
        return sessionEnded(status: 401)
    }

    private static func sessionEnded(status: Int) -> Answer {
        .json(
            [
                "Message": "Authentication failed.", "StackTrace": .null,
                "ExceptionType": "System.Security.Authentication.AuthenticationException",
            ], status: status, mediaType: "application/json; charset=utf-8")
    }

    private static func loginPage(status: Int) -> Answer {
        Answer(
            status: status, headers: [("Content-Type", "text/html; charset=utf-8")],
            body: Array("<!DOCTYPE html><html><head><title>Creatio</title></head><body data-page=\"bootstrap.login\"></body></html>".utf8))
    }

    /// The health check and the login page need no session. Without one nothing tells which platform is meant, so both have them.
    private static func probe(_ path: [String], of site: CreatioSite?, _ request: Request) -> Answer? {
        let isFramework = path.first == "0"
        guard request.method == "GET", site.map({ $0.traits.isCore != isFramework }) ?? true else { return nil }
        switch isFramework ? Array(path.dropFirst()) : path {
        case ["api", "HealthCheck", "Ping"]: return .json("Pong", mediaType: "application/json; charset=utf-8")
        case ["Login", isFramework ? "NuiLogin.aspx" : "Login.html"]:
            return loginPage(status: 200)
        default: return nil
        }
    }
}
