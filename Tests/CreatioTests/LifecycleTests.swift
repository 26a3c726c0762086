import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Creatio
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct LifecycleTests {
    @Test(arguments: ["http://127.0.0.1:8003/creatio", "http://127.0.0.1:8003/creatio/"]) func theOperatorMovesEverything(_ url: String)
        async throws
    {
        let config: JSONValue = ["base_url": .string(url)]
        for credentials in [CreatioBench.user, CreatioBench.client] {
            let host = FakeHost { _ in .status(503) }
            let provider = try ProviderUnderTest({ CRMPlugin.factory($0, CreatioProvider.self) }, host: host, config: config)
            _ = await provider.run(FakeCall(CRM_OP_GET_CONTACT, ["email": "a@b.test"], credentials: credentials))
            let path = credentials == CreatioBench.user ? "ServiceModel/AuthService.svc/Login" : "connect/token"
            #expect(host.http.requests.map(\.url) == ["http://127.0.0.1:8003/creatio/\(path)"])
        }
    }

    @Test func theOperatorsPlaceStillWantsARealAddressFromTheMerchant() async throws {
        let bench = try CreatioBench(config: ["base_url": "http://127.0.0.1:8003/creatio"])
        let result = try await bench.validate(["instance_url": "http://127.0.0.1", "username": "a", "password": "b"])
        #expect(result.code == "creatio.malformed_instance_url")
    }

    @Test(arguments: ["creatio.com", "ftp://acme.creatio.com", "https://", "https://a@b.test", "https://a.test?x", "/"])
    func aBaseThatCannotWorkIsRefused(_ url: String) throws {
        do {
            _ = try CreatioBench(config: ["base_url": .string(url)])
            Issue.record("was accepted")
        } catch ProviderUnderTest.Failure.notCreated(let result) {
            #expect(result?.status == CRM_STATUS_INVALID_ARGUMENT)
            #expect(result?.code == "creatio.bad_base_url")
        }
    }

    @Test(arguments: [[:], ["base_url": ""]] as [JSONValue]) func withoutABaseEachMerchantHasHisOwn(_ config: JSONValue) async throws {
        let bench = try CreatioBench(config: config)
        _ = try await bench.lookUp(["email": "ada@example.test"])
        #expect(bench.host.http.requests.allSatisfy { $0.url.hasPrefix("https://acme.creatio.com/") })
    }

    @Test func cancelledWhereverItIsAnOperationEndsOnce() async throws {
        let bench = try CreatioBench { request, _ in request.call == "POST Contact" ? .silence : nil }
        var running: [RunningOperation] = []
        for number in 0..<200 {
            running.append(
                bench.provider.start(
                    FakeCall(
                        CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": ["external_id": .string("u\(number)")]], credentials: CreatioBench.user
                    )))
            if number.isMultiple(of: 3), let newest = running.last { bench.provider.stop(newest.id) }
        }
        for operation in running { bench.provider.stop(operation.id) }
        for operation in running {
            // Who gives up while it waits for somebody else's login is told so by the cache, or by its own request.
            #expect(await operation.result.status == CRM_STATUS_CANCELLED)
        }
        #expect(bench.host.http.pendingCount == 0)
        await bench.expectEachEndedOnce()
    }

    @Test func aLoginThatIsCancelledIsTakenOverByTheNext() async throws {
        let bench = try CreatioBench { request, site in request.isData || site.logins > 0 ? nil : .silence }
        let first = bench.provider.start(FakeCall(CRM_OP_GET_CONTACT, ["email": "a@b.test"], credentials: CreatioBench.user))
        await bench.host.http.waitForRequests(1)
        bench.site.state.withLock { $0.logins = 1 }
        let second = bench.provider.start(FakeCall(CRM_OP_GET_CONTACT, ["email": "a@b.test"], credentials: CreatioBench.user))
        bench.provider.stop(first.id)
        #expect(await first.result.status == CRM_STATUS_CANCELLED)
        #expect(await second.result.status == CRM_STATUS_NOT_FOUND)
    }

    @Test func aDryRunWritesNothing() async throws {
        let bench = try CreatioBench()
        var call = FakeCall(CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": ["email": "ada@example.test"]], credentials: CreatioBench.user)
        call.flags = CRM_REQUEST_DRY_RUN
        #expect(await bench.provider.run(call).status == CRM_STATUS_UNSUPPORTED)
        #expect(bench.host.http.requests.isEmpty)
    }

    @Test func settingsOfAMerchantDoNotMoveTheBase() async throws {
        let bench = try CreatioBench()
        _ = try await bench.contact(
            ["email": "ada@example.test"], settings: ["base_url": "https://evil.test", "instance_url": "https://evil.test"])
        #expect(bench.host.http.requests.allSatisfy { $0.url.hasPrefix("https://acme.creatio.com/") })
    }

    @Test func theManifestFitsItsSchema() throws {
        let bench = try CreatioBench()
        let manifest = try bench.provider.manifest()
        #expect(try CreatioBench.schemas.get().problems(manifest, "manifest.json") == [])
        #expect(manifest["egress"] == ["*.creatio.com:443"])
        #expect(manifest["batch"] == ["contact": 100, "event": 100])
        for (form, secret) in zip(manifest["credential_schema"]?["oneOf"]?.arrayValue ?? [], ["password", "client_secret"]) {
            #expect(form["properties"]?[secret]?["writeOnly"] == true)
        }
    }

    @Test func theManifestsExamplesWork() async throws {
        let bench = try CreatioBench()
        let examples = try #require(try bench.provider.manifest()["examples"]?.objectValue)
        #expect(examples.keys == ["create_or_update_contact", "send_event", "get_contact"])
        for (name, input) in examples {
            let operation = try #require(ProviderOperation.allCases.first { $0.name == name })
            #expect(try CreatioBench.schemas.get().problems(input, "\(name).request.json") == [])
            #expect(try await bench.run(operation.rawValue, input).status == CRM_STATUS_OK)
        }
    }
}
