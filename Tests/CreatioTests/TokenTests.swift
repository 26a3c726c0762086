import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct TokenTests {
    private static let query: JSONValue = ["email": "nobody@example.test"]

    @Test func theTokenComesFromTheIdentityServiceBesideTheSite() async throws {
        let bench = try CreatioBench()
        _ = try await bench.run(CRM_OP_GET_CONTACT, Self.query, CreatioBench.client)
        let token = try #require(bench.host.http.requests.first)
        #expect(token.url == "https://acme-is.creatio.com/connect/token")
        #expect(token.header("Content-Type") == "application/x-www-form-urlencoded")
        #expect(token.bodyText == "client_id=app-1&client_secret=hunter-22&grant_type=client_credentials")
        let call = try #require(bench.calls.first)
        #expect(call.header("Authorization") == "Bearer T1")
        #expect(call.header("Cookie") == nil && call.header("BPMCSRF") == nil && call.header("ForceUseSession") == nil)
        #expect(call.headers.first { $0.name == "Authorization" }?.isSensitive == true)
    }

    @Test func theCredentialsGoIntoAHeaderOnceTheBodyWasRefused() async throws {
        let bench = try CreatioBench { request, site in
            guard request.path == "/connect/token" else { return nil }
            guard request.header("Authorization") != nil else { return Says.json(401, ["error": "invalid_client"]) }
            site.state.withLock { _ = $0.sessions.insert("basic") }
            return Says.json(200, ["access_token": "basic", "token_type": "Bearer"])
        }
        #expect(try await bench.run(CRM_OP_GET_CONTACT, Self.query, CreatioBench.client).status == CRM_STATUS_NOT_FOUND)
        let tokens = bench.host.http.requests.filter { $0.path == "/connect/token" }
        #expect(tokens.count == 2)
        #expect(tokens[1].header("Authorization") == "Basic YXBwLTE6aHVudGVyLTIy")
        #expect(tokens[1].bodyText == "grant_type=client_credentials")

        bench.site.endSessions()
        #expect(try await bench.run(CRM_OP_GET_CONTACT, Self.query, CreatioBench.client).status == CRM_STATUS_NOT_FOUND)
        // What worked the first time comes first the second time.
        #expect(bench.host.http.requests.count { $0.path == "/connect/token" } == 3)
    }

    @Test func aClientThatIsRefusedTwiceIsRefused() async throws {
        let bench = try CreatioBench { request, _ in
            request.path == "/connect/token" ? Says.json(400, ["error": "invalid_client", "error_description": "hunter-22 is wrong"]) : nil
        }
        let result = try await bench.run(CRM_OP_GET_CONTACT, Self.query, CreatioBench.client)
        #expect(result.status == CRM_STATUS_INVALID_CREDENTIALS)
        #expect(result.code == "creatio.client_refused")
        #expect(result.payload["details"]?["creatio_code"] == "invalid_client")
        _ = try await bench.run(CRM_OP_GET_CONTACT, Self.query, CreatioBench.client)
        #expect(bench.host.http.requests.count == 2)
    }

    @Test func aTokenIsAskedForAgainBeforeItEnds() async throws {
        let bench = try CreatioBench()
        _ = try await bench.run(CRM_OP_GET_CONTACT, Self.query, CreatioBench.client)
        bench.host.timer.advance(by: 3_500 * 1_000_000_000)
        _ = try await bench.run(CRM_OP_GET_CONTACT, Self.query, CreatioBench.client)
        #expect(bench.site.logins == 1)
        bench.host.timer.advance(by: 60 * 1_000_000_000)
        _ = try await bench.run(CRM_OP_GET_CONTACT, Self.query, CreatioBench.client)
        #expect(bench.site.logins == 2)
    }

    @Test func aTokenThatIsNoLongerTakenIsReplacedOnce() async throws {
        let bench = try CreatioBench()
        _ = try await bench.run(CRM_OP_GET_CONTACT, Self.query, CreatioBench.client)
        bench.site.endSessions()
        #expect(try await bench.run(CRM_OP_GET_CONTACT, Self.query, CreatioBench.client).status == CRM_STATUS_NOT_FOUND)
        #expect(bench.site.logins == 2)
    }

    @Test func aSiteOfOnesOwnNamesItsIdentityService() async throws {
        let own: JSONValue = ["instance_url": "https://crm.example.test/creatio", "client_id": "app-1", "client_secret": "hunter-22"]
        let bench = try CreatioBench()
        let result = try await bench.run(CRM_OP_GET_CONTACT, Self.query, own)
        #expect(result.status == CRM_STATUS_INVALID_CREDENTIALS && result.code == "creatio.malformed_identity_url")
        #expect(bench.host.http.requests.isEmpty)
        guard case .object(var members) = own else { return }
        members["identity_url"] = "https://login.example.test:8443/is/"
        _ = try await bench.run(CRM_OP_GET_CONTACT, Self.query, .object(members))
        #expect(bench.host.http.requests.first?.url == "https://login.example.test:8443/is/connect/token")
        #expect(bench.calls.first?.url.hasPrefix("https://crm.example.test/creatio/0/odata/Contact?") == true)
    }

    struct Odd: Sendable {
        let reply: FakeHTTP.Reply
        let code: String
    }

    @Test(arguments: [
        Odd(reply: Says.html(200), code: "creatio.no_identity_service"),
        Odd(reply: Says.json(200, ["ok": true]), code: "creatio.no_identity_service"),
        Odd(reply: .status(404), code: "creatio.no_identity_service"), Odd(reply: Says.redirect, code: "creatio.no_identity_service"),
        Odd(reply: .status(403), code: "creatio.client_refused"), Odd(reply: .status(429), code: "creatio.throttled"),
        Odd(reply: .status(500), code: "creatio.server_error"), Odd(reply: .status(503), code: "creatio.unavailable"),
    ]) func whatATokenAnswerMeans(_ row: Odd) async throws {
        let bench = try CreatioBench { request, _ in request.path == "/connect/token" ? row.reply : nil }
        #expect(try await bench.run(CRM_OP_GET_CONTACT, Self.query, CreatioBench.client).code == row.code)
    }
}
