import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct SessionTests {
    @Test func theLoginIsBelowTheSiteAndTheDataBelowItsRoot() async throws {
        let bench = try CreatioBench()
        #expect(try await bench.contact(["email": "ada@example.test"]).status == CRM_STATUS_OK)
        let login = try #require(bench.host.http.requests.first)
        #expect(login.method == "POST")
        #expect(login.url == "https://acme.creatio.com/ServiceModel/AuthService.svc/Login")
        #expect(login.bodyText == #"{"UserName":"Supervisor","UserPassword":"hunter-22"}"#)
        #expect(login.header("ForceUseSession") == "true")
        #expect(login.header("Content-Type") == "application/json; charset=utf-8")
        let search = bench.host.http.requests[1]
        #expect(search.url == "https://acme.creatio.com/0/odata/Contact?$top=1&$select=Id")
        #expect(
            search.headers == [
                FakeHTTP.Header("Cookie", ".ASPXAUTH=S1; BPMCSRF=csrf-S1; BPMLOADER=loader-S1; UserName=83|117|112", isSensitive: true),
                FakeHTTP.Header("BPMCSRF", "csrf-S1", isSensitive: true), FakeHTTP.Header("ForceUseSession", "true"),
                FakeHTTP.Header("Accept", "application/json"),
            ])
        await bench.expectEachEndedOnce()
    }

    @Test func fiftyOperationsAtOnceLogInOnce() async throws {
        let bench = try CreatioBench()
        let running = (0..<50).map { number in
            bench.provider.start(
                FakeCall(
                    CRM_OP_GET_CONTACT, ["email": .string("nobody\(number)@example.test")], credentials: CreatioBench.user))
        }
        for operation in running { #expect(await operation.result.status == CRM_STATUS_NOT_FOUND) }
        #expect(bench.site.logins == 1)
        #expect(bench.host.http.requests.count { $0.query == "$top=1&$select=Id" } == 1)
        await bench.expectEachEndedOnce()
    }

    @Test func fiftyOperationsWithADeadSessionLogInOnceMore() async throws {
        let bench = try CreatioBench()
        _ = try await bench.lookUp(["email": "nobody@example.test"])
        bench.site.endSessions()
        let running = (0..<50).map { _ in
            bench.provider.start(FakeCall(CRM_OP_GET_CONTACT, ["email": "nobody@example.test"], credentials: CreatioBench.user))
        }
        for operation in running { #expect(await operation.result.status == CRM_STATUS_NOT_FOUND) }
        #expect(bench.site.logins == 2)
        // The root was found with the first session, and stays known.
        #expect(bench.host.http.requests.count { $0.query == "$top=1&$select=Id" } == 1)
    }

    @Test(arguments: [
        Says.sessionOver, .status(401), .status(403), Says.html(403), Says.loginPage, Says.redirect, Says.json(200, Says.sessionOverBody),
    ])
    func whateverAsksForALoginIsAnsweredWithOne(_ reply: FakeHTTP.Reply) async throws {
        let isDone = Atomic(false)
        let bench = try CreatioBench { request, _ in
            guard request.filter != nil, !isDone.exchange(true, ordering: .relaxed) else { return nil }
            return reply
        }
        #expect(try await bench.contact(["email": "ada@example.test"]).status == CRM_STATUS_OK)
        #expect(bench.site.logins == 2)
        #expect(bench.site.rows("Contact").count == 1)
    }

    @Test func anInsertThatMetADeadSessionIsRepeatedOnce() async throws {
        let bench = try CreatioBench { request, site in
            guard request.method == "POST", request.isData, site.logins == 1 else { return nil }
            site.endSessions()
            return nil
        }
        #expect(try await bench.contact(["email": "ada@example.test"]).payload["created"] == true)
        #expect(bench.site.logins == 2)
        #expect(bench.calls.count { $0.method == "POST" } == 2)
        #expect(bench.site.rows("Contact").count == 1)
    }

    @Test(arguments: [(Says.sessionOver, CRM_STATUS_INVALID_CREDENTIALS), (.status(403), CRM_STATUS_PERMISSION_DENIED)])
    func aSiteThatStaysShutIsAskedTwice(_ reply: FakeHTTP.Reply, _ status: Int32) async throws {
        let bench = try CreatioBench { request, _ in request.filter == nil ? nil : reply }
        let result = try await bench.contact(["email": "ada@example.test"])
        #expect(result.status == status)
        #expect(bench.site.logins == 2)
        #expect(bench.calls.count == 2)
    }

    @Test func aRightThatIsMissingCostsNoSession() async throws {
        let bench = try CreatioBench { request, _ in request.method == "POST" && request.isData ? Says.odata(403) : nil }
        for _ in 0..<3 {
            #expect(try await bench.contact(["email": "ada@example.test"]).code == "creatio.permission_denied")
        }
        #expect(bench.site.logins == 1)
    }

    @Test func aBarrierThatANewSessionDoesNotLiftIsTriedOnce() async throws {
        let bench = try CreatioBench { request, _ in request.method == "POST" && request.isData ? Says.html(403) : nil }
        for _ in 0..<3 {
            #expect(try await bench.contact(["email": "ada@example.test"]).code == "creatio.permission_denied")
        }
        #expect(bench.site.logins == 2)
        let items = (0..<2).map { number -> JSONValue in
            ["kind": "contact", "idempotency_key": .string("k\(number)"), "contact": ["external_id": .string("u\(number)")]]
        }
        #expect(try await bench.batch(items).status == CRM_STATUS_OK)
        #expect(bench.site.logins == 2)
    }

    struct Refusal: Sendable {
        let reply: FakeHTTP.Reply
        let code: String
        var status = CRM_STATUS_INVALID_CREDENTIALS
        var flags = CRM_RESULT_REVALIDATE
    }

    static let refusals = [
        Refusal(reply: Says.refusal, code: "creatio.login_refused"),
        Refusal(reply: Says.json(200, Says.login(1), [("set-cookie", "BPMSESSIONID=1")]), code: "creatio.login_refused"),
        Refusal(reply: Says.json(200, Says.login(2, change: "/0/Login/Change.aspx")), code: "creatio.password_change_due"),
        Refusal(reply: Says.json(200, Says.login(0, exception: ["Message": "?"]), [("set-cookie", "A=1")]), code: "creatio.login_failed"),
        Refusal(reply: Says.json(200, ["Exception": ["Message": "?"]]), code: "creatio.login_failed"),
        Refusal(reply: Says.json(200, Says.login(0)), code: "creatio.no_session"),
        Refusal(reply: Says.html(200), code: "creatio.no_creatio", flags: 0),
        Refusal(reply: Says.json(200, ["hello": "world"]), code: "creatio.no_creatio", flags: 0),
        Refusal(reply: Says.redirect, code: "creatio.no_creatio", flags: 0),
        Refusal(reply: Says.html(404), code: "creatio.no_creatio", flags: 0),
        Refusal(reply: .status(401), code: "creatio.login_refused"),
        Refusal(reply: Says.html(403), code: "creatio.login_forbidden"),
        Refusal(reply: .status(429), code: "creatio.throttled", status: CRM_STATUS_RATE_LIMITED, flags: CRM_RESULT_RETRYABLE),
        Refusal(reply: Says.html(408), code: "creatio.server_error", status: CRM_STATUS_UPSTREAM, flags: CRM_RESULT_RETRYABLE),
        Refusal(reply: Says.html(500), code: "creatio.server_error", status: CRM_STATUS_UPSTREAM, flags: CRM_RESULT_RETRYABLE),
        Refusal(reply: Says.html(503), code: "creatio.unavailable", status: CRM_STATUS_UNAVAILABLE, flags: CRM_RESULT_RETRYABLE),
    ]

    @Test(arguments: refusals) func whatALoginMeans(_ refusal: Refusal) async throws {
        let bench = try CreatioBench { request, _ in request.isData ? nil : refusal.reply }
        let result = try await bench.contact(["email": "ada@example.test"])
        #expect(result.status == refusal.status)
        #expect(result.code == refusal.code)
        #expect(result.flags == refusal.flags)
        #expect(bench.host.http.requests.count == 1)
    }

    @Test func aRefusedLoginIsNotTriedAgainByItself() async throws {
        let bench = try CreatioBench()
        bench.site.state.withLock { $0.password = "another" }
        let running = (0..<50).map { _ in
            bench.provider.start(FakeCall(CRM_OP_GET_CONTACT, ["email": "nobody@example.test"], credentials: CreatioBench.user))
        }
        for operation in running { #expect(await operation.result.code == "creatio.login_refused") }
        #expect(bench.site.logins == 1)
        // A person who asks for a check gets one.
        bench.site.state.withLock { $0.password = "hunter-22" }
        #expect(try await bench.validate().status == CRM_STATUS_OK)
        #expect(bench.site.logins == 2)
        #expect(try await bench.lookUp(["email": "nobody@example.test"]).status == CRM_STATUS_NOT_FOUND)
        #expect(bench.site.logins == 2)
    }

    @Test func otherCredentialsHaveASessionOfTheirOwn() async throws {
        let bench = try CreatioBench()
        _ = try await bench.lookUp(["email": "nobody@example.test"])
        var other = CreatioBench.user
        if case .object(var members) = other {
            members["username"] = "Somebody"
            other = .object(members)
        }
        _ = try await bench.run(CRM_OP_GET_CONTACT, ["email": "nobody@example.test"], other)
        #expect(bench.site.logins == 2)
    }

    @Test func aSiteWithoutTheProtectionGetsNoHeaderForIt() async throws {
        let bench = try CreatioBench()
        bench.site.state.withLock { $0.isProtected = false }
        #expect(try await bench.contact(["email": "ada@example.test"]).status == CRM_STATUS_OK)
        #expect(bench.host.http.requests.allSatisfy { $0.header("BPMCSRF") == nil })
    }

    @Test func cookiesThatChangeOnTheWayAreKept() async throws {
        let isDone = Atomic(false)
        let bench = try CreatioBench { request, site in
            guard request.filter != nil, !isDone.exchange(true, ordering: .relaxed) else { return nil }
            site.state.withLock { _ = $0.sessions.insert("renewed") }
            guard case .response(let status, let headers, let body) = site.perform(request) else { return nil }
            let cookies = [("set-cookie", ".ASPXAUTH=renewed; path=/"), ("set-cookie", "UserName=; expires=Thu, 01 Jan 1970 00:00:00 GMT")]
            return .response(status, headers + cookies, body)
        }
        _ = try await bench.lookUp(["email": "nobody@example.test"])
        _ = try await bench.lookUp(["email": "nobody@example.test"])
        let cookies = try #require(bench.calls.last).cookies
        #expect(cookies == [".ASPXAUTH": "renewed", "BPMCSRF": "csrf-S1", "BPMLOADER": "loader-S1"])
        #expect(bench.site.logins == 1)
    }

    @Test func aNetCoreSiteIsRecognised() async throws {
        let bench = try CreatioBench()
        bench.site.state.withLock { $0.isCore = true }
        #expect(try await bench.contact(["email": "ada@example.test"]).status == CRM_STATUS_OK)
        let urls = bench.host.http.requests.map(\.path)
        #expect(urls[1] == "/0/odata/Contact" && urls[2] == "/odata/Contact")
        #expect(urls.dropFirst(3).allSatisfy { $0.hasPrefix("/odata/") })
    }

    @Test func thePlatformThatTheMerchantNamesIsNotLookedFor() async throws {
        let bench = try CreatioBench()
        bench.site.state.withLock { $0.isCore = true }
        #expect(try await bench.contact(["email": "ada@example.test"], settings: ["platform": "net_core"]).status == CRM_STATUS_OK)
        #expect(bench.host.http.requests.allSatisfy { $0.query != "$top=1&$select=Id" && !$0.path.hasPrefix("/0/") })
    }

    @Test func aSiteThatBecameAnotherOneIsFoundAgain() async throws {
        let bench = try CreatioBench()
        _ = try await bench.lookUp(["email": "nobody@example.test"])
        bench.site.state.withLock { $0.isCore = true }
        let lost = try await bench.lookUp(["email": "nobody@example.test"])
        #expect(lost.status == CRM_STATUS_UNAVAILABLE && lost.flags == CRM_RESULT_RETRYABLE)
        #expect(try await bench.lookUp(["email": "nobody@example.test"]).status == CRM_STATUS_NOT_FOUND)
    }

    struct RootCase: Sendable {
        let replies: [FakeHTTP.Reply]
        let code: String
        let status: Int32
    }

    @Test(arguments: [
        RootCase(replies: [Says.html(404), Says.html(404)], code: "creatio.no_odata", status: CRM_STATUS_INVALID_CREDENTIALS),
        RootCase(replies: [.status(404), Says.loginPage], code: "creatio.unexpected_page", status: CRM_STATUS_UPSTREAM),
        RootCase(replies: [.status(401), .status(401)], code: "creatio.session_refused", status: CRM_STATUS_INVALID_CREDENTIALS),
        RootCase(replies: [Says.html(404), Says.html(503)], code: "creatio.unavailable", status: CRM_STATUS_UNAVAILABLE),
        RootCase(replies: [Says.json(200, Says.routing), .status(404)], code: "creatio.no_such_object", status: CRM_STATUS_UNAVAILABLE),
    ]) func aSiteWithoutODataSaysWhatIsWrong(_ row: RootCase) async throws {
        let bench = try CreatioBench { request, _ in
            guard request.isData else { return nil }
            return row.replies[request.path.hasPrefix("/0/") ? 0 : 1]
        }
        let result = try await bench.lookUp(["email": "nobody@example.test"])
        #expect(result.code == row.code)
        #expect(result.status == row.status)
    }

    @Test func aHostThatKeepsNothingIsServedToo() async throws {
        let bench = try CreatioBench(services: [.http, .executor, .timer])
        #expect(try await bench.contact(["email": "ada@example.test"]).status == CRM_STATUS_OK)
        #expect(bench.site.logins == 1)
    }

    @Test func whatTheSessionShowedDoesNotComeBack() async throws {
        let bench = try CreatioBench { request, _ in
            guard request.filter != nil else { return nil }
            let quoted = "You sent \(request.cookies["BPMLOADER"] ?? "") and \(request.header("BPMCSRF") ?? "")."
            return Says.json(400, ["error": ["code": .string(request.header("BPMCSRF") ?? ""), "message": .string(quoted)]])
        }
        bench.site.state.withLock { $0.sessionSuffix = "-0123456789" }
        let details = try await bench.lookUp(["email": "ada@example.test"]).payload["details"]
        #expect(details?["detail"] == "You sent [redacted] and [redacted].")
        #expect(details?["creatio_code"] == "[redacted]")
    }
}
