import CRMCore
import CRMProviders
import Logging
import TestSupport
import Testing

@Suite("Operations through the ABI")
struct OperationTests {
    @Test(arguments: ["at once", "thread", "executor", "timer", "log", "unknown service"])
    func complete(how: String) async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        let outcome = try #require(await providers.call(fixtureType, request(how)))
        #expect(outcome.status == .ok)
        #expect(outcome.providerVersion == "1.0.0")
        #expect(outcome.duration > .zero)
        #expect(outcome.httpStatus == nil)
    }

    @Test func carryTheWholeRequest() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        let outcome = try #require(await providers.call(fixtureType, request("request")))
        #expect(
            outcome.payload == [
                "op": 3, "attempt": 2, "flags": 2, "key": "key-1", "account": "account-1", "credentials": ["api_key": "k"],
                "settings": ["a": 1],
            ])
    }

    @Test func reachTheNetworkThroughTheHost() async throws {
        let server = LoopbackServer { .answer(status: 202, body: $0.text + "-pong") }
        defer { server.stop() }
        let (directories, providers, _) = try await fixture(egress: server.origin)
        defer { withExtendedLifetime(directories) {} }
        let outcome = try #require(await providers.call(fixtureType, request("http", url: server.origin + "/x")))
        #expect(outcome.status == .ok)
        #expect(outcome.httpStatus == 202)
        #expect(outcome.payload["body"] == "ping-pong")
        let seen = try #require(server.requests.first)
        #expect(seen.headers["traceparent"] == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        #expect(seen.headers["user-agent"] == "crm-host")
    }

    @Test func reachNothingThatTheEntryDoesNotAllow() async throws {
        let server = LoopbackServer { _ in .answer() }
        defer { server.stop() }
        let (directories, providers, _) = try await fixture(egress: "http://127.0.0.1:1")
        defer { withExtendedLifetime(directories) {} }
        let outcome = try #require(await providers.call(fixtureType, request("http", url: server.origin + "/x")))
        #expect(outcome.payload["error"] == 8)
        #expect(server.connections == 0)
    }

    @Test func sendNothingInTheNameOfAnotherOperation() async throws {
        let server = LoopbackServer { _ in .answer() }
        defer { server.stop() }
        let (directories, providers, _) = try await fixture(egress: server.origin)
        defer { withExtendedLifetime(directories) {} }
        let outcome = try #require(await providers.call(fixtureType, request("foreign http", url: server.origin + "/x")))
        #expect(outcome.payload["error"] == 8)
        #expect(server.connections == 0)
    }

    @Test(arguments: ["garbage", "crashed", "future status", "unasked cancel", "wrong size"])
    func fail(fault: String) async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        #expect(await providers.call(fixtureType, request(fault))?.status == .internal)
    }

    @Test func areAnsweredOnceWhenCompletedTwice() async throws {
        let (directories, providers, log) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        let before = InstalledProviders.strayCompletions
        #expect(await providers.call(fixtureType, request("twice"))?.status == .ok)
        #expect(InstalledProviders.strayCompletions > before)
        #expect(log.lines.contains { $0.message == "the provider completed an operation twice" })
        #expect(await providers.call(fixtureType, request("at once"))?.status == .ok)
    }

    @Test func endAtTheDeadlineAlsoWhenTheProviderNeverDoes() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        let write = try #require(await providers.call(fixtureType, request("never", timeout: .milliseconds(20))))
        #expect(write.status == .deadlineExceeded)
        // It sent nothing, so it cannot have written.
        #expect(!write.isAmbiguous)
    }

    @Test func areRefusedWhenTheProviderOwesTooMany() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0...16 {
                group.addTask { _ = await providers.call(fixtureType, request("never", timeout: .milliseconds(10))) }
            }
        }
        let refused = try #require(await providers.call(fixtureType, request("at once")))
        #expect(refused.status == .unavailable)
        #expect(refused.code == "host.provider_stuck")
    }

    @Test func areAmbiguousWhenTheDeadlineCameAfterTheRequest() async throws {
        let server = LoopbackServer { _ in .silence }
        defer { server.stop() }
        let (directories, providers, _) = try await fixture(egress: server.origin)
        defer { withExtendedLifetime(directories) {} }
        let http = request("http", url: server.origin + "/", timeout: .seconds(2))
        let write = try #require(await providers.call(fixtureType, http))
        #expect(write.isAmbiguous || write.payload["error"] == 2)
        var read = http
        read.operation = .getContact
        #expect(try #require(await providers.call(fixtureType, read)).isAmbiguous == false)
    }

    @Test func endWithTheirCaller() async throws {
        let server = LoopbackServer { _ in .silence }
        defer { server.stop() }
        let (directories, providers, _) = try await fixture(egress: server.origin)
        defer { withExtendedLifetime(directories) {} }
        let call = Task { await providers.call(fixtureType, request("http", url: server.origin + "/")) }
        try await eventually { !server.requests.isEmpty }
        call.cancel()
        let outcome = try #require(await call.value)
        #expect(outcome.status == .cancelled)
        #expect(outcome.code == "host.cancelled")
        #expect(outcome.isAmbiguous)
    }

    /// The provider learns of its operation's end before it knows the operation.
    @Test func areCancelledAgainWhenTheProviderWasNotReadyForIt() async throws {
        let (directories, providers, log) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        let outcome = try #require(await providers.call(fixtureType, request("slow start", timeout: .milliseconds(20))))
        #expect(outcome.status == .deadlineExceeded)
        #expect(!log.lines.contains { $0.message == "the provider did not end a cancelled operation; its caller was answered" })
    }

    @Test func leaveNoRequestBehind() async throws {
        let server = LoopbackServer { _ in .silence }
        defer { server.stop() }
        let (directories, providers, log) = try await fixture(egress: server.origin)
        defer { withExtendedLifetime(directories) {} }
        let call = request("leave http", url: server.origin + "/")
        #expect(await providers.call(fixtureType, call)?.status == .ok)
        try await eventually { log.lines.contains { $0.message == "a request was left behind" } }
        // Cancelled, and not ended by the deadline.
        #expect(log.lines.first { $0.message == "a request was left behind" }?.metadata["provider.error"] == "1")
    }

    @Test func waitForAPlaceAndGiveUpAtTheDeadline() async throws {
        let gate = LoopbackServer.Gate()
        let server = LoopbackServer { _ in .after(gate, body: "x") }
        defer { server.stop() }
        let (directories, providers, _) = try await fixture(egress: server.origin, extra: "limits:\n  concurrency: 2")
        defer { withExtendedLifetime(directories) {} }
        let holders = (0..<2).map { _ in Task { await providers.call(fixtureType, request("http", url: server.origin + "/")) } }
        try await eventually { server.requests.count == 2 }

        let late = try #require(await providers.call(fixtureType, request("at once", timeout: .milliseconds(20))))
        #expect(late.status == .cancelled)
        #expect(late.code == "host.busy")
        #expect(!late.isAmbiguous)

        let impatient = Task { await providers.call(fixtureType, request("at once")) }
        impatient.cancel()
        #expect(await impatient.value?.status == .cancelled)

        let patient = Task { await providers.call(fixtureType, request("at once")) }
        gate.open()
        #expect(await patient.value?.status == .ok)
        for holder in holders { #expect(await holder.value?.status == .ok) }
    }

    @Test func logUnderTheirProvidersName() async throws {
        let (directories, providers, log) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        _ = await providers.call(fixtureType, request("log"))
        let line = try #require(log.lines.first { $0.message == "fixture says" })
        #expect(line.level == .warning)
        #expect(line.metadata["crm_type"] == "fixture")
        #expect(line.metadata["provider.count"] == "3")
        #expect(line.metadata["op_id"] != nil)
    }

    @Test func doNotReachWhatIsNotThere() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        #expect(await providers.call(try #require(CRMType("absent")), request("at once")) == nil)
    }
}

let fixtureType = CRMType.fixture ?? CRMType.allFixturesAreBroken

extension CRMType {
    fileprivate static var allFixturesAreBroken: CRMType { preconditionFailure("fixture is no CRM type") }
}

/// The well-behaved fixture in service.
func fixture(egress: String = "", extra: String = "") async throws -> (ProviderDirectories, InstalledProviders, LogRecorder) {
    let directories = try ProviderDirectories()
    try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
    try directories.writeEntry("fixture", library: "libFixture.so", egress: egress, extra: extra)
    let log = LogRecorder()
    let providers = try directories.providers(log)
    await providers.reload()
    try #require(providers.loaded.map(\.crmType) == [fixtureType], "\(providers.snapshot())")
    return (directories, providers, log)
}
