import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct LoginErrorTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let reply: FakeHTTP.Reply
        let status: Int32
        let code: String
        var flags: UInt32 = 0
        var wait: UInt32 = 0
        /// Part of what an administrator is told.
        var advice = ""
        var testDescription: String { name }

        init(
            _ name: String, _ reply: FakeHTTP.Reply? = nil, _ status: Int32 = CRM_STATUS_INVALID_CREDENTIALS, _ code: String,
            flags: UInt32 = 0, wait: UInt32 = 0, advice: String = ""
        ) {
            self.name = name
            self.reply = reply ?? Answer.fault(name)
            self.status = status
            self.code = "salesforce.\(code)"
            self.flags = flags
            self.wait = wait
            self.advice = advice
        }
    }

    private static let retry = CRM_RESULT_RETRYABLE

    static let rows = [
        Row("INVALID_LOGIN", nil, CRM_STATUS_INVALID_CREDENTIALS, "invalid_login", advice: "domain test"),
        Row("LOGIN_MUST_USE_SECURITY_TOKEN", nil, CRM_STATUS_INVALID_CREDENTIALS, "security_token", advice: "security token"),
        Row("PASSWORD_LOCKOUT", nil, CRM_STATUS_INVALID_CREDENTIALS, "locked_out"),
        Row("INVALID_OPERATION_WITH_EXPIRED_PASSWORD", nil, CRM_STATUS_INVALID_CREDENTIALS, "password_expired"),
        Row("LOGIN_DURING_RESTRICTED_DOMAIN", nil, CRM_STATUS_INVALID_CREDENTIALS, "restricted_address"),
        Row("LOGIN_DURING_RESTRICTED_TIME", nil, CRM_STATUS_INVALID_CREDENTIALS, "restricted_time"),
        Row("LOGIN_CHALLENGE_ISSUED", nil, CRM_STATUS_INVALID_CREDENTIALS, "login_challenge"),
        Row("ORG_LOCKED", nil, CRM_STATUS_INVALID_CREDENTIALS, "org_locked"),
        Row("INVALID_OPERATION", nil, CRM_STATUS_INVALID_CREDENTIALS, "login_disabled", advice: "enable SOAP API login()"),
        Row("INSUFFICIENT_ACCESS", nil, CRM_STATUS_INVALID_CREDENTIALS, "login_permission", advice: "Use Any API Auth"),
        Row("UNSUPPORTED_API_VERSION", nil, CRM_STATUS_INVALID_CREDENTIALS, "login_retired", advice: "OAuth"),
        Row("an expired password", Answer.login(expired: true), CRM_STATUS_INVALID_CREDENTIALS, "password_expired"),
        Row("SERVER_UNAVAILABLE", nil, CRM_STATUS_UNAVAILABLE, "unavailable", flags: retry),
        Row("ORG_IN_MAINTENANCE", nil, CRM_STATUS_UNAVAILABLE, "maintenance", flags: retry),
        Row("REQUEST_LIMIT_EXCEEDED", nil, CRM_STATUS_RATE_LIMITED, "login_limit", flags: retry, wait: 900_000),
        Row("A_NEW_CODE", nil, CRM_STATUS_UPSTREAM, "login_failed", flags: retry, wait: 300_000),
        Row("LOGIN_RATE_EXCEEDED", nil, CRM_STATUS_RATE_LIMITED, "login_limit", flags: retry, wait: 900_000),
        Row("401", .status(401), CRM_STATUS_INVALID_CREDENTIALS, "session_refused", flags: CRM_RESULT_REVALIDATE),
        Row("403", .status(403), CRM_STATUS_PERMISSION_DENIED, "permission_denied"),
        Row("404", .status(404), CRM_STATUS_UPSTREAM, "unexpected_status", flags: retry),
        Row("429", .response(429, [("retry-after", "7")], []), CRM_STATUS_RATE_LIMITED, "throttled", flags: retry, wait: 7_000),
        Row("500", .status(500), CRM_STATUS_UPSTREAM, "server_error", flags: retry),
        Row("503 of a proxy", .response(503, [], Array("<html><br>".utf8)), CRM_STATUS_UPSTREAM, "server_error", flags: retry),
        Row("302", .response(302, [("location", "https://evil.test")], []), CRM_STATUS_UPSTREAM, "unexpected_status", flags: retry),
        Row("nothing", .status(200), CRM_STATUS_UPSTREAM, "unreadable_answer", flags: retry),
        Row(
            "cut off", .response(200, [], Array("<a><loginResponse><result>".utf8)), CRM_STATUS_UPSTREAM, "unreadable_answer", flags: retry),
        Row(
            "a document type", .response(200, [], Array("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>".utf8)),
            CRM_STATUS_UPSTREAM, "unreadable_answer", flags: retry),
        Row(
            "far too deep", .response(200, [], Array(String(repeating: "<a>", count: 5_000).utf8)), CRM_STATUS_UPSTREAM,
            "unreadable_answer", flags: retry),
        Row("a token that is no header", Answer.login(token: "a&#10;b"), CRM_STATUS_UPSTREAM, "unreadable_answer", flags: retry),
    ]

    @Test(arguments: rows) func ofSOAP(_ row: Row) async throws {
        let bench = try SalesforceBench { $0.isLogin ? row.reply : nil }
        for result in [try await bench.validate(), try await bench.contact(["external_id": "user-1"])] {
            #expect(result.status == row.status)
            #expect(result.code == row.code)
            #expect(result.flags == row.flags)
            #expect(result.retryAfterMilliseconds == row.wait)
            #expect(result.message.contains(row.advice))
        }
        #expect(bench.logins.count == bench.host.http.requests.count)
        await bench.expectEachEndedOnce()
    }

    static let clientRows = [
        Row("invalid_client", oauth(400, "invalid_client"), CRM_STATUS_INVALID_CREDENTIALS, "oauth_refused", advice: "consumer secret"),
        Row("invalid_client_id", oauth(400, "invalid_client_id"), CRM_STATUS_INVALID_CREDENTIALS, "oauth_refused", advice: "consumer key"),
        Row("invalid_grant", oauth(400, "invalid_grant"), CRM_STATUS_INVALID_CREDENTIALS, "oauth_refused", advice: "run-as user"),
        Row(
            "unsupported_grant_type", oauth(400, "unsupported_grant_type"), CRM_STATUS_INVALID_CREDENTIALS, "oauth_refused", advice: "flow"),
        Row("another 400", oauth(400, "odd"), CRM_STATUS_INVALID_CREDENTIALS, "oauth_refused"),
        Row("400 without a reason", .status(400), CRM_STATUS_INVALID_CREDENTIALS, "oauth_refused"),
        Row("401", oauth(401, "invalid_client"), CRM_STATUS_INVALID_CREDENTIALS, "oauth_refused"),
        Row(
            "302", .response(302, [("location", "https://evil.test")], []), CRM_STATUS_INVALID_CREDENTIALS, "unknown_domain",
            advice: "domain"),
        Row("403", .status(403), CRM_STATUS_INVALID_CREDENTIALS, "unknown_domain", advice: "domain"),
        Row("404", .status(404), CRM_STATUS_INVALID_CREDENTIALS, "unknown_domain", advice: "domain"),
        Row("429", .response(429, [("retry-after", "7")], []), CRM_STATUS_RATE_LIMITED, "throttled", flags: retry, wait: 7_000),
        Row("503", .status(503), CRM_STATUS_UPSTREAM, "server_error", flags: retry),
        Row(
            "no token", Answer.json(200, ["instance_url": "https://acme.my.salesforce.com"]), CRM_STATUS_UPSTREAM, "unreadable_answer",
            flags: retry),
        Row(
            "not JSON", .response(200, [("content-type", "application/json")], [0x7B]), CRM_STATUS_UPSTREAM, "unreadable_answer",
            flags: retry),
    ]

    private static func oauth(_ status: Int, _ error: String) -> FakeHTTP.Reply {
        Answer.json(status, ["error": .string(error), "error_description": "client identifier invalid"])
    }

    @Test(arguments: clientRows) func ofOAuth(_ row: Row) async throws {
        let bench = try SalesforceBench(credentials: SalesforceBench.clientCredentials) { $0.isLogin ? row.reply : nil }
        for result in [try await bench.validate(), try await bench.contact(["external_id": "user-1"])] {
            #expect(result.status == row.status)
            #expect(result.code == row.code)
            #expect(result.flags == row.flags)
            #expect(result.retryAfterMilliseconds == row.wait)
            #expect(result.message.contains(row.advice))
        }
        #expect(bench.logins.count == bench.host.http.requests.count)
    }

    @Test func aTimeoutOfALoginWroteNothing() async throws {
        let bench = try SalesforceBench { $0.isLogin ? .failure(CRM_HTTP_ERROR_TIMEOUT) : nil }
        let result = try await bench.contact(["external_id": "user-1"])
        #expect(result.status == CRM_STATUS_DEADLINE_EXCEEDED)
        #expect(result.flags == CRM_RESULT_RETRYABLE)
    }

    @Test(
        arguments: [["username": "a"], ["client_id": "a", "client_secret": "b"], [:], ["username": "", "password": "x"]] as [JSONValue])
    func halfOfACredentialIsNeverSent(_ credentials: JSONValue) async throws {
        let bench = try SalesforceBench(credentials: credentials)
        #expect(try await bench.validate().status == CRM_STATUS_INVALID_CREDENTIALS)
        #expect(bench.host.http.requests.isEmpty)
    }
}
