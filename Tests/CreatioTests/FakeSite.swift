import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Foundation
import Synchronization

/// A site of Creatio's with as much of its behaviour as the tests need: sessions, OData below one of two roots, and batches.
final class FakeSite: Sendable {
    struct State {
        var isCore = false
        var password = "hunter-22"
        var isProtected = true
        /// Sessions and tokens that it accepts.
        var sessions: Set<String> = []
        var logins = 0
        var sessionSuffix = ""
        var tables: [String: [JSONObject]] = [
            "Contact": [], "ContactCommunication": [], "UsrIntegrationEvent": [], "Activity": [],
            "City": [["Id": "11111111-1111-4111-8111-111111111111", "Name": "Rome"]],
            "Country": [["Id": "22222222-2222-4222-8222-222222222222", "Name": "Italy"]],
            "Region": [], "Account": [["Id": "33333333-3333-4333-8333-333333333333", "Name": "Acme"]],
            "SysLanguage": [["Id": "44444444-4444-4444-8444-444444444444", "Code": "it-IT"]],
        ]
        var missingColumns: Set<String> = []
        /// Parts of a batch after which sessions end.
        var partsUntilTheSessionEnds: Int?
    }

    /// Instead of what the site would do, when it gives something. The number counts from 1 the requests that it is asked about.
    typealias Interruption = @Sendable (FakeHTTP.Request, FakeSite) -> FakeHTTP.Reply?

    let state = Mutex(State())
    private let interruption: Interruption

    init(_ interruption: @escaping Interruption = { _, _ in nil }) { self.interruption = interruption }

    func rows(_ table: String) -> [JSONObject] { state.withLock { $0.tables[table] ?? [] } }
    func add(_ table: String, _ row: JSONObject) { state.withLock { $0.tables[table, default: []].append(row) } }
    func endSessions() { state.withLock { $0.sessions = [] } }
    var logins: Int { state.withLock { $0.logins } }

    func answer(_ request: FakeHTTP.Request) -> FakeHTTP.Reply {
        if let reply = interruption(request, self) { return reply }
        return perform(request)
    }

    /// What the site does by itself.
    func perform(_ request: FakeHTTP.Request) -> FakeHTTP.Reply {
        let path = request.path
        if path.hasSuffix("/ServiceModel/AuthService.svc/Login") { return logIn(request) }
        if path.hasSuffix("/connect/token") { return token(request) }
        return state.withLock { state in
            guard let call = path.range(of: state.isCore ? "/odata/" : "/0/odata/").map({ String(path[$0.upperBound...]) }),
                state.isCore != path.contains("/0/")
            else { return .response(404, [("content-type", "text/html")], Array("<html>404</html>".utf8)) }
            guard Self.isAuthorized(request, state) else { return Says.sessionOver }
            if call == "$batch" { return Self.batch(request, &state) }
            let (status, body) = Self.odata(request.method, call + (request.query.isEmpty ? "" : "?\(request.query)"), request.json, &state)
            return status == 204 ? .status(204) : Says.json(status, body)
        }
    }

    private func logIn(_ request: FakeHTTP.Request) -> FakeHTTP.Reply {
        state.withLock { state in
            state.logins += 1
            guard request.json["UserPassword"]?.stringValue == state.password else { return Says.refusal }
            let session = "S\(state.logins)\(state.sessionSuffix)"
            state.sessions.insert(session)
            return Says.welcome(session, isProtected: state.isProtected)
        }
    }

    private func token(_ request: FakeHTTP.Request) -> FakeHTTP.Reply {
        state.withLock { state in
            state.logins += 1
            guard request.bodyText.contains("client_secret=hunter-22") else { return Says.json(400, ["error": "invalid_client"]) }
            state.sessions.insert("T\(state.logins)")
            return Says.json(200, ["access_token": "T\(state.logins)", "expires_in": 3600, "token_type": "Bearer"])
        }
    }

