import CRMCore
import Testing

@Suite struct CreatioLoginTests {
    @Test func aWrongPasswordIsRefusedUnder200() async throws {
        let sandbox = try await RunningSandbox()
        for body: JSONValue in [
            ["UserName": "ada@shop.test", "UserPassword": "guess"], ["UserName": "Supervisor", "UserPassword": "sandbox"],
            ["UserName": "ada@shop.test"],
        ] {
            let reply = try sandbox.send("POST", CreatioCaller.login, headers: [("Content-Type", "application/json")], json: body)
            #expect(reply.status == 200 && reply.headers["set-cookie"] == nil)
            #expect(try reply.json["Code"] == 1 && reply.json["Exception"] == .null)
        }
        let wrongPath = "/creatio/0/ServiceModel/AuthService.svc/Login"
        #expect(try sandbox.send("POST", wrongPath, headers: [("Content-Type", "application/json")], json: [:]).status == 401)
        #expect(try sandbox.send("POST", CreatioCaller.login, json: ["UserName": "a"]).status == 400)
        #expect(try sandbox.send("GET", CreatioCaller.login).status == 405)
    }

    @Test func cookiesAndTheirHeaderAreBothNeeded() async throws {
        let sandbox = try await RunningSandbox()
        let cookies = try CreatioCaller.logIn(sandbox, "ada@shop.test")
        #expect(Set(cookies.keys) == ["BPMLOADER", ".ASPXAUTH", "BPMCSRF", "UserName"])
        #expect(cookies["UserName"]?.hasPrefix("97|100|97|64|") == true)
        let caller = try CreatioCaller(sandbox)
        #expect(try caller.get("Contact?$top=1&$select=Id").json["value"] == [])
        #expect(try caller.send("GET", "Contact", more: [("BPMCSRF", "guess")]).status == 403)
        for missing in ["BPMLOADER", ".ASPXAUTH"] {
            let rest = cookies.filter { $0.key != missing }.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
            #expect(try caller.send("GET", "Contact", more: [("Cookie", rest)]).status == 401)
        }
    }

    @Test func aNewerSiteSaysMore() async throws {
        let sandbox = try await RunningSandbox()
        let cookies = try CreatioCaller.logIn(sandbox, "core.ada@shop.test")
        #expect(cookies["UserType"] == "General" && cookies["CRT_CSRF"] == cookies["BPMCSRF"])
        let core = try CreatioCaller(sandbox, "core.ada@shop.test")
        #expect(try core.get("Contact").status == 200)
        #expect(try sandbox.send("GET", "/creatio/0/odata/Contact", headers: core.headers).status == 404)
        let framework = try CreatioCaller(sandbox)
        #expect(try sandbox.send("GET", "/creatio/odata/Contact", headers: framework.headers).status == 404)
    }

    @Test func aSiteWithoutCSRFProtectionSetsNoCookieForIt() async throws {
        let sandbox = try await RunningSandbox()
        #expect(try CreatioCaller.logIn(sandbox, "nocsrf@shop.test")["BPMCSRF"] == nil)
        var caller = try CreatioCaller(sandbox, "nocsrf@shop.test")
        caller.headers.removeAll { $0.0 == "BPMCSRF" }
        #expect(try caller.get("Contact").status == 200)
    }

    @Test func sessionsEndOfThemselvesAndFromOutside() async throws {
        let sandbox = try await RunningSandbox()
        try sandbox.stopClock(at: "2026-11-22T10:00:00Z")
        let caller = try CreatioCaller(sandbox)
        for _ in 0..<2 {
            try sandbox.advanceClock(milliseconds: 59 * 60_000)
            #expect(try caller.get("Contact").status == 200)
        }
        try sandbox.advanceClock(milliseconds: 60 * 60_000)
        let ended = try caller.get("Contact")
        #expect(ended.status == 401)
        #expect(try ended.json["Message"] == "Authentication failed.")
        let other = try CreatioCaller(sandbox)
        #expect(try other.get("Contact").status == 200)
        #expect(try caller.get("Contact").status == 401)
        #expect(try sandbox.send("DELETE", "/accounts/creatio/ada@shop.test/sessions").status == 204)
        #expect(try other.get("Contact").status == 401)
        #expect(try sandbox.send("DELETE", "/accounts/creatio/ada@shop.test/sessions").status == 404)
        // The journal still knows whose requests these were.
        #expect(try sandbox.journal("crm=creatio&account=ada@shop.test").filter { $0["status"] == 401 }.count == 3)
    }

    @Test func aBrowserIsSentToTheLoginPage() async throws {
        let sandbox = try await RunningSandbox()
        let reply = try sandbox.send("GET", "/creatio/0/odata/Contact")
        #expect(reply.status == 302)
        #expect(reply.headers["location"]?.hasSuffix("/creatio/Login/NuiLogin.aspx") == true)
        #expect(String(decoding: reply.body, as: UTF8.self).contains("/Login/"))
        #expect(try sandbox.send("GET", "/creatio/0/odata/Contact", headers: [("ForceUseSession", "true")]).status == 401)
    }

    @Test func probesNeedNoSession() async throws {
        let sandbox = try await RunningSandbox()
        for path in ["0/api/HealthCheck/Ping", "api/HealthCheck/Ping", "0/Login/NuiLogin.aspx", "Login/Login.html"] {
            #expect(try sandbox.send("GET", "/creatio/\(path)").status == 200)
        }
        let core = try CreatioCaller(sandbox, "core@shop.test")
        #expect(try sandbox.send("GET", "/creatio/0/api/HealthCheck/Ping", headers: core.headers).status == 404)
        #expect(try sandbox.send("GET", "/creatio/api/HealthCheck/Ping", headers: core.headers).status == 200)
    }
}
