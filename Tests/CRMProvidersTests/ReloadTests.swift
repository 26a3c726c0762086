import CRMCore
import CRMProviders
import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@Suite("Reloading while operations run")
struct ReloadTests {
    @Test func failsNoCallAndAnswersWithOneOfTheVersions() async throws {
        let server = LoopbackServer { .answer(body: $0.text) }
        defer { server.stop() }
        let directories = try ProviderDirectories()
        let library = directories.library("libFixture.so")
        try await FixtureLibrary.compile(to: library)
        try await FixtureLibrary.compile(to: directories.library("two.so"), "-DFIXTURE_VERSION=\"2.0.0\"")
        let (first, second) = (try bytes(of: library), try bytes(of: directories.library("two.so")))
        try directories.writeEntry("fixture", library: "libFixture.so", egress: server.origin)
        let log = LogRecorder()
        let providers = try directories.providers(log)
        await providers.reload()

        let end = Signal()
        let versions = try await withThrowingTaskGroup(of: [String: Int].self) { group in
            for _ in 0..<50 {
                group.addTask {
                    var seen: [String: Int] = [:]
                    while !end.isGiven {
                        let outcome = try #require(await providers.call(fixtureType, request("http", url: server.origin + "/")))
                        #expect(outcome.status == .ok)
                        #expect(outcome.payload["status"] == 200, "\(outcome)")
                        #expect(outcome.payload["version"]?.stringValue == outcome.providerVersion)
                        seen[outcome.providerVersion, default: 0] += 1
                    }
                    return seen
                }
            }
            for swap in 0..<20 {
                try write(swap % 2 == 0 ? second : first, to: library)
                await providers.reload()
                #expect(providers.provider(fixtureType)?.version == (swap % 2 == 0 ? "2.0.0" : "1.0.0"))
                let before = server.requests.count
                try await eventually { server.requests.count > before + 50 }
            }
            end.give()
            return try await group.reduce(into: [String: Int]()) { $0.merge($1, uniquingKeysWith: +) }
        }
        #expect(Set(versions.keys) == ["1.0.0", "2.0.0"])
        try await eventually { !providers.snapshot().contains { $0.state == .draining } }
        #expect(log.lines.filter { $0.message == "a provider has ended" }.count == 20)
    }