    private static func isAuthorized(_ request: FakeHTTP.Request, _ state: State) -> Bool {
        if let token = request.header("Authorization") { return state.sessions.contains(String(token.dropFirst(7))) }
        let cookies = request.cookies
        guard request.header("ForceUseSession") == "true", let session = cookies[".ASPXAUTH"], state.sessions.contains(session) else {
            return false
        }
        return cookies["BPMCSRF"] == request.header("BPMCSRF")
    }

    // MARK: OData

    private static func batch(_ request: FakeHTTP.Request, _ state: inout State) -> FakeHTTP.Reply {
        var responses: [JSONValue] = []
        for part in request.json["requests"]?.arrayValue ?? [] {
            if let left = state.partsUntilTheSessionEnds {
                state.partsUntilTheSessionEnds = left > 0 ? left - 1 : nil
                if left == 0 { state.sessions = [] }
            }
            var answer: JSONObject = ["id": part["id"] ?? .null]
            if state.sessions.isEmpty {
                answer["status"] = 401
                answer["body"] = Says.sessionOverBody
            } else {
                let (status, body) = odata(part["method"]?.stringValue ?? "", part["url"]?.stringValue ?? "", part["body"] ?? .null, &state)
                answer["status"] = .integer(status)
                if status != 204 { answer["body"] = body }
            }
            responses.append(.object(answer))
        }
        // The order says nothing.
        return Says.json(200, ["responses": .array(responses.reversed())])
    }

    private static func odata(_ method: String, _ url: String, _ body: JSONValue, _ state: inout State) -> (Int, JSONValue) {
        let parts = url.split(separator: "?", maxSplits: 1)
        let path = parts.first.map(String.init) ?? ""
        let options = FakeHTTP.Request.options(parts.count > 1 ? String(parts[1]) : "")
        let name = String(path.prefix { $0 != "(" })
        let id = path.contains("(") ? String(path.dropFirst(name.count + 1).dropLast()) : nil
        guard let rows = state.tables[name] else { return (200, Says.routing) }
        let asked =
            (options["$select"]?.split(separator: ",").map(String.init) ?? [])
            + (options["$filter"].map { [String($0.prefix { $0 != " " })] } ?? [])
        for column in asked + (body.objectValue?.keys ?? []) where state.missingColumns.contains("\(name).\(column)") {
            return (400, Says.error("Column by path \(column) not found in schema \(name)."))
        }
        switch (method, id) {
        case ("GET", nil):
            let found = rows.filter { row in options["$filter"].map { matches(row, $0) } ?? true }
            return (200, ["@odata.context": "x", "value": .array(found.prefix(Int(options["$top"] ?? "") ?? 99).map(JSONValue.object))])
        case ("GET", let id?):
            guard let row = rows.first(where: { $0["Id"]?.stringValue == id }) else { return (404, Says.error("Not found.")) }
            return (200, .object(row))
        case ("POST", nil):
            guard let row = body.objectValue, let id = row["Id"] else { return (400, Says.error("Id")) }
            if rows.contains(where: { $0["Id"] == id }) { return (500, Says.error("Violation of PRIMARY KEY constraint 'PK'.")) }
            state.tables[name, default: []].append(row)
            return (201, .object(row))
        case ("PATCH", let id?):
            guard let index = rows.firstIndex(where: { $0["Id"]?.stringValue == id }) else { return (404, Says.error("Not found.")) }
            for (column, value) in body.objectValue ?? [:] { state.tables[name]?[index][column] = value }
            return (204, .null)
        default: return (405, Says.error("?"))
        }
    }

    /// `A eq 'x'`, perhaps several with `or` between them. Capitals count for nothing, as on some databases.
    private static func matches(_ row: JSONObject, _ filter: String) -> Bool {
        var rest = Substring(filter).unicodeScalars
        while true {
            let column = rest.prefix { $0 != " " }
            rest = rest.dropFirst(column.count)
            guard rest.starts(with: " eq '".unicodeScalars) else { return false }
            rest = rest.dropFirst(5)
            var value = String.UnicodeScalarView()
            while let scalar = rest.popFirst() {
                if scalar == "'" {
                    guard rest.first == "'" else { break }
                    rest.removeFirst()
                }
                value.append(scalar)
            }
            if row[String(column)]?.stringValue?.lowercased() == String(value).lowercased() { return true }
            guard rest.starts(with: " or ".unicodeScalars) else { return false }
            rest = rest.dropFirst(4)
        }
    }
}

