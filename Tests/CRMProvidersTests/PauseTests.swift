import CRMCore
import CRMProviders
import TestSupport
import Testing

@Suite("A provider that pauses")
struct PauseTests {
    @Test func isDescribedAndNotCalled() async throws {
        let gate = LoopbackServer.Gate()
        let server = LoopbackServer { _ in .after(gate, body: "late") }
        defer { server.stop() }
        let (directories, providers, log) = try await fixture(egress: server.origin)
        let running = Task { await providers.call(fixtureType, request("http", url: server.origin + "/")) }
        try await eventually { !server.requests.isEmpty }
        var changes = providers.changes().makeAsyncIterator()
        await changes.next()

        try directories.writeEntry("fixture", library: "libFixture.so", egress: server.origin, extra: "paused: true")
        await providers.reload()
        await changes.next()
        #expect(providers.isPaused(fixtureType))
        #expect(providers.provider(fixtureType)?.version == "1.0.0")
        #expect(providers.loaded.count == 1)
        #expect(await providers.call(fixtureType, request("at once")) == nil)
        #expect(providers.snapshot().map(\.state) == [.paused])
        #expect(providers.snapshot().first?.json["state"] == "paused")
        // What runs already runs on, and nothing was loaded anew.
        gate.open()
        #expect(await running.value?.payload["body"] == "late")
        #expect(providers.snapshot().first?.generations == 1)

        try directories.writeEntry("fixture", library: "libFixture.so", egress: server.origin)
        await providers.reload()
        await changes.next()
        #expect(!providers.isPaused(fixtureType))
        #expect(await providers.call(fixtureType, request("at once"))?.status == .ok)
        #expect(log.lines.filter { $0.message == "a provider is in service" }.count == 1)
    }

    @Test func isReplacedWhileItPauses() async throws {
        let (directories, providers, _) = try await fixture(extra: "paused: true")
        #expect(providers.snapshot().map(\.state) == [.paused])
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFIXTURE_VERSION=\"2.0.0\"")
        await providers.reload()
        #expect(providers.provider(fixtureType)?.version == "2.0.0")
        #expect(await providers.call(fixtureType, request("at once")) == nil)
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DOTHER_INTERFACE")
        await providers.reload()
        let refused = try #require(providers.snapshot().first { $0.state == .paused })
        #expect(refused.rule == .factoryInterface)

        // What runs goes on and pauses again, although the library that lies there is refused each time.
        try directories.writeEntry("fixture", library: "libFixture.so")
        await providers.reload()
        #expect(providers.snapshot().first { $0.state == .inService }?.rule == .factoryInterface)
        #expect(await providers.call(fixtureType, request("at once"))?.payload["version"] == "2.0.0")
        try directories.writeEntry("fixture", library: "libFixture.so", extra: "paused: true")
        await providers.reload()
        #expect(providers.snapshot().first { $0.state == .paused }?.rule == .factoryInterface)
        #expect(providers.isPaused(fixtureType))
        try directories.write("library: libFixture.so\nenabled: false\n", to: "providers.d/fixture.yaml")
        await providers.reload()
        #expect(!providers.isPaused(fixtureType))
    }
}