    @Test func leavesTheRunningProviderWhenTheNewOneIsWrong() async throws {
        let (directories, providers, log) = try await fixture()
        let hash = try #require(providers.provider(fixtureType)).sha256
        func expectRunning(_ reason: String) async throws {
            await providers.reload()
            let state = try #require(providers.snapshot().first)
            #expect(state.state == .inService)
            #expect(state.sha256 == hash)
            #expect(state.reason?.contains(reason) == true, "\(state.reason ?? "")")
            #expect(await providers.call(fixtureType, request("at once"))?.status == .ok)
        }

        try directories.write("library: [", to: "providers.d/fixture.yaml")
        try await expectRunning("not YAML")
        try directories.writeEntry("fixture", library: "absent.so")
        try await expectRunning("does not exist")
        try directories.writeEntry("fixture", library: "libFixture.so", extra: "limits:\n  concurrency: 5")
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DOTHER_INTERFACE")
        try await expectRunning("crm.module/0")
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFAILING_CREATE")
        try await expectRunning("create failed")
        directories.remove("lib/libFixture.so")
        try await expectRunning("does not exist")
        #expect(log.lines.filter { $0.message == "a changed provider was refused; the one before stays in service" }.count == 5)

        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFIXTURE_VERSION=\"2.0.0\"")
        await providers.reload()
        #expect(providers.snapshot().contains { $0.state == .inService && $0.version == "2.0.0" && $0.reason == nil })
    }

    @Test func letsOperationsEndBeforeAProviderGoes() async throws {
        let gate = LoopbackServer.Gate()
        let server = LoopbackServer { _ in .after(gate, body: "late") }
        defer { server.stop() }
        let (directories, providers, _) = try await fixture(egress: server.origin)
        let call = Task { await providers.call(fixtureType, request("http", url: server.origin + "/")) }
        try await eventually { !server.requests.isEmpty }

        directories.remove("providers.d/fixture.yaml")
        await providers.reload()
        #expect(providers.loaded.isEmpty)
        #expect(await providers.call(fixtureType, request("at once")) == nil)
        #expect(providers.snapshot().map(\.state) == [.draining])

        gate.open()
        let outcome = try #require(await call.value)
        #expect(outcome.payload["body"] == "late")
        try await eventually { providers.snapshot().isEmpty }
    }

    @Test func cancelsWhatDoesNotEnd() async throws {
        let server = LoopbackServer { _ in .silence }
        defer { server.stop() }
        let directories = try ProviderDirectories(drainTimeout: .milliseconds(50))
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
        try directories.writeEntry("fixture", library: "libFixture.so", egress: server.origin)
        let providers = try directories.providers()
        await providers.reload()
        let call = Task { await providers.call(fixtureType, request("http", url: server.origin + "/", timeout: .seconds(60))) }
        try await eventually { !server.requests.isEmpty }
        await providers.shutdown()
        #expect(await call.value?.status == .cancelled)
        #expect(providers.snapshot().isEmpty)
    }

    @Test func keepsAndNamesAProviderThatDoesNotLetGo() async throws {
        let directories = try ProviderDirectories(drainTimeout: .milliseconds(50))
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
        try directories.writeEntry("fixture", library: "libFixture.so")
        let log = LogRecorder()
        let providers = try directories.providers(log)
        await providers.reload()
        let call = Task { await providers.call(fixtureType, request("never", timeout: .milliseconds(10))) }
        #expect(await call.value?.status == .deadlineExceeded)
        try directories.write("library: libFixture.so\nenabled: false\n", to: "providers.d/fixture.yaml")
        await providers.reload()
        await providers.shutdown()
        #expect(providers.snapshot().contains { $0.state == .draining && $0.reason?.contains("stays in memory") == true })
        #expect(log.lines.contains { $0.level == .critical })
    }

    @Test func theFirstFileKeepsItsType() async throws {
        let (directories, providers, _) = try await fixture()
        // Earlier by name, later in service.
        try directories.writeEntry("a-second", library: "libFixture.so")
        await providers.reload()
        let states = providers.snapshot()
        #expect(states.map(\.state) == [.failed, .inService])
        #expect(states[0].reason?.contains("crm_type fixture is already provided by fixture.yaml") == true)

        directories.remove("providers.d/fixture.yaml")
        await providers.reload()
        #expect(providers.loaded.count == 1)
        #expect(providers.snapshot().contains { $0.file == "a-second.yaml" && $0.state == .inService && $0.reason == nil })
        #expect(await providers.call(fixtureType, request("at once"))?.status == .ok)
    }

    @Test func aLibraryMayTakeAnotherType() async throws {
        let (directories, providers, _) = try await fixture()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFIXTURE_TYPE=\"other\"")
        await providers.reload()
        #expect(providers.loaded.map(\.crmType.name) == ["other"])
        #expect(await providers.call(fixtureType, request("at once")) == nil)
    }

    @Test func tellsOfChanges() async throws {
        let (directories, providers, _) = try await fixture()
        var changes = providers.changes().makeAsyncIterator()
        await changes.next()
        directories.remove("providers.d/fixture.yaml")
        await providers.reload()
        await changes.next()
        #expect(providers.loaded.isEmpty)
    }

    @Test func watchesBothDirectories() async throws {
        let directories = try ProviderDirectories()
        let providers = try directories.providers()
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: ProviderWatcher(providers))], logger: LogRecorder().logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try directories.writeEntry("fixture", library: "libFixture.so")
            try await eventually { providers.snapshot().map(\.state) == [.failed] }
            try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
            try await eventually { providers.provider(fixtureType)?.version == "1.0.0" }
            try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFIXTURE_VERSION=\"2.0.0\"")
            try await eventually { providers.provider(fixtureType)?.version == "2.0.0" }
            try directories.write("library: libFixture.so\nenabled: false\n", to: "providers.d/fixture.yaml")
            try await eventually { providers.loaded.isEmpty }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}

private final class Signal: Sendable {
    private let given = Atomic<Bool>(false)
    var isGiven: Bool { given.load(ordering: .relaxed) }
    func give() { given.store(true, ordering: .relaxed) }
}
