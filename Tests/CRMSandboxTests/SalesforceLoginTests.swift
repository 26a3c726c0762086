import CRMCore
import Testing

@Suite struct SalesforceLoginTests {
    @Test(arguments: ["u/64.0", "c/64.0", "u/31.0"]) func aSessionOpensTheRESTAPI(version: String) async throws {
        let sandbox = try await RunningSandbox()
        let reply = try sandbox.login("Ada@shop.test", version: version)
        #expect(reply.status == 200)
        #expect(reply.headers["content-type"]?.hasPrefix("text/xml") == true)
        #expect(reply.element("passwordExpired") == "false" && reply.element("sessionSecondsValid") == "7200")
        #expect(reply.element("serverUrl")?.contains("/salesforce/services/Soap/\(version)/00D") == true)
        let session = try #require(reply.element("sessionId"))
        let limits = try sandbox.send("GET", "/salesforce/services/data/v68.0/limits", headers: [("Authorization", "Bearer \(session)")])
        #expect(limits.status == 200)
        #expect(limits.headers["sforce-limit-info"] == "api-usage=1/100000")
    }

    @Test(
        arguments: [
            ("guess", "u/64.0", "INVALID_LOGIN"), ("sandboxtokens", "u/64.0", "INVALID_LOGIN"),
            ("sandbox", "u/64.0", "LOGIN_MUST_USE_SECURITY_TOKEN"), ("sandboxtoken", "u/65.0", "INVALID_OPERATION"),
            ("sandboxtoken", "u/30.0", "UNSUPPORTED_API_VERSION"), ("sandboxtoken", "u/64", "UNSUPPORTED_API_VERSION"),
        ])
    func faults(password: String, version: String, code: String) async throws {
        let sandbox = try await RunningSandbox()
        let reply = try sandbox.login(SalesforceCaller.account, password: password, version: version)
        #expect(reply.status == 500)
        #expect(reply.element("sf:exceptionCode") == code)
        #expect(reply.element("faultcode") == "sf:\(code)")
        let entry = try #require(try sandbox.journal("crm=salesforce").first)
        #expect(entry["effect"] == "refused" && entry["account"] == "ada@shop.test")
    }

    @Test func whatIsNoSOAPCallIsRefused() async throws {
        let sandbox = try await RunningSandbox()
        let withoutAction = [("Content-Type", "text/xml")]
        #expect(try sandbox.login(SalesforceCaller.account, headers: withoutAction).element("faultcode") == "soapenv:Client")
        let asJSON = [("Content-Type", "application/json"), ("SOAPAction", "login")]
        #expect(try sandbox.login(SalesforceCaller.account, headers: asJSON).status == 500)
        for body in ["", "<a>", "<!DOCTYPE x><e/>", "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'/>"] {
            let reply = try sandbox.send(
                "POST", "/salesforce/services/Soap/u/64.0", headers: RunningSandbox.soapHeaders, body: Array(body.utf8))
            #expect(reply.status == 500 && reply.element("faultcode") == "soapenv:Client")
        }
        // The partner's namespace at the enterprise endpoint.
        let body = """
            <e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><login xmlns="urn:partner.soap.sforce.com"/></e:Body></e:Envelope>
            """
        let reply = try sandbox.send(
            "POST", "/salesforce/services/Soap/c/64.0", headers: RunningSandbox.soapHeaders, body: Array(body.utf8))
        #expect(reply.status == 500 && reply.element("faultcode") == "soapenv:Client")
    }

    @Test func textInTheEnvelopeIsUnescaped() async throws {
        let sandbox = try await RunningSandbox()
        #expect(try sandbox.login("o&#39;brien@shop.test", password: "<![CDATA[sandbox]]>&#x74;oken").status == 200)
        #expect(try sandbox.send("GET", "/accounts").json["accounts"]?.arrayValue?.first?["account"] == "o'brien@shop.test")
        #expect(try sandbox.login("ada@shop.test", password: "sandbox&token").status == 500)
    }

