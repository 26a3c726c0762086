import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ValidationTests {
    private func states(_ result: OperationResult) -> [String: JSONValue] {
        var states: [String: JSONValue] = [:]
        for permission in result.payload["permissions"]?.arrayValue ?? [] {
            states[permission["capability"]?.stringValue ?? ""] = permission["state"]
        }
        return states
    }

    private func detail(_ result: OperationResult, _ capability: JSONValue) -> String {
        result.payload["permissions"]?.arrayValue?.first { $0["capability"] == capability }?["detail"]?.stringValue ?? ""
    }

    @Test func aGoodUserIsReportedAndNothingIsWritten() async throws {
        let bench = try CreatioBench()
        let result = try await bench.validate()
        #expect(
            result.payload["account"] == ["id": "acme.creatio.com", "name": "acme.creatio.com", "url": "https://acme.creatio.com"])
        #expect(
            states(result) == [
                "validate_credentials": "proven", "create_or_update_contact": "unknown", "send_event": "unknown", "get_contact": "proven",
                "batch": "unknown",
            ])
        #expect(bench.host.http.requests.dropFirst().allSatisfy { $0.method == "GET" })
        await bench.expectEachEndedOnce()
    }

    @Test func aUserWhoMayNotReadContactsIsTold() async throws {
        let bench = try CreatioBench { request, _ in request.path.hasSuffix("/Contact") ? Says.odata(403) : nil }
        let result = try await bench.validate()
        #expect(result.status == CRM_STATUS_OK)
        #expect(states(result)["get_contact"] == "missing" && states(result)["create_or_update_contact"] == "missing")
        #expect(detail(result, "get_contact").contains("right to read"))
    }

    @Test func aSiteWithoutOurColumnAndObjectSaysWhatToMake() async throws {
        let bench = try CreatioBench()
        bench.site.state.withLock { state in
            state.missingColumns = ["Contact.UsrExternalId"]
            state.tables["UsrIntegrationEvent"] = nil
        }
        let result = try await bench.validate()
        #expect(detail(result, "create_or_update_contact").contains("no column UsrExternalId"))
        #expect(states(result)["send_event"] == "unknown")
        #expect(detail(result, "send_event").contains("UsrIntegrationEvent") && detail(result, "send_event").contains("activities"))
        let strict = try await bench.validate(settings: ["event_target": "custom_object"])
        #expect(states(strict)["send_event"] == "missing")
        let activities = try await bench.validate(settings: ["event_target": "activity"])
        #expect(detail(activities, "send_event").contains("Activity"))
    }

    @Test func aMappedColumnThatIsMissingIsNamed() async throws {
        let bench = try CreatioBench()
        bench.site.state.withLock { $0.missingColumns = ["Contact.UsrPlan"] }
        let result = try await bench.validate(settings: ["properties": ["plan": "UsrPlan"]])
        #expect(detail(result, "create_or_update_contact").contains("UsrPlan"))
    }

    @Test func aCheckLogsInAgain() async throws {
        let bench = try CreatioBench()
        _ = try await bench.lookUp(["email": "nobody@example.test"])
        bench.site.state.withLock { $0.password = "changed" }
        #expect(try await bench.lookUp(["email": "nobody@example.test"]).status == CRM_STATUS_NOT_FOUND)
        #expect(try await bench.validate().status == CRM_STATUS_INVALID_CREDENTIALS)
    }

    // MARK: Addresses

    @Test(arguments: [
        "", "acme", "acme.creatio.com", "http://acme.creatio.com", "ftp://acme.creatio.com", "https://", "https:///acme.creatio.com",
        "https://user@acme.creatio.com", "https://user:pw@acme.creatio.com", "https://acme.creatio.com@evil.test",
        "https://acme.creatio.com?x=1",
        "https://acme.creatio.com/#x", "https://acme.creatio.com\\@evil.test", "https://ac me.creatio.com", "https://acme.creatio.com\n",
        "https://acme.creatio.com/a/../b", "https://acme.creatio.com/./b", "https://acme.creatio.com//b", "https://acme.creatio.com/%2e%2e",
        "https://acme%2ecreatio.com", "https://acme.creatio.com.", "https://.creatio.com", "https://-a.creatio.com",
        "https://acme.creatio.com:",
        "https://acme.creatio.com:0", "https://acme.creatio.com:+1", "https://acme.creatio.com:65536", "https://acme.creatio.com:1:2",
        "https://[::1]", "https://[::ffff:127.0.0.1]:443", "https://localhost", "https://äcme.creatio.com", "https://acme.creatio.com/ä",
        "https://www.creatio.com", "https://academy.creatio.com", "https://creatio.com", "https://a.b.creatio.com",
        "javascript:alert(1)", "https://a_b.creatio.com",
    ]) func whatIsNoAddressOfASiteIsNeverCalled(_ url: String) async throws {
        let bench = try CreatioBench()
        let result = try await bench.validate(["instance_url": .string(url), "username": "a", "password": "b"])
        #expect(result.status == CRM_STATUS_INVALID_CREDENTIALS && result.code == "creatio.malformed_instance_url")
        #expect(bench.host.http.requests.isEmpty)
    }

    @Test(arguments: [
        ("https://acme.creatio.com/", "https://acme.creatio.com/"), ("HTTPS://ACME.Creatio.com", "https://acme.creatio.com/"),
        ("https://acme.creatio.com:443///", "https://acme.creatio.com/"),
        ("https://crm.example.test:8443/creatio/", "https://crm.example.test:8443/creatio/"),
        // Whether such a place may be called is the host's to say.
        ("https://10.0.0.1", "https://10.0.0.1/"), ("https://169.254.169.254/latest", "https://169.254.169.254/latest/"),
    ]) func whatIsOneIsCalledInItsNormalForm(_ url: String, _ base: String) async throws {
        let bench = try CreatioBench { _, _ in .failure(CRM_HTTP_ERROR_BLOCKED) }
        let result = try await bench.validate(["instance_url": .string(url), "username": "a", "password": "b"])
        #expect(bench.host.http.requests.map(\.url) == ["\(base)ServiceModel/AuthService.svc/Login"])
        #expect(result.status == CRM_STATUS_BLOCKED_BY_POLICY && result.code == "creatio.target_not_allowed")
        #expect(result.message.contains("operator"))
    }

    @Test(arguments: ["http://is.example.test", "https://user@is.example.test", "https://is.example.test?x"])
    func anIdentityServiceIsAnAddressToo(_ url: String) async throws {
        let bench = try CreatioBench()
        let result = try await bench.validate([
            "instance_url": "https://crm.example.test", "client_id": "a", "client_secret": "b", "identity_url": .string(url),
        ])
        #expect(result.code == "creatio.malformed_identity_url" && bench.host.http.requests.isEmpty)
    }

    @Test func credentialsOfNoFormAreRefused() async throws {
        let bench = try CreatioBench()
        for credentials: JSONValue in [
            ["instance_url": "https://acme.creatio.com"], ["instance_url": "https://acme.creatio.com", "username": "a"],
            ["instance_url": "https://acme.creatio.com", "client_id": "a", "password": "b"], ["username": "a", "password": "b"],
        ] {
            #expect(try await bench.validate(credentials).status == CRM_STATUS_INVALID_CREDENTIALS)
        }
        #expect(bench.host.http.requests.isEmpty)
    }
}
