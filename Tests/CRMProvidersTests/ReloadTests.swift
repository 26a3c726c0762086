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
    /// 40 reloads under 100 callers.
    @Test func failsNoCallAndAnswersEachWithItsGeneration() async throws {
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
        let callers = 100
        let reloads = 40
        let versions = try await withThrowingTaskGroup(of: [String: Int].self) { group in
            for _ in 0..<callers {
                group.addTask {
                    var seen: [String: Int] = [:]
                    while !end.isGiven {
                        let call = request("http", url: server.origin + "/", timeout: .seconds(120))
                        let outcome = try #require(await providers.call(fixtureType, call))
                        #expect(outcome.status == .ok)
                        #expect(outcome.payload["status"] == 200, "\(outcome)")
                        // The generation that took the operation is the one that answered it.
                        #expect(outcome.payload["version"]?.stringValue == outcome.providerVersion)
                        seen[outcome.providerVersion, default: 0] += 1
                    }
                    return seen
                }
            }
            for swap in 0..<reloads {
                let version = swap % 2 == 0 ? "2.0.0" : "1.0.0"
                try write(swap % 2 == 0 ? second : first, to: library)
                await providers.reload()
                #expect(providers.provider(fixtureType)?.version == version)
                // Nobody who comes now meets the one before.
                let fresh = try #require(await providers.call(fixtureType, request("at once", timeout: .seconds(120))))
                #expect(fresh.payload["version"]?.stringValue == version)
                let before = server.requests.count
                try await eventually { server.requests.count > before + callers }
            }
            end.give()
            return try await group.reduce(into: [String: Int]()) { $0.merge($1, uniquingKeysWith: +) }
        }
        #expect(Set(versions.keys) == ["1.0.0", "2.0.0"])
        #expect(versions.values.reduce(0, +) > reloads * callers)
        try await eventually { !providers.snapshot().contains { $0.state == .draining } }
        #expect(log.lines.filter { $0.message == "a provider has ended" }.count == reloads)
        #expect(providers.snapshot().map(\.generations) == [reloads + 1])
    }

    /// The same with a real library in Swift, whose runtime stays in memory with each generation.
    @Test func reloadsALibraryInSwift() async throws {
        let server = LoopbackServer { _ in .answer(headers: [("Content-Type", "application/vnd.api+json")], body: "{\"data\":[]}") }
        defer { server.stop() }
        let directories = try ProviderDirectories()
        let built = try bytes(of: Self.klaviyo())
        let library = directories.library("libKlaviyoProvider.so")
        try write(built, to: library)
        try directories.write(
            """
            library: libKlaviyoProvider.so
            config: {base_url: "\(server.origin)"}
            egress: {allow: ["\(server.origin)"]}
            """, to: "providers.d/klaviyo.yaml")
        let providers = try directories.providers()
        await providers.reload()
        let type = try #require(CRMType("klaviyo"))
        try #require(providers.provider(type) != nil, "\(providers.snapshot())")

        let end = Signal()
        let answered = try await withThrowingTaskGroup(of: Int.self) { group in
            for caller in 0..<20 {
                group.addTask {
                    var count = 0
                    while !end.isGiven {
                        let call = ProviderRequest(
                            operation: .getContact, credentials: Secret("{\"api_key\":\"pk_test_0123456789abcdef\"}"),
                            payload: ["email": "a@example.com"], idempotencyKey: "key", account: "account-\(caller)", timeout: .seconds(120)
                        )
                        let outcome = try #require(await providers.call(type, call))
                        #expect(outcome.status == .notFound, "\(outcome)")
                        #expect(outcome.httpStatus == 200)
                        count += 1
                    }
                    return count
                }
            }
            for generation in 1...5 {
                // Bytes behind the end of the file's tables: another library to the host, the same to the linker.
                try write(built + [UInt8](repeating: UInt8(generation), count: generation), to: library)
                let before = server.requests.count
                await providers.reload()
                #expect(providers.snapshot().first { $0.state == .inService }?.reason == nil)
                try await eventually { server.requests.count > before + 40 }
            }
            end.give()
            return try await group.reduce(0, +)
        }
        #expect(answered >= 200)
        try await eventually { !providers.snapshot().contains { $0.state == .draining } }
        #expect(providers.snapshot().map(\.generations) == [6])
    }

    /// In `CRM_PROVIDER_LIBS`, or beside the tests.
    private static func klaviyo() throws -> String {
        let directory = try getenv("CRM_PROVIDER_LIBS").map { String(cString: $0) } ?? directoryOfTheTests()
        let path = "\(directory)/libKlaviyoProvider.so"
        try #require(access(path, R_OK) == 0, "\(path) is not there: build KlaviyoProvider and set CRM_PROVIDER_LIBS, or run ./dev test")
        return path
    }

    private static func directoryOfTheTests() throws -> String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        try #require(readlink("/proc/self/exe", &path, Int(PATH_MAX)) > 0)
        let text = String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return String(text[..<(text.lastIndex(of: "/") ?? text.endIndex)])
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
        let call = Task { await providers.call(fixtureType, request("http", url: server.origin + "/", timeout: .seconds(300))) }
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
        #expect(states[0].rule == .crmTypeTaken)

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

    @Test func filesMayExchangeTheirTypes() async throws {
        let directories = try ProviderDirectories()
        for (file, type) in [("a", "one"), ("b", "two"), ("c", "three")] {
            try await FixtureLibrary.compile(to: directories.library("\(type).so"), "-DFIXTURE_TYPE=\"\(type)\"")
            try directories.writeEntry(file, library: "\(type).so")
        }
        let providers = try directories.providers()
        await providers.reload()
        func expectServed(_ libraries: [String]) async throws {
            for (file, library) in zip(["a", "b", "c"], libraries) { try directories.writeEntry(file, library: "\(library).so") }
            await providers.reload()
            let states = providers.snapshot().filter { $0.state != .draining }
            #expect(states.map(\.crmType?.name) == libraries)
            #expect(states.allSatisfy { $0.state == .inService && $0.reason == nil }, "\(states)")
            for library in libraries {
                #expect(await providers.call(try #require(CRMType(library)), request("at once"))?.status == .ok)
            }
        }
        try await expectServed(["one", "two", "three"])
        try await expectServed(["two", "one", "three"])
        try await expectServed(["three", "two", "one"])
        try await expectServed(["one", "three", "two"])
        // The first waits for the second, which waits for the third.
        try await FixtureLibrary.compile(to: directories.library("four.so"), "-DFIXTURE_TYPE=\"four\"")
        try await expectServed(["three", "two", "four"])
    }

    @Test func anExchangeThatFailsLeavesWhatRuns() async throws {
        let directories = try ProviderDirectories()
        for type in ["one", "two"] {
            try await FixtureLibrary.compile(to: directories.library("\(type).so"), "-DFIXTURE_TYPE=\"\(type)\"")
            try directories.writeEntry(type, library: "\(type).so")
        }
        let providers = try directories.providers()
        await providers.reload()
        try await FixtureLibrary.compile(to: directories.library("one.so"), "-DFIXTURE_TYPE=\"two\"", "-DFAILING_CREATE")
        try await FixtureLibrary.compile(to: directories.library("two.so"), "-DFIXTURE_TYPE=\"one\"")
        await providers.reload()
        let states = providers.snapshot()
        #expect(states.map(\.crmType?.name) == ["one", "two"])
        #expect(states.map(\.state) == [.inService, .inService])
        #expect(states[0].reason?.contains("create failed") == true)
        #expect(states[1].reason?.contains("crm_type one is already provided by one.yaml") == true)
        for type in ["one", "two"] { #expect(await providers.call(try #require(CRMType(type)), request("at once"))?.status == .ok) }
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
        try await whileWatched(providers) {
            try directories.writeEntry("fixture", library: "libFixture.so")
            try await eventually { providers.snapshot().map(\.state) == [.failed] }
            try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
            try await eventually { providers.provider(fixtureType)?.version == "1.0.0" }
            try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFIXTURE_VERSION=\"2.0.0\"")
            try await eventually { providers.provider(fixtureType)?.version == "2.0.0" }
            try directories.write("library: libFixture.so\nenabled: false\n", to: "providers.d/fixture.yaml")
            try await eventually { providers.loaded.isEmpty }
        }
    }

    @Test func waitsForALibraryThatIsStillBeingCopied() async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: "\(directories.root)/whole.so")
        let whole = try bytes(of: "\(directories.root)/whole.so")
        try directories.writeEntry("fixture", library: "libFixture.so")
        let providers = try directories.providers()
        try await whileWatched(providers) {
            // Open until the end: that it grows is all that there is to be seen.
            let file = try #require(fopen(directories.library("libFixture.so"), "w"))
            defer { fclose(file) }
            #expect(fwrite(whole, 1, whole.count / 2, file) == whole.count / 2 && fflush(file) == 0)
            try await eventually { providers.snapshot().first?.reason?.contains("not complete") == true }
            let rest = Array(whole[(whole.count / 2)...])
            #expect(fwrite(rest, 1, rest.count, file) == rest.count && fflush(file) == 0)
            try await eventually { providers.provider(fixtureType)?.version == "1.0.0" }
        }
    }

    @Test func watchesForALibraryElsewhereThatIsNotThereYet() async throws {
        let (directories, providers, _) = try await fixture()
        let elsewhere = "\(directories.root)/elsewhere"
        try await whileWatched(providers) {
            try directories.writeEntry("fixture", library: "\(elsewhere)/libFixture.so")
            try await eventually { providers.snapshot().first?.reason?.contains("does not exist") == true }
            mkdir(elsewhere, 0o755)
            try await FixtureLibrary.compile(to: "\(elsewhere)/libFixture.so", "-DFIXTURE_VERSION=\"2.0.0\"")
            try await eventually { providers.provider(fixtureType)?.version == "2.0.0" }
        }
    }

    private func whileWatched(_ providers: InstalledProviders, _ body: () async throws -> Void) async throws {
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: ProviderWatcher(providers))], logger: LogRecorder().logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body()
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
