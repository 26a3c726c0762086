import CRMCore
import CRMProviders
import TestSupport
import Testing

@Suite("What providers remember between operations")
struct SessionCacheTests {
    private func cache(
        _ behaviour: String, _ url: String = "", key: String = "session", account: String = "a", apiKey: String = "k", life: String = "",
        timeout: Duration = .seconds(300)
    ) -> ProviderRequest {
        ProviderRequest(
            operation: .sendEvent, credentials: Secret("{\"api_key\":\"\(apiKey)\"}"),
            payload: ["do": .string(behaviour), "url": .string(url), "key": .string(key), "life": .string(life)], idempotencyKey: "key-1",
            account: account, timeout: timeout)
    }

    private func answer(_ providers: InstalledProviders, _ request: ProviderRequest) async -> String {
        guard let outcome = await providers.call(fixtureType, request) else { return "none" }
        guard outcome.status == .ok else { return outcome.status.name }
        return "\(outcome.payload["cache"]?.stringValue ?? "?") \(outcome.payload["value"]?.stringValue ?? "")"
    }

    @Test func isMadeOnceForAllThatAsk() async throws {
        let gate = LoopbackServer.Gate()
        let server = LoopbackServer { _ in .after(gate, body: "token") }
        defer { server.stop() }
        let (directories, providers, _) = try await fixture(egress: server.origin)
        defer { withExtendedLifetime(directories) {} }
        let answers = await withTaskGroup(of: String.self) { group in
            for _ in 0..<50 { group.addTask { await answer(providers, cache("cache", server.origin + "/")) } }
            group.addTask {
                try? await eventually { !server.requests.isEmpty }
                gate.open()
                return "made token"
            }
            return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        }
        #expect(answers == ["made token": 2, "found token": 49])
        #expect(server.requests.count == 1)
        #expect(await answer(providers, cache("cache look")) == "found token")
    }

