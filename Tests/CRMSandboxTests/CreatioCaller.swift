import CRMCore
import Testing

/// Somebody who is logged in to an imitated Creatio site, or tries to be.
struct CreatioCaller {
    let sandbox: RunningSandbox
    let prefix: String
    var headers: [(String, String)]

    static let login = "/creatio/ServiceModel/AuthService.svc/Login"

    /// Logs in by form.
    init(_ sandbox: RunningSandbox, _ email: String = "ada@shop.test") throws {
        self.sandbox = sandbox
        prefix = email.hasPrefix("core") ? "/creatio/odata/" : "/creatio/0/odata/"
        let cookies = try Self.logIn(sandbox, email)
        headers = [
            ("Cookie", cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")), ("BPMCSRF", cookies["BPMCSRF"] ?? ""),
            ("ForceUseSession", "true"), ("Content-Type", "application/json; charset=utf-8"),
        ]
    }

    /// With a token of the identity service.
    init(_ sandbox: RunningSandbox, token: String, isCore: Bool = false) {
        self.sandbox = sandbox
        prefix = isCore ? "/creatio/odata/" : "/creatio/0/odata/"
        headers = [("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")]
    }

    /// The cookies by name.
    static func logIn(_ sandbox: RunningSandbox, _ email: String, password: String = "sandbox") throws -> [String: String] {
        let connection = try sandbox.connection()
        let body: JSONValue = ["UserName": .string(email), "UserPassword": .string(password)]
        try connection.send("POST", login, headers: [("Content-Type", "application/json")], body: body.serialized())
        let response = try connection.receive()
        #expect(response.status == 200)
        var cookies: [String: String] = [:]
        for cookie in response.cookies {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            cookies[String(pair[0])] = String(pair[1])
        }
        return cookies
    }

    func send(_ method: String, _ path: String, _ json: JSONValue? = nil, more: [(String, String)] = []) throws -> RunningSandbox.Reply {
        let replaced = Set(more.map { $0.0.lowercased() })
        return try sandbox.send(
            method, prefix + path.encodedForQuery, headers: headers.filter { !replaced.contains($0.0.lowercased()) } + more, json: json)
    }

    func get(_ path: String) throws -> RunningSandbox.Reply { try send("GET", path) }

    /// The rows of a list.
    func rows(_ path: String) throws -> [JSONValue] { try #require(try get(path).json["value"]?.arrayValue) }

    func insert(_ object: String, _ values: JSONValue) throws -> JSONValue {
        let reply = try send("POST", object, values)
        #expect(reply.status == 201)
        return try reply.json
    }
}

extension RunningSandbox.Reply {
    /// The text of an OData error.
    var message: String? { (try? json)?["error"]?["message"]?.stringValue }
}

extension String {
    /// Tests write addresses as they are read; on the wire there are no spaces.
    fileprivate var encodedForQuery: String {
        var text = ""
        for character in self { text += character == " " ? "%20" : String(character) }
        return text
    }
}
