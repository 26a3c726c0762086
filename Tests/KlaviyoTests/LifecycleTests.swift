import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Klaviyo
import Testing

@Suite(.timeLimit(.minutes(1))) struct LifecycleTests {
    private static func event(_ id: String) -> FakeCall {
        FakeCall(
            CRM_OP_SEND_EVENT,
            ["event": ["name": "Order Placed", "unique_id": .string(id), "contact": ["email": "ada@example.test"]]],
            credentials: KlaviyoBench.credentials)
    }

    @Test func aCancelledOperationGivesItsRequestUp() async throws {
        let bench = try KlaviyoBench { _ in .silence }
        let running = bench.provider.start(Self.event("o-1"))
        await bench.host.http.waitForRequests(1)
        bench.provider.cancel(running.id)
        let result = await running.result
        #expect(result.status == CRM_STATUS_CANCELLED)
        #expect(result.flags & CRM_RESULT_AMBIGUOUS != 0)
        #expect(bench.host.http.cancelledCount == 1)
        #expect(bench.host.http.pendingCount == 0)
        await bench.expectEachEndedOnce()
    }

    @Test func anOperationWhoseRequestsTheHostAbortsIsCancelled() async throws {
        let bench = try KlaviyoBench { _ in .silence }
        let running = bench.provider.start(Self.event("o-1"))
        await bench.host.http.waitForRequests(1)
        bench.host.http.abort(operation: running.id)
        #expect(await running.result.status == CRM_STATUS_CANCELLED)
        await bench.expectEachEndedOnce()
    }

    @Test func cancellingWhatIsUnknownOrOverDoesNothing() async throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        bench.provider.cancel(987_654_321)
        let running = bench.provider.start(Self.event("o-1"))
        #expect(await running.result.status == CRM_STATUS_OK)
        bench.provider.cancel(running.id)
        await bench.expectEachEndedOnce()
    }

    /// Each of many operations is cancelled at another moment of its life: before its task runs, before its request has an id,
    /// while it waits, after it ended.
    @Test func cancellationsAtAnyMomentEndEachOperationOnce() async throws {
        let bench = try KlaviyoBench { $0.bodyText.contains("even") ? .status(202) : .silence }
        var running: [RunningOperation] = []
        for number in 0..<500 {
            running.append(bench.provider.start(Self.event(number.isMultiple(of: 2) ? "even" : "odd")))
            if number.isMultiple(of: 3), let newest = running.last { bench.provider.cancel(newest.id) }
        }
        for operation in running { bench.provider.cancel(operation.id) }
        for operation in running {
            let status = await operation.result.status
            #expect(status == CRM_STATUS_OK || status == CRM_STATUS_CANCELLED)
        }
        #expect(bench.host.http.pendingCount == 0)
        await bench.expectEachEndedOnce()
    }

    @Test func manyAtOnceEachEndOnce() async throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        let running = (0..<1_000).map { bench.provider.start(Self.event("o-\($0)")) }
        for operation in running { #expect(await operation.result.status == CRM_STATUS_OK) }
        let sent = Set(bench.host.http.requests.compactMap { $0.json["data"]?["attributes"]?["unique_id"]?.stringValue })
        #expect(sent.count == 1_000)
        await bench.expectEachEndedOnce()
    }

    @Test func allWorkRunsOnTheHostsThreads() async throws {
        let bench = try KlaviyoBench { request in FakeWorkers.isCurrent ? .status(202) : .status(500) }
        #expect(await bench.provider.run(Self.event("o-1")).status == CRM_STATUS_OK)
        #expect(bench.host.workers.jobCount >= 2)
    }

    @Test func aHostWithoutThreadsToLendIsServedToo() async throws {
        let bench = try KlaviyoBench(services: [.http]) { _ in .status(202) }
        #expect(await bench.provider.run(Self.event("o-1")).status == CRM_STATUS_OK)
        #expect(bench.host.workers.jobCount == 0)
        await bench.expectEachEndedOnce()
    }

    @Test func aHostWithoutHTTPIsToldSo() async throws {
        let bench = try KlaviyoBench(services: []) { _ in .status(202) }
        let result = await bench.provider.run(Self.event("o-1"))
        #expect(result.status == CRM_STATUS_INTERNAL)
        #expect(result.code == "no_http")
    }

    @Test func aDryRunWritesNothing() async throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        var call = Self.event("o-1")
        call.flags = CRM_REQUEST_DRY_RUN
        #expect(await bench.provider.run(call).status == CRM_STATUS_UNSUPPORTED)
        #expect(bench.host.http.requests.isEmpty)
    }

    @Test(arguments: ["http://127.0.0.1:8003/klaviyo", "http://127.0.0.1:8003/klaviyo/"]) func theOperatorMovesTheBase(_ url: String)
        async throws
    {
        let bench = try KlaviyoBench(config: ["base_url": .string(url)]) { _ in .status(202) }
        _ = await bench.provider.run(Self.event("o-1"))
        #expect(bench.host.http.requests.first?.url == "http://127.0.0.1:8003/klaviyo/api/events")
    }

    @Test(arguments: ["", "klaviyo.com", "ftp://a.klaviyo.com", "https://", "https://a@b.test", "https://a.test?x"])
    func aBaseThatCannotWorkIsRefused(_ url: String) throws {
        do {
            _ = try KlaviyoBench(config: ["base_url": .string(url)]) { _ in .status(202) }
            Issue.record("was accepted")
        } catch ProviderUnderTest.Failure.notCreated(let result) {
            #expect(result?.status == CRM_STATUS_INVALID_ARGUMENT)
            #expect(result?.code == "klaviyo.bad_base_url")
        }
    }

    @Test func settingsOfAMerchantDoNotMoveTheBase() async throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        var call = Self.event("o-1")
        call.settings = ["base_url": "https://evil.test"]
        _ = await bench.provider.run(call)
        #expect(bench.host.http.requests.first?.url == "https://a.klaviyo.com/api/events")
    }

    @Test func theManifestFitsItsSchema() throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        let manifest = try bench.provider.manifest()
        #expect(try KlaviyoBench.schemas.get().problems(manifest, "manifest.json") == [])
        #expect(manifest["credential_schema"]?["properties"]?["api_key"]?["writeOnly"] == true)
        #expect(manifest["credential_schema"]?["properties"]?["api_key"]?["x-prefix"] == "pk_")
        #expect(manifest["egress"] == ["a.klaviyo.com:443"])
    }

    @Test(arguments: ["crm.module/1", "crm.module/00", "crm.module/", "", "crm.module/0 "]) func anotherInterfaceIsUnknown(_ id: String) {
        #expect(CRMPlugin.factory(id, KlaviyoProvider.self) == nil)
        #expect(CRMPlugin.factory(nil, KlaviyoProvider.self) == nil)
    }

    @Test func theTableIsTheSameEveryTime() async {
        let tables = await withTaskGroup(of: UInt.self) { group in
            for _ in 0..<8 { group.addTask { UInt(bitPattern: CRMPlugin.factory(CRM_MODULE_ID, KlaviyoProvider.self)) } }
            return await group.reduce(into: Set<UInt>()) { $0.insert($1) }
        }
        #expect(tables.count == 1 && !tables.contains(0))
    }
}
