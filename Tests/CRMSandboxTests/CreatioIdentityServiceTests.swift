import CRMCore
import CRMCrypto
import Testing

@Suite struct CreatioIdentityServiceTests {
    private static let form = [("Content-Type", "application/x-www-form-urlencoded")]

    private func token(_ sandbox: RunningSandbox, _ body: String, headers: [(String, String)] = form) throws -> RunningSandbox.Reply {
        try sandbox.send("POST", "/creatio/connect/token", headers: headers, body: Array(body.utf8))
    }

    private func credentials(_ email: String, secret: String = "sandbox") -> String {
        "client_id=sandbox_\(email.split(separator: "@").joined(separator: "%40"))&client_secret=\(secret)&grant_type=client_credentials"
    }

    @Test func aTokenServesWithoutCookiesUntilItExpires() async throws {
        let sandbox = try await RunningSandbox()
        try sandbox.stopClock(at: "2026-11-22T10:00:00Z")
        let reply = try token(sandbox, credentials("ada@shop.test"))
        #expect(try reply.status == 200 && reply.json["expires_in"] == 3_600 && reply.json["token_type"] == "Bearer")
        let caller = CreatioCaller(sandbox, token: try #require(try reply.json["access_token"]?.stringValue))
        #expect(try caller.get("Contact").status == 200)
        try sandbox.advanceClock(milliseconds: 3_600_000)
        #expect(try caller.get("Contact").status == 401)
        #expect(try CreatioCaller(sandbox, token: "guess").get("Contact").status == 401)
    }

    @Test func strangersGetNone() async throws {
        let sandbox = try await RunningSandbox()
        for (body, code) in [
            (credentials("ada@shop.test", secret: "guess"), "invalid_client"), ("grant_type=client_credentials", "invalid_client"),
            ("client_id=sandbox_a%40b.test&client_secret=sandbox&grant_type=password", "unsupported_grant_type"),
        ] {
            let reply = try token(sandbox, body)
            #expect(reply.status == 400)
            #expect(try reply.json == ["error": .string(code)])
        }
        #expect(try token(sandbox, "{}", headers: [("Content-Type", "application/json")]).status == 400)
        #expect(try sandbox.send("GET", "/creatio/connect/token").status == 405)
    }

    @Test func someSitesWantBasic() async throws {
        let sandbox = try await RunningSandbox()
        #expect(try token(sandbox, credentials("basic.ada@shop.test")).status == 400)
        let basic = "Basic " + Base64.encode(Array("sandbox_basic.ada%40shop.test:sandbox".utf8))
        let reply = try token(sandbox, "grant_type=client_credentials", headers: Self.form + [("Authorization", basic)])
        #expect(reply.status == 200)
    }

    @Test func onTheCloudItHasAHostOfItsOwn() async throws {
        let sandbox = try await RunningSandbox()
        func status(_ host: String, _ method: String, _ path: String, _ body: String) throws -> Int {
            let connection = try sandbox.connection()
            let head =
                "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: \(body.utf8.count)"
            try connection.send(Array("\(head)\r\n\r\n\(body)".utf8))
            return try connection.receive().status
        }
        #expect(try status("acme-is.creatio.com", "POST", "/connect/token", credentials("ada@shop.test")) == 200)
        #expect(try status("acme.creatio.com", "POST", "/connect/token", credentials("ada@shop.test")) == 404)
        #expect(try status("acme.creatio.com", "GET", "/0/api/HealthCheck/Ping", "") == 200)
        #expect(try status("acme-is.creatio.com", "GET", "/0/api/HealthCheck/Ping", "") == 404)
        #expect(try status("acme-is.creatio.com", "GET", "/.well-known/openid-configuration", "") == 200)
    }
}
