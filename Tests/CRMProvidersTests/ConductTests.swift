import CRMCore
import CRMProviders
import Glibc
import Logging
import Testing

@Suite("A provider that breaks the rules while it runs")
struct ConductTests {
    private func conduct(_ providers: InstalledProviders) throws -> ProviderConductCounts {
        try #require(providers.snapshot().first { $0.crmType == fixtureType }).conduct
    }

    @Test func isCountedAndNamedWhenItCompletesTwice() async throws {
        let (directories, providers, log) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        for _ in 0..<3 { #expect(await providers.call(fixtureType, request("twice"))?.status == .ok) }
        #expect(try conduct(providers).strays == 3)
        #expect(try #require(providers.snapshot().first).json["strays"] == 3)
        let line = try #require(log.lines.first { $0.message == "the provider completed an operation twice" })
        #expect(line.metadata["crm_type"] == "fixture")
        #expect(line.metadata["op_id"] != nil)
    }

    @Test func isCountedWhenItNeverCompletesAndWhenItDoesAtLast() async throws {
        let (directories, providers, log) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        let start = ContinuousClock.now
        let outcome = try #require(await providers.call(fixtureType, request("owe", timeout: .milliseconds(20))))
        #expect(outcome.status == .deadlineExceeded)
        #expect(start.duration(to: .now) >= .seconds(2))
        #expect(try conduct(providers).abandoned == 1)
        #expect(log.lines.contains { $0.metadata["crm_type"] == "fixture" && $0.message.contains("did not end a cancelled operation") })

        #expect(await providers.call(fixtureType, request("pay what is owed"))?.status == .ok)
        #expect(try conduct(providers).abandoned == 0)
        #expect(try conduct(providers).lateCompletions == 1)
    }

    @Test func isContainedWhenItCompletesAfterItsEnd() async throws {
        let (directories, providers, log) = try await fixture()
        #expect(await providers.call(fixtureType, request("haunt"))?.status == .ok)
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFIXTURE_VERSION=\"2.0.0\"")
        await providers.reload()
        // A completion by the generation before, and its call of the host's table.
        try await eventually { try conduct(providers).afterClose >= 2 }
        #expect(log.lines.contains { $0.message == "the provider completed an operation after it was closed" })
        #expect(log.lines.contains { $0.message == "the provider called the host after it was closed" })
        #expect(await providers.call(fixtureType, request("at once"))?.payload["version"] == "2.0.0")
    }

    @Test(arguments: [
        ("bad payload", "the provider's result is not UTF-8"), ("garbage", "the provider's result is not JSON"),
        ("huge payload", "the provider's result is 104857600 bytes long; the host takes 8388608"),
        ("wrong size", "the provider's result has 12 bytes: built with another header"),
    ])
    func isNotBelieved(behaviour: String, message: String) async throws {
        let (directories, providers, log) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        let outcome = try #require(await providers.call(fixtureType, request(behaviour)))
        #expect(outcome.status == .internal)
        #expect(outcome.code == "host.wrong_result")
        #expect(outcome.message == message)
        // It may have done its work before it failed to say so.
        #expect(outcome.isAmbiguous)
        #expect(try conduct(providers).wrongResults == 1)
        #expect(log.lines.contains { $0.message == "the provider gave a result that cannot be used as it is" })
        #expect(await providers.call(fixtureType, request("at once"))?.status == .ok)
    }

    @Test func isMendedWhereOnlyItsWordsAreWrong() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        let outcome = try #require(await providers.call(fixtureType, request("bad message")))
        #expect(outcome.status == .upstream)
        #expect(outcome.code == "fixture.\u{FFFD}")
        #expect(outcome.message == "not \u{FFFD}( text")
        #expect(try conduct(providers).wrongResults == 1)
    }

    @Test func mayNotSendWithoutMeasure() async throws {
        let (directories, providers, _) = try await fixture(egress: "http://127.0.0.1:1")
        defer { withExtendedLifetime(directories) {} }
        let outcome = try #require(await providers.call(fixtureType, request("huge http")))
        #expect(outcome.payload["error"] == 8)
        #expect(try conduct(providers).wrongCalls == 1)
    }

    /// A provider that takes a hundred megabytes with each answer must not make the host hold them.
    @Test func doesNotMakeTheHostGrow() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        _ = await providers.call(fixtureType, request("huge payload"))
        let before = residentBytes()
        for _ in 0..<20 { _ = await providers.call(fixtureType, request("huge payload")) }
        #expect(residentBytes() - before < 64 << 20)
    }

    @Test func losesItsTimersWithItsEnd() async throws {
        let (directories, providers, log) = try await fixture()
        #expect(await providers.call(fixtureType, request("leave timer"))?.status == .ok)
        directories.remove("providers.d/fixture.yaml")
        await providers.reload()
        await providers.shutdown()
        let firedInTime = log.lines.count { $0.message == "a timer was left behind" }
        // Another instance's timer, due later than the one that was left.
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFIXTURE_VERSION=\"2.0.0\"")
        try directories.writeEntry("fixture", library: "libFixture.so")
        await providers.reload()
        #expect(await providers.call(fixtureType, request("leave timer"))?.status == .ok)
        try await eventually {
            log.lines.contains { $0.message == "a timer was left behind" && $0.metadata["provider_version"] == "2.0.0" }
        }
        #expect(log.lines.count { $0.message == "a timer was left behind" } == firedInTime + 1)
        // The fixture asks for a service after its close, once; a timer that fired then would have called the log as well.
        #expect(try conduct(providers).afterClose == 1)
    }

    private func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 128)
        guard fgets(&buffer, Int32(buffer.count), file) != nil else { return 0 }
        let words = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