/// What a site says.
enum Says {
    static func json(_ status: Int, _ body: JSONValue, _ headers: [(String, String)] = []) -> FakeHTTP.Reply {
        .json(status, body, [("content-type", "application/json; charset=utf-8")] + headers)
    }

    static func html(_ status: Int, _ text: String = "<html><body>Bad Gateway</body></html>") -> FakeHTTP.Reply {
        .response(status, [("content-type", "text/html")], Array(text.utf8))
    }

    static func error(_ message: String) -> JSONValue { ["error": ["code": "", "message": .string(message)]] }
    static func odata(_ status: Int, _ message: String = "Something is wrong.") -> FakeHTTP.Reply { json(status, error(message)) }

    static func exception(_ status: Int, _ message: String = "Object reference not set.") -> FakeHTTP.Reply {
        json(
            status,
            [
                "Message": "An error has occurred.", "ExceptionMessage": .string(message), "ExceptionType": "System.NullReferenceException",
                "StackTrace": "at Secret.Place()",
            ])
    }

    static let routing: JSONValue = [
        "Message": "No HTTP resource was found that matches the request URI 'https://acme.creatio.com/0/odata/X'.",
        "MessageDetail": "No type was found that matches the controller named 'X'.",
    ]
    static let sessionOverBody: JSONValue = [
        "Message": "Authentication failed.", "StackTrace": .null, "ExceptionType": "System.Security.Authentication.AuthenticationException",
    ]
    static let sessionOver = json(401, sessionOverBody)
    static let loginPage = html(200, "<!DOCTYPE html><html><script src=\"/0/Login/x.js\"></script></html>")
    static let redirect = FakeHTTP.Reply.response(302, [("location", "/Login/NuiLogin.aspx")], [])

    static func login(_ code: JSONValue, message: String = "", exception: JSONValue = .null, change: JSONValue = .null) -> JSONValue {
        ["Code": code, "Message": .string(message), "Exception": exception, "PasswordChangeUrl": change, "RedirectUrl": .null]
    }

    static let refusal = json(200, login(1, message: "Invalid username or password specified"))

    static func welcome(_ session: String, isProtected: Bool = true) -> FakeHTTP.Reply {
        var headers = [
            ("set-cookie", "BPMLOADER=loader-\(session); path=/; HttpOnly"), ("set-cookie", ".ASPXAUTH=\(session); path=/; HttpOnly"),
            ("set-cookie", "UserName=83|117|112; expires=Mon, 01 Nov 2027 10:00:00 GMT; path=/; HttpOnly"),
        ]
        if isProtected { headers.append(("set-cookie", "BPMCSRF=csrf-\(session); path=/")) }
        return json(200, login(0), headers)
    }
}

extension FakeHTTP.Request {
    private var afterHost: Substring { url.dropFirst("https://".count).drop { $0 != "/" } }
    var path: String { String(afterHost.prefix { $0 != "?" }) }
    var query: String { String(afterHost.drop { $0 != "?" }.dropFirst()) }
    var options: [String: String] { Self.options(query) }
    var filter: String? { options["$filter"] }
    var isData: Bool { path.contains("/odata/") }
    /// Behind the service's root.
    var call: String { "\(method) \(path.split(separator: "/").last.map(String.init) ?? "")" }

    static func options(_ query: String) -> [String: String] {
        var options: [String: String] = [:]
        for option in query.split(separator: "&") {
            let parts = option.split(separator: "=", maxSplits: 1).map(String.init)
            options[parts[0]] = parts.count > 1 ? parts[1].removingPercentEncoding : ""
        }
        return options
    }

    var cookies: [String: String] {
        var cookies: [String: String] = [:]
        for pair in (header("Cookie") ?? "").components(separatedBy: "; ") {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { cookies[parts[0]] = parts[1] }
        }
        return cookies
    }
}
