import CRMCore
import CRMProviders
import TestSupport
import Testing

@Suite("What providers count")
struct ProviderMetricsTests {
    private typealias Label = ProviderMetricsSnapshot.Label

    @Test func arrivesUnderTheProvidersName() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        #expect(await providers.call(fixtureType, request("metrics", url: "quota"))?.status == .ok)
        let snapshot = providers.metrics
        let retries = try #require(snapshot["provider_fixture_retries"])
        #expect(retries.series == [.init(labels: [Label("reason", "quota")], value: .counter(5))])
        let waits = try #require(snapshot["provider_fixture_wait_seconds"])
        guard case .histogram(let histogram) = try #require(waits.series.first).value else {
            Issue.record("no histogram")
            return
        }
        #expect(histogram.count == 2)
        #expect(histogram.sum == 70.3)
        #expect(histogram.cumulative.last == 1)
        // Seven calls broke a rule: three names, two labels, one metric of the other kind, one that is no number.
        #expect(
            snapshot["provider_metrics_dropped"]?.series == [.init(labels: [Label("crm_type", "fixture")], value: .counter(7))])

        let text = snapshot.prometheusText
        #expect(text.contains("# TYPE provider_fixture_retries counter\nprovider_fixture_retries{reason=\"quota\"} 5\n"))
        #expect(text.contains("provider_fixture_wait_seconds_bucket{le=\"0.5\"} 1\n"))
        #expect(text.contains("provider_fixture_wait_seconds_bucket{le=\"+Inf\"} 2\n"))
        #expect(text.contains("provider_fixture_wait_seconds_sum 70.3\nprovider_fixture_wait_seconds_count 2\n"))
    }

    @Test func foldsWhatIsTooMany() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        for number in 0..<150 { _ = await providers.call(fixtureType, request("metrics", url: "reason-\(number)")) }
        let series = try #require(providers.metrics["provider_fixture_retries"]).series
        #expect(series.count == 101)
        #expect(series.first { $0.labels == [Label("reason", "other")] }?.value == .counter(250))
        #expect(series.first { $0.labels == [Label("reason", "reason-7")] }?.value == .counter(5))
    }

    @Test func refusesLongValuesAndEscapesTheRest() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        let longest = String(repeating: "v", count: 64)
        _ = await providers.call(fixtureType, request("metrics", url: longest))
        _ = await providers.call(fixtureType, request("metrics", url: longest + "v"))
        #expect(
            providers.metrics["provider_fixture_retries"]?.series
                == [.init(labels: [Label("reason", longest)], value: .counter(5))])

        let snapshot = ProviderMetricsSnapshot(families: [
            .init(name: "provider_a_b", series: [.init(labels: [Label("reason", "a\"b\\c\nd")], value: .counter(1))])
        ])
        #expect(snapshot.prometheusText == "# TYPE provider_a_b counter\nprovider_a_b{reason=\"a\\\"b\\\\c\\nd\"} 1\n")
    }

    @Test func measuresEveryHTTPCall() async throws {
        let server = LoopbackServer { _ in .answer(status: 429) }
        defer { server.stop() }
        let (directories, providers, _) = try await fixture(egress: server.origin)
        defer { withExtendedLifetime(directories) {} }
        // A provider's own counter of that name changes nothing.
        _ = await providers.call(fixtureType, request("metrics", url: "quota"))
        _ = await providers.call(fixtureType, request("http", url: server.origin + "/x"))
        _ = await providers.call(fixtureType, request("http", url: "http://127.0.0.1:1/"))
        let series = try #require(providers.metrics["provider_fixture_http_seconds"]).series
        #expect(
            series.map(\.labels) == [
                [Label("outcome", "4xx"), Label("route", "POST /")], [Label("outcome", "blocked"), Label("route", "POST /")],
            ])
    }

    @Test(arguments: [
        (String(repeating: "a", count: 63) + "é", String(repeating: "a", count: 63)),
        (String(repeating: "\\377", count: 70), String(repeating: "\u{FFFD}", count: 21)),
    ])
    func cutsARouteBetweenCharacters(written: String, label: String) async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DROUTE=\"\(written)\"")
        try directories.writeEntry("fixture", library: "libFixture.so")
        let providers = try directories.providers()
        await providers.reload()
        _ = await providers.call(fixtureType, request("http", url: "http://127.0.0.1:1/"))
        let series = try #require(providers.metrics["provider_fixture_http_seconds"]).series
        #expect(series.map(\.labels) == [[Label("outcome", "blocked"), Label("route", label)]])
    }
}
