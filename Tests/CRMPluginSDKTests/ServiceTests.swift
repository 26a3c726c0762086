import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct ServiceTests {
    private static func run(services: Set<FakeHost.Service>) async throws -> (FakeHost, OperationResult) {
        let host = FakeHost(services: services) { _ in
            .response(200, [("set-cookie", "a=1; Path=/"), ("content-type", "text/plain"), ("set-cookie", "b=2")], [])
        }
        let provider = try ProviderUnderTest({ CRMPlugin.factory($0, SessionProvider.self) }, host: host)
        let result = await provider.run(FakeCall(CRM_OP_GET_CONTACT, ["email": "ada@example.test"]))
        #expect(await provider.close() == [1, 1])
        return (host, result)
    }

    @Test func aRepeatedHeaderHasAllItsValues() async throws {
        let (_, result) = try await Self.run(services: Set(FakeHost.Service.allCases))
        #expect(result.payload["contact"]?["email"] == "a=1; Path=/|b=2")
        #expect(result.payload["remote_id"] == "a=1; Path=/")
    }

    @Test func countsAndMeasurementsReachTheHost() async throws {
        let (host, _) = try await Self.run(services: Set(FakeHost.Service.allCases))
        typealias Sample = FakeMetrics.Sample
        #expect(
            host.metrics.samples == [
                Sample(
                    .counter, "cookies_total", [Sample.Label("kind", "session"), Sample.Label("part", "a")], 2),
                Sample(.counter, "plain_total", [], 1), Sample(.histogram, "wait_seconds", [Sample.Label("kind", "login")], 0.25),
            ])
        #expect(host.metrics.total("cookies_total") == 2)
    }

    @Test func aHostWithoutMetricsIsServedToo() async throws {
        let (host, result) = try await Self.run(services: [.http, .executor])
        #expect(result.status == CRM_STATUS_OK)
        #expect(host.metrics.samples.isEmpty)
    }

    /// No threads: each step of an operation is a job that runs when the test says so.
    @Test func aHostWithoutThreadsRunsOperationsStepByStep() async throws {
        let host = FakeHost(workers: .virtual) { _ in .status(200) }
        let provider = try ProviderUnderTest({ CRMPlugin.factory($0, SessionProvider.self) }, host: host)
        let running = provider.start(FakeCall(CRM_OP_GET_CONTACT, ["email": "ada@example.test"]))
        #expect(running.results.isEmpty && host.http.requests.isEmpty)
        #expect(host.workers.runAll() >= 3)
        #expect(running.results.map(\.status) == [CRM_STATUS_OK])
        #expect(host.workers.runAll() == 0)
    }
}