    @Test func belongsToItsConnectionAndCredentials() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        #expect(await answer(providers, cache("cache forge")) == "made right")
        #expect(await answer(providers, cache("cache look")) == "found right")
        #expect(await answer(providers, cache("cache look", account: "b")) == "miss ")
        #expect(await answer(providers, cache("cache look", apiKey: "other")) == "miss ")
        #expect(await answer(providers, cache("cache look", key: "other")) == "miss ")
        let foreign = try #require(await providers.call(fixtureType, cache("cache foreign")))
        #expect(foreign.code == "host.unasked_cancel")
    }

    /// Also when another version made it.
    @Test func survivesAReload() async throws {
        let (directories, providers, _) = try await fixture()
        #expect(await answer(providers, cache("cache forge")) == "made right")
        for version in ["2.0.0", "3.0.0"] {
            try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFIXTURE_VERSION=\"\(version)\"")
            await providers.reload()
            let outcome = try #require(await providers.call(fixtureType, cache("cache")))
            #expect(outcome.payload == ["cache": "found", "value": "right", "version": .string(version)])
        }
        // But another provider of the same process never finds it.
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFIXTURE_TYPE=\"other\"")
        await providers.reload()
        let other = try #require(CRMType("other"))
        #expect(await providers.call(other, cache("cache look"))?.payload["cache"] == "miss")
    }

    /// The maker is of the generation that goes, the waiters of the one that came.
    @Test func isSharedByGenerationsThatOverlap() async throws {
        let gate = LoopbackServer.Gate()
        let server = LoopbackServer { _ in .after(gate, body: "token") }
        defer { server.stop() }
        let (directories, providers, _) = try await fixture(egress: server.origin)
        let maker = Task { await answer(providers, cache("cache", server.origin + "/")) }
        try await eventually { !server.requests.isEmpty }
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFIXTURE_VERSION=\"2.0.0\"")
        await providers.reload()
        let waiter = Task { await providers.call(fixtureType, cache("cache", server.origin + "/")) }
        #expect(await answer(providers, cache("cache look")) == "miss ")
        gate.open()
        #expect(await maker.value == "made token")
        #expect(await waiter.value?.payload == ["cache": "found", "value": "token", "version": "2.0.0"])
        #expect(server.requests.count == 1)
    }

    @Test func isMadeByTheNextWhenTheFirstGivesUp() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        #expect(await answer(providers, cache("cache give up")) == "gave up ")
        #expect(await answer(providers, cache("cache hold")) == "held ")
        // The ticket that was held has been taken back with its operation.
        #expect(await answer(providers, cache("cache forge")) == "made right")
    }

    @Test func isMadeByTheNextWhenTheMakerEnds() async throws {
        let server = LoopbackServer { $0.target == "/never" ? .silence : .answer(body: "token") }
        defer { server.stop() }
        let (directories, providers, _) = try await fixture(egress: server.origin)
        defer { withExtendedLifetime(directories) {} }
        let maker = Task { await answer(providers, cache("cache", server.origin + "/never")) }
        try await eventually { !server.requests.isEmpty }
        let next = Task { await answer(providers, cache("cache", server.origin + "/")) }
        maker.cancel()
        #expect(await maker.value == "cancelled")
        #expect(await next.value == "made token")
    }

    @Test func doesNotHoldUpWhoEnds() async throws {
        let server = LoopbackServer { _ in .silence }
        defer { server.stop() }
        let (directories, providers, _) = try await fixture(egress: server.origin)
        defer { withExtendedLifetime(directories) {} }
        let maker = Task { await answer(providers, cache("cache", server.origin + "/")) }
        try await eventually { !server.requests.isEmpty }
        let late = await answer(providers, cache("cache", server.origin + "/", timeout: .milliseconds(50)))
        #expect(late == "deadline_exceeded")
        let impatient = Task { await answer(providers, cache("cache", server.origin + "/")) }
        impatient.cancel()
        #expect(await impatient.value == "cancelled")
        #expect(server.requests.count == 1)
        maker.cancel()
        _ = await maker.value
    }

    /// Its operation ends at once, and its instance is replaced.
    @Test func answersBeforeTheEnd() async throws {
        let server = LoopbackServer { _ in .silence }
        defer { server.stop() }
        let (directories, providers, log) = try await fixture(egress: server.origin)
        let maker = Task { await answer(providers, cache("cache", server.origin + "/")) }
        try await eventually { !server.requests.isEmpty }
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFIXTURE_VERSION=\"2.0.0\"")
        await providers.reload()
        #expect(await providers.call(fixtureType, cache("cache leave"))?.status == .ok)
        maker.cancel()
        await providers.shutdown()
        let lines = log.lines.map(\.message)
        #expect(lines.contains("an answer was left behind"))
        #expect(!lines.contains("closed too early"))
        _ = await maker.value
    }

    @Test func copiesNoHugeValue() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        #expect(await answer(providers, cache("cache big")) == "made ")
        #expect(providers.snapshot().first?.conduct.wrongCalls == 1)
        #expect(await answer(providers, cache("cache look")) == "miss ")
        #expect(await answer(providers, cache("cache forge")) == "made right")
    }

    @Test func forgetsWhatIsStaleAndNothingElse() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        #expect(await answer(providers, cache("cache forge")) == "made right")
        _ = await answer(providers, cache("cache remove", "another"))
        #expect(await answer(providers, cache("cache look")) == "found right")
        _ = await answer(providers, cache("cache remove", "right"))
        #expect(await answer(providers, cache("cache look")) == "miss ")
    }

    @Test func forgetsInTime() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        #expect(await answer(providers, cache("cache forge", life: "brief")) == "made right")
        try await eventually { await answer(providers, cache("cache look")) == "miss " }
    }

    @Test func keepsNothingUnderALongKey() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        let long = String(repeating: "k", count: 257)
        #expect(await answer(providers, cache("cache forge", key: long)) == "made right")
        #expect(await answer(providers, cache("cache look", key: long)) == "miss ")
    }
}
