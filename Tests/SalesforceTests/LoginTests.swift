import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Salesforce
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct LoginTests {
    private static let upsert: SalesforceBench.Script = { $0.method == "PATCH" ? Answer.upserted() : nil }

    @Test func aPasswordGoesThroughSOAPAndTheSessionThroughREST() async throws {
        let bench = try SalesforceBench(Self.upsert)
        #expect(try await bench.contact(["external_id": "user-1"]).status == CRM_STATUS_OK)
        let requests = bench.host.http.requests
        #expect(
            requests.map { "\($0.method) \($0.url)" } == [
                "POST https://login.salesforce.com/services/Soap/u/64.0", "GET \(SalesforceBench.base)/sobjects/Contact/describe",
                "PATCH \(SalesforceBench.base)/sobjects/Contact/External_Id__c/user-1",
            ])
        #expect(
            requests.map(\.route) == [
                "POST /services/Soap/u/{version}", "GET /sobjects/{object}/describe", "PATCH /sobjects/{object}/{field}/{key}",
            ])
        let login = try #require(requests.first)
        #expect(
            login.headers
                == [HTTPHeader("Content-Type", "text/xml; charset=UTF-8"), HTTPHeader("SOAPAction", "login")].map {
                    FakeHTTP.Header($0.name, $0.value, isSensitive: false)
                })
        #expect(
            login.bodyText == """
                <?xml version="1.0" encoding="UTF-8"?>\
                <env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com">\
                <env:Header><urn:CallOptions><urn:client>crm-service</urn:client></urn:CallOptions></env:Header>\
                <env:Body><urn:login><urn:username>ada@acme.test</urn:username>\
                <urn:password>s&amp;cr&lt;t&gt;&quot;&apos;passTOKEN1234567</urn:password></urn:login></env:Body></env:Envelope>
                """)
        #expect(requests[1].header("Authorization") == "Bearer 00D000000000001!AQ.session")
        await bench.expectEachEndedOnce()
    }

    @Test func clientCredentialsGoToTheMyDomain() async throws {
        let bench = try SalesforceBench(credentials: SalesforceBench.clientCredentials, Self.upsert)
        #expect(try await bench.contact(["external_id": "user-1"]).status == CRM_STATUS_OK)
        let login = try #require(bench.logins.first)
        #expect(login.url == "https://acme.my.salesforce.com/services/oauth2/token")
        #expect(login.header("Authorization") == "Basic M01WRzkua2V5OmNvbnN1bWVyLXNlY3JldC0x")
        #expect(login.header("Content-Type") == "application/x-www-form-urlencoded")
        #expect(login.bodyText == "grant_type=client_credentials")
        #expect(bench.sent.first?.header("Authorization") == "Bearer 00D000000000001!AQ.token")
    }

    @Test func anAttemptToLeaveTheElementIsText() async throws {
        let bench = try SalesforceBench(
            credentials: ["username": "a</urn:username><urn:password>x\u{1}", "password": "]]>&#0;"], Self.upsert)
        _ = try await bench.contact(["external_id": "user-1"])
        let body = try #require(bench.logins.first?.bodyText)
        #expect(body.contains("<urn:username>a&lt;/urn:username&gt;&lt;urn:password&gt;x</urn:username>"))
        #expect(body.contains("<urn:password>]]&gt;&amp;#0;</urn:password>"))
    }

    @Test(arguments: [
        ("login", "login.salesforce.com"), ("test", "test.salesforce.com"), ("TEST", "test.salesforce.com"),
        ("login.salesforce.com", "login.salesforce.com"), ("acme", "acme.my.salesforce.com"), ("Acme", "acme.my.salesforce.com"),
        ("acme.my", "acme.my.salesforce.com"), ("acme.my.salesforce.com", "acme.my.salesforce.com"),
        ("acme--dev.sandbox", "acme--dev.sandbox.my.salesforce.com"),
        ("acme--dev.sandbox.my.salesforce.com", "acme--dev.sandbox.my.salesforce.com"),
    ]) func aDomainNamesAHost(_ domain: String, _ host: String) async throws {
        let bench = try SalesforceBench(
            credentials: ["username": "a@b.test", "password": "long-enough", "domain": .string(domain)], Self.upsert)
        #expect(try await bench.contact(["external_id": "user-1"]).status == CRM_STATUS_OK)
        #expect(bench.logins.map(\.url) == ["https://\(host)/services/Soap/u/64.0"])
    }

    @Test(arguments: [
        "evil.test", "evil.test/", "acme.my.salesforce.com.evil.test", "acme@evil.test", "evil.test#.my.salesforce.com",
        "evil.test?.my.salesforce.com", "127.0.0.1", "localhost:8003", "https://acme.my.salesforce.com", "acme.my.salesforce.com:444",
        "acme.my.salesforce.com/x", "xmy.salesforce.com", ".my.salesforce.com", "-a.my.salesforce.com", "a..my.salesforce.com",
        "acme.force.com", "na139.salesforce.com", "acme\u{1}", "acmé", "a b", "acme\\", "acme%2e", "evil.com.my", "login.evil",
    ]) func anyOtherDomainSeesNoCredential(_ domain: String) async throws {
        for credentials: JSONValue in [
            ["username": "a@b.test", "password": "long-enough", "domain": .string(domain)],
            ["client_id": "key", "client_secret": "long-enough", "domain": .string(domain)],
        ] {
            let bench = try SalesforceBench(credentials: credentials, Self.upsert)
            let result = try await bench.validate()
            #expect(result.status == CRM_STATUS_INVALID_CREDENTIALS)
            #expect(result.code == "salesforce.bad_domain")
            #expect(bench.host.http.requests.isEmpty)
        }
    }

    @Test(arguments: ["login", "test"]) func clientCredentialsNeedAMyDomain(_ domain: String) async throws {
        let bench = try SalesforceBench(credentials: ["client_id": "k", "client_secret": "s", "domain": .string(domain)])
        #expect(try await bench.validate().code == "salesforce.bad_domain")
        #expect(bench.host.http.requests.isEmpty)
    }

    @Test(arguments: [
        ("https://acme.my.salesforce.com/services/Soap/u/64.0/00D", "https://acme.my.salesforce.com"),
        ("https://ACME.my.salesforce.com:443/x", "https://acme.my.salesforce.com"),
        ("https://acme--dev.sandbox.my.salesforce.com", "https://acme--dev.sandbox.my.salesforce.com"),
        ("https://na139.salesforce.com/services", "https://na139.salesforce.com"),
        ("https://na1-api.salesforce.com/services", "https://na1.salesforce.com"),
        ("https://cs12s.salesforce.com", "https://cs12s.salesforce.com"),
    ]) func theSessionGoesWhereTheOrgIs(_ url: String, _ origin: String) async throws {
        let bench = try SalesforceBench { request in
            request.isLogin ? Answer.login(url: url) : request.method == "PATCH" ? Answer.upserted() : nil
        }
        #expect(try await bench.contact(["external_id": "user-1"]).status == CRM_STATUS_OK)
        #expect(bench.sent.map(\.url) == ["\(origin)/services/data/v68.0/sobjects/Contact/External_Id__c/user-1"])
    }

    @Test(arguments: [
        "https://evil.test/services", "http://acme.my.salesforce.com/", "https://acme.my.salesforce.com.evil.test/",
        "https://acme.my.salesforce.com@evil.test/", "https://evil.test\\.my.salesforce.com/", "https://acme.my.salesforce.com:8443/",
        "https://127.0.0.1/", "//acme.my.salesforce.com", "https://www.salesforce.com", "https://acme.force.com/", "https://",
        "https://evil.test#.my.salesforce.com", "https://evil.test?.my.salesforce.com",
    ]) func anAddressThatIsNotSalesforcesSeesNoSession(_ url: String) async throws {
        let soap = try SalesforceBench { $0.isLogin ? Answer.login(url: url) : nil }
        #expect(try await soap.contact(["external_id": "user-1"]).code == "salesforce.foreign_address")
        #expect(soap.host.http.requests.count == 1)
        let oauth = try SalesforceBench(credentials: SalesforceBench.clientCredentials) {
            $0.isLogin ? Answer.json(200, ["access_token": "t", "instance_url": .string(url)]) : nil
        }
        #expect(try await oauth.contact(["external_id": "user-1"]).code == "salesforce.foreign_address")
        #expect(oauth.host.http.requests.count == 1)
    }

    @Test(arguments: [SalesforceBench.credentials, SalesforceBench.clientCredentials])
    func anOperatorsAddressTakesEverything(_ credentials: JSONValue) async throws {
        let bench = try SalesforceBench(config: ["base_url": "http://127.0.0.1:8003/salesforce/"], credentials: credentials) {
            $0.isLogin && $0.url.contains("Soap") ? Answer.login(url: "http://127.0.0.1:1/elsewhere") : Self.upsert($0)
        }
        #expect(try await bench.contact(["external_id": "user-1"]).status == CRM_STATUS_OK)
        #expect(bench.host.http.requests.count == 3)
        #expect(bench.host.http.requests.allSatisfy { $0.url.hasPrefix("http://127.0.0.1:8003/salesforce/services/") })
    }

    @Test(arguments: ["salesforce.com", "ftp://x.test", "https://", "https://a@b.test", "https://a.test?x"])
    func anOperatorsAddressThatCannotWorkIsRefused(_ url: String) throws {
        do {
            _ = try SalesforceBench(config: ["base_url": .string(url)])
            Issue.record("was accepted")
        } catch ProviderUnderTest.Failure.notCreated(let result) {
            #expect(result?.code == "salesforce.bad_base_url")
        }
    }

    @Test func theOperatorChoosesTheVersions() async throws {
        let bench = try SalesforceBench(config: ["base_url": "", "api_version": "67.0", "login_api_version": "63.0"], Self.upsert)
        _ = try await bench.contact(["external_id": "user-1"])
        #expect(bench.logins.first?.url == "https://login.salesforce.com/services/Soap/u/63.0")
        #expect(bench.sent.first?.url.contains("/services/data/v67.0/") == true)
        #expect(throws: ProviderUnderTest.Failure.self) { _ = try SalesforceBench(config: ["api_version": "68.0/../"]) }
    }

    @Test func anOrgThatLacksTheVersionIsServedByItsNewest() async throws {
        let bench = try SalesforceBench { request in
            if request.url.contains("/v68.0/") { return Answer.missing }
            if request.url.hasSuffix("/services/data/") {
                return Answer.json(200, [["version": "66.0"], ["version": "67.0"], ["version": "beta"]])
            }
            return Self.upsert(request)
        }
        #expect(try await bench.contact(["external_id": "user-1"]).status == CRM_STATUS_OK)
        #expect(try await bench.contact(["external_id": "user-1"]).status == CRM_STATUS_OK)
        #expect(bench.sent.filter { $0.method == "PATCH" }.allSatisfy { $0.url.contains("/services/data/v67.0/") })
        #expect(bench.host.http.requests.filter { $0.url.contains("/v68.0/") }.count == 1)
    }

    @Test(arguments: [SalesforceBench.credentials, SalesforceBench.clientCredentials])
    func fiftyAtOnceLogInOnce(_ credentials: JSONValue) async throws {
        let bench = try SalesforceBench(credentials: credentials, Self.upsert)
        let running = (0..<50).map { number in
            bench.provider.start(bench.call(CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": ["external_id": .string("user-\(number)")]]))
        }
        for operation in running { #expect(await operation.result.status == CRM_STATUS_OK) }
        #expect(bench.logins.count == 1)
        #expect(bench.host.http.requests.filter(\.isDescribe).count == 1)
        #expect(bench.sent.count == 50)
        await bench.expectEachEndedOnce()
    }

    @Test func fiftyWithAWrongPasswordTryItOnce() async throws {
        let bench = try SalesforceBench { $0.isLogin ? Answer.fault("INVALID_LOGIN") : nil }
        let running = (0..<50).map { _ in
            bench.provider.start(bench.call(CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": ["external_id": "user-1"]]))
        }
        for operation in running { #expect(await operation.result.code == "salesforce.invalid_login") }
        #expect(bench.host.http.requests.count == 1)
        // A person who asks has perhaps just mended it.
        #expect(try await bench.validate().code == "salesforce.invalid_login")
        #expect(bench.host.http.requests.count == 2)
        // Hours, not minutes: each attempt brings the user nearer to being locked out.
        bench.host.timer.advance(by: 7_200_000_000_000)
        #expect(try await bench.contact(["external_id": "user-1"]).code == "salesforce.invalid_login")
        #expect(bench.host.http.requests.count == 2)
        bench.host.timer.advance(by: 7_201_000_000_000)
        #expect(try await bench.contact(["external_id": "user-1"]).code == "salesforce.invalid_login")
        #expect(bench.host.http.requests.count == 3)
    }

    @Test func aSessionEndsBeforeItsTime() async throws {
        let bench = try SalesforceBench { $0.isLogin ? Answer.login(seconds: "1000") : Self.upsert($0) }
        _ = try await bench.contact(["external_id": "user-1"])
        bench.host.timer.advance(by: 899_000_000_000)
        _ = try await bench.contact(["external_id": "user-1"])
        #expect(bench.logins.count == 1)
        bench.host.timer.advance(by: 2_000_000_000)
        _ = try await bench.contact(["external_id": "user-1"])
        #expect(bench.logins.count == 2)
    }

    @Test func aReloadedLibraryKeepsTheSession() async throws {
        let bench = try SalesforceBench(Self.upsert)
        _ = try await bench.contact(["external_id": "user-1"])
        let successor = try ProviderUnderTest({ CRMPlugin.factory($0, SalesforceProvider.self) }, host: bench.host, config: [:])
        let call = bench.call(CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": ["external_id": "user-2"]])
        #expect(await successor.run(call).status == CRM_STATUS_OK)
        #expect(bench.logins.count == 1)
        #expect(bench.sent.count == 2)
        #expect(await successor.close() == [1, 1])
        await bench.expectEachEndedOnce()
    }

    /// Fifty operations find the session dead at once: one logs in, and each goes once more.
    @Test func aDeadSessionIsRenewedOnce() async throws {
        let isDead = Atomic(false)
        let logins = Atomic(0)
        let bench = try SalesforceBench { request in
            if request.isLogin { return Answer.login(token: "session-\(logins.add(1, ordering: .relaxed).newValue)") }
            let isOld = request.header("Authorization") == "Bearer session-1"
            return isOld && isDead.load(ordering: .relaxed) ? Answer.dead : Self.upsert(request)
        }
        _ = try await bench.contact(["external_id": "user-0"])
        isDead.store(true, ordering: .relaxed)
        let running = (0..<50).map { number in
            bench.provider.start(bench.call(CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": ["external_id": .string("user-\(number)")]]))
        }
        for operation in running { #expect(await operation.result.status == CRM_STATUS_OK) }
        #expect(bench.logins.count == 2)
        await bench.expectEachEndedOnce()
    }

    @Test func aSessionThatIsRefusedAgainIsTheCredentialsFault() async throws {
        let bench = try SalesforceBench { $0.isLogin || $0.isDescribe ? nil : Answer.dead }
        let result = try await bench.contact(["external_id": "user-1"])
        #expect(result.status == CRM_STATUS_INVALID_CREDENTIALS)
        #expect(result.code == "salesforce.session_refused")
        #expect(result.flags == CRM_RESULT_REVALIDATE)
        #expect(bench.logins.count == 2)
        #expect(bench.sent.count == 2)
        // The next operation does not begin with the session that was refused.
        _ = try await bench.contact(["external_id": "user-1"])
        #expect(bench.logins.count == 4)
    }

    @Test(arguments: ["A_NEW_CODE", "LOGIN_RATE_EXCEEDED"]) func aFaultThatNobodyKnowsIsNotTriedOnEachAttempt(_ fault: String) async throws
    {
        let bench = try SalesforceBench { $0.isLogin ? Answer.fault(fault) : nil }
        for _ in 0..<3 { #expect(try await bench.contact(["external_id": "user-1"]).flags == CRM_RESULT_RETRYABLE) }
        #expect(bench.logins.count == 1)
        bench.host.timer.advance(by: 901_000_000_000)
        _ = try await bench.contact(["external_id": "user-1"])
        #expect(bench.logins.count == 2)
    }

    @Test func anExpiredPasswordEndsTheSession() async throws {
        let bench = try SalesforceBench { request in
            request.isLogin ? nil : Answer.error(403, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "The user's password has expired")
        }
        for _ in 0..<2 {
            let result = try await bench.validate()
            #expect(result.status == CRM_STATUS_INVALID_CREDENTIALS)
            #expect(result.code == "salesforce.password_expired")
        }
        #expect(bench.logins.count == 2)
    }

    @Test func aTokenIsRenewedToo() async throws {
        let calls = Atomic(0)
        let bench = try SalesforceBench(credentials: SalesforceBench.clientCredentials) { request in
            guard !request.isLogin, !request.isDescribe else { return nil }
            return calls.add(1, ordering: .relaxed).newValue == 1 ? Answer.dead : Answer.upserted()
        }
        #expect(try await bench.contact(["external_id": "user-1"]).status == CRM_STATUS_OK)
        #expect(bench.logins.count == 2)
    }

    @Test func aHostWithoutACacheIsServedToo() async throws {
        let bench = try SalesforceBench(services: [.http, .executor, .timer], Self.upsert)
        #expect(try await bench.contact(["external_id": "user-1"]).status == CRM_STATUS_OK)
        #expect(bench.logins.count == 1)
        #expect(try await bench.contact(["external_id": "user-1"]).status == CRM_STATUS_OK)
        #expect(bench.logins.count == 2)
    }

    @Test func anotherMerchantHasASessionOfHisOwn() async throws {
        let bench = try SalesforceBench(Self.upsert)
        _ = try await bench.contact(["external_id": "user-1"])
        var other = bench.call(CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": ["external_id": "user-1"]])
        other.account = "account-2"
        #expect(await bench.provider.run(other).status == CRM_STATUS_OK)
        #expect(bench.logins.count == 2)
    }
}