    @Test func tenWrongPasswordsLockTheUserOut() async throws {
        let sandbox = try await RunningSandbox()
        try sandbox.stopClock(at: "2026-11-22T10:00:00Z")
        for _ in 1...9 { #expect(try sandbox.login(SalesforceCaller.account, password: "guess").status == 500) }
        #expect(try sandbox.login(SalesforceCaller.account).status == 200)
        for _ in 1...10 { #expect(try sandbox.login(SalesforceCaller.account, password: "guess").status == 500) }
        #expect(try sandbox.login(SalesforceCaller.account).element("sf:exceptionCode") == "INVALID_LOGIN")
        #expect(try sandbox.login("grace@shop.test").status == 200)
        try sandbox.advanceClock(milliseconds: 15 * 60_000)
        #expect(try sandbox.login(SalesforceCaller.account).status == 200)
    }

    @Test func clientCredentials() async throws {
        let sandbox = try await RunningSandbox()
        let inForm = try sandbox.token("grant_type=client_credentials&client_id=sandbox_ada%40shop.test&client_secret=sandbox")
        #expect(inForm.status == 200)
        #expect(try inForm.json["token_type"] == "Bearer")
        #expect(try inForm.json["instance_url"]?.stringValue?.hasSuffix("/salesforce") == true)
        let basic = [("Authorization", "Basic c2FuZGJveF9hZGFAc2hvcC50ZXN0OnNhbmRib3g=")]
        let token = try #require(try sandbox.token("grant_type=client_credentials", headers: basic).json["access_token"]?.stringValue)
        let user = try sandbox.send("GET", "/salesforce/services/oauth2/userinfo", headers: [("Authorization", "Bearer \(token)")])
        #expect(try user.json["preferred_username"] == "ada@shop.test")
    }

    @Test(
        arguments: [
            ("grant_type=client_credentials&client_id=sandbox_ada%40shop.test&client_secret=guess", "invalid_client"),
            ("grant_type=client_credentials&client_id=nobody&client_secret=sandbox", "invalid_client_id"),
            ("grant_type=client_credentials", "invalid_request"), ("grant_type=magic", "unsupported_grant_type"),
            ("grant_type=password&client_id=sandbox_ada%40shop.test&client_secret=sandbox", "invalid_grant"),
            ("", "unsupported_grant_type"),
        ])
    func tokenRefusals(form: String, error: String) async throws {
        let reply = try await RunningSandbox().token(form)
        #expect(reply.status == 400)
        #expect(try reply.json["error"] == .string(error))
    }

    @Test func sessionsEnd() async throws {
        let sandbox = try await RunningSandbox()
        try sandbox.stopClock(at: "2026-11-22T10:00:00Z")
        let caller = try SalesforceCaller(sandbox)
        // Using a session keeps it.
        for _ in 1...3 {
            try sandbox.advanceClock(milliseconds: 7_000_000)
            #expect(try caller.send("GET", "limits").status == 200)
        }
        try sandbox.advanceClock(milliseconds: 7_201_000)
        let expired = try caller.send("GET", "limits")
        #expect(expired.status == 401 && expired.code == "INVALID_SESSION_ID")
        #expect(expired.headers["sforce-limit-info"] == nil)
        let second = try SalesforceCaller(sandbox)
        #expect(try sandbox.send("DELETE", "/accounts/salesforce/ada@shop.test/sessions").status == 204)
        #expect(try second.send("GET", "limits").code == "INVALID_SESSION_ID")
        // Nothing is left to end, and Klaviyo's callers have no sessions at all.
        #expect(try sandbox.send("DELETE", "/accounts/salesforce/ada@shop.test/sessions").status == 404)
        #expect(try sandbox.send("DELETE", "/accounts/klaviyo/ada@shop.test/sessions").status == 404)
        let entries = try sandbox.journal("crm=salesforce&account=ada@shop.test")
        #expect(entries.last?["status"] == 401)
    }

    @Test func anAdministratorsSettings() async throws {
        let sandbox = try await RunningSandbox(["--rate-limits", "off"])
        try sandbox.configure(["login_fault": "PASSWORD_LOCKOUT"])
        #expect(try sandbox.login(SalesforceCaller.account).element("sf:exceptionCode") == "PASSWORD_LOCKOUT")
        try sandbox.configure(["login_fault": .null, "password_expired": true])
        #expect(try sandbox.login(SalesforceCaller.account).element("passwordExpired") == "true")
        let caller = try SalesforceCaller(sandbox)
        #expect(try caller.send("GET", "limits").code == "INVALID_OPERATION_WITH_EXPIRED_PASSWORD")
        try sandbox.configure(["password_expired": false, "api_disabled": true])
        let disabled = try caller.send("GET", "limits")
        #expect(disabled.status == 403 && disabled.code == "API_DISABLED_FOR_ORG")
        try sandbox.configure(["api_disabled": false, "newest_version": 67])
        #expect(try caller.send("GET", "limits").code == "NOT_FOUND")
        try sandbox.configure(["newest_version": 68, "daily_requests": 3])
        #expect(try caller.send("GET", "limits").headers["sforce-limit-info"] == "api-usage=2/3")
        #expect(try caller.send("GET", "limits").status == 200)
        let full = try caller.send("GET", "limits")
        #expect(full.status == 403 && full.code == "REQUEST_LIMIT_EXCEEDED")
        for wrong in [["daily_requests": "3"], ["nick": 1], ["duplicate_rule": "perhaps"], ["session_seconds": 0]] as [JSONValue] {
            let reply = try sandbox.send("PUT", "/accounts/salesforce/ada@shop.test", json: wrong)
            #expect(try reply.status == 400 && reply.json["code"] == "invalid_settings")
        }
        #expect(try sandbox.send("PUT", "/accounts/klaviyo/ada@shop.test", json: ["daily_requests": 3]).status == 400)
        #expect(try sandbox.send("PUT", "/accounts/nothing/ada@shop.test", json: [:]).status == 404)
    }

    @Test func theDayHasAnAllocation() async throws {
        let sandbox = try await RunningSandbox()
        try sandbox.stopClock(at: "2026-11-22T10:30:00Z")
        try sandbox.configure(["daily_requests": 1])
        let caller = try SalesforceCaller(sandbox)
        #expect(try caller.send("GET", "limits").status == 200)
        try sandbox.advanceClock(milliseconds: 3_600_000)
        #expect(try SalesforceCaller(sandbox).send("GET", "limits").status == 403)
        try sandbox.advanceClock(milliseconds: 23 * 3_600_000)
        #expect(try SalesforceCaller(sandbox).send("GET", "limits").status == 200)
    }

    @Test func versions() async throws {
        let sandbox = try await RunningSandbox()
        let list = try #require(try sandbox.send("GET", "/salesforce/services/data").json.arrayValue)
        #expect(list.first?["version"] == "31.0" && list.last == ["label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"])
        var caller = try SalesforceCaller(sandbox)
        for (version, status) in [("v68.0", 200), ("v31.0", 200), ("v30.0", 410), ("v69.0", 404), ("68.0", 404), ("v68", 404)] {
            caller.version = version
            #expect(try caller.send("GET", "limits").status == status)
        }
    }
}
