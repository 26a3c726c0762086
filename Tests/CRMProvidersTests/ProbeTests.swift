import CRMCore
import CRMProviders
import Glibc
import Testing

/// One after the other: all passes share a thread, and many slow ones at once would hold up the other suites.
@Suite("The probe of a library in a process of its own", .serialized)
struct ProbeTests {
    @Test(arguments: [
        (["-DCRASH_IN_CONSTRUCTOR"], LibraryRule.probeSurvives, "crashed while it was loaded, in a constructor (signal 11"),
        (["-DLOOP_IN_CONSTRUCTOR"], .probeInTime, "did not come to an end within 5 s while it was loaded"),
        (["-DSLEEP_IN_CONSTRUCTOR"], .probeInTime, "did not come to an end within 5 s while it was loaded"),
        (["-DEXIT_IN_CONSTRUCTOR"], .probeSurvives, "ended its process while it was loaded, in a constructor (exit 7)"),
        (["-DCRASH_IN_CREATE"], .probeSurvives, "crashed at the step create.reports-failure (signal 6"),
        (["-DTHREAD_IN_CONSTRUCTOR"], .noThreads, "1 threads run after it was only loaded"),
        (["-DFILE_IN_CONSTRUCTOR"], .noDescriptors, "holds files open"),
        (["-DENVIRONMENT_IN_CONSTRUCTOR"], .noEnvironment, "changed the environment"),
        (["-DCHANGING_DESCRIPTOR"], .descriptorStable, "changes between calls"),
        (["-DDESCRIPTOR_OF_THE_PROCESS"], .descriptorStable, "not the one that it had in the probe"),
        (["-DINVALID_SCHEMA"], .manifestValid, "credential_schema cannot be used"),
        (["-DANY_INTERFACE"], .factoryUnknown, "returns a table for NULL"),
        (["-DNEVER_CLOSES"], .closes, "close did not come to an end"),
        (["-DMISSING_SYMBOL"], .probeLoads, "undefined symbol: fixture_of_nobody"),
        (["-DFIXTURE_TYPE=\"list\""], .crmTypeReserved, "word of the API's own routes"),
        (["-DSILENT_FAILING_CREATE"], .createReports, "without a reason"),
    ])
    func refusesByNameOfTheRule(flags: [String], rule: LibraryRule, detail: String) async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), flags[0])
        try directories.writeEntry("fixture", library: "libFixture.so")
        let providers = try directories.providers()
        await providers.reload()
        let state = try #require(providers.snapshot().first)
        #expect(state.state == .failed)
        #expect(state.rule == rule, "\(state)")
        #expect(state.reason?.contains(detail) == true, "\(state.reason ?? "")")
        #expect(providers.loaded.isEmpty)
        // All that a library's author can mend says how; a missing symbol speaks for itself.
        #expect(state.fix != nil || [.probeLoads, .manifestValid, .crmTypeReserved].contains(rule))
        #expect(state.json["rule"]?.stringValue == rule.rawValue)
    }

    /// The host goes on, and neither a later pass nor a restart runs the library again.
    @Test func keepsACrashingLibraryInQuarantine() async throws {
        let (directories, mark) = try await marked("-DCRASH_IN_CONSTRUCTOR")
        let providers = try directories.providers()
        for _ in 0..<3 { await providers.reload() }
        #expect(try lines(mark).count == 1)
        let restarted = try directories.providers()
        await restarted.reload()
        let state = try #require(restarted.snapshot().first)
        #expect(state.rule == .probeSurvives)
        #expect(state.reason?.contains("fixture: about to crash") == true)
        #expect(try lines(mark).count == 1)

        let sha256 = try #require(state.configured?.sha256)
        try InstalledProviders.clearQuarantine(directories.settings, sha256: sha256)
        await restarted.reload()
        #expect(try lines(mark).count == 2)
        #expect(throws: LibraryError.self) { try InstalledProviders.clearQuarantine(directories.settings, sha256: "../\(sha256)") }

        // A changed file is another library.
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
        await restarted.reload()
        #expect(restarted.provider(fixtureType)?.version == "1.0.0")
    }

    @Test func probesAGoodLibraryOnceAndInAnEmptyEnvironment() async throws {
        let (directories, mark) = try await marked()
        setenv("CRM_PROBE_TEST_SECRET", "x", 1)
        // A child that inherits descriptors has this one too.
        let inherited = open("\(mark).open", O_RDWR | O_CREAT, 0o600)
        defer { close(inherited) }
        try #require(inherited >= 0)
        let providers = try directories.providers()
        await providers.reload()
        #expect(providers.provider(fixtureType) != nil)
        let seen = try lines(mark)
        // In the probe and in this process.
        #expect(seen.count == 2)
        #expect(seen.first == "variables=0 inherited=0")
        #expect(seen.last?.hasPrefix("variables=0 ") == false)
        #expect(seen.last?.hasSuffix(" inherited=1") == true)

        let restarted = try directories.providers()
        await providers.shutdown()
        await restarted.reload()
        #expect(restarted.provider(fixtureType) != nil)
        #expect(try lines(mark).count == 2)
    }

    @Test(arguments: ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"])
    func endedFromOutsideIsMadeAgain(signal: String) async throws {
        let directories = try ProviderDirectories()
        let present = "\(directories.root)/killed-once"
        try directories.write("", to: "killed-once")
        try await FixtureLibrary.compile(
            to: directories.library("libFixture.so"), "-DKILLED_ONCE=\"\(present)\"", "-DKILLED_BY=\(signal)")
        try directories.writeEntry("fixture", library: "libFixture.so")
        let providers = try directories.providers()
        await providers.reload()
        #expect(providers.snapshot().map(\.rule) == [.probeAvailable])
        #expect(access(present, F_OK) != 0)
        await providers.reload()
        #expect(providers.snapshot().map(\.state) == [.inService])
    }

    @Test func ofABadHostRefusesWithoutAVerdict() async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
        try directories.writeEntry("fixture", library: "libFixture.so")
        for command in [
            ProbeCommand(executable: "/nowhere/crm-host"), ProbeCommand(executable: "/bin/false"),
            ProbeCommand(executable: "/bin/echo", arguments: ["{\"done\":true}"]),
        ] {
            var settings = directories.settings
            settings.probe = command
            let providers = try InstalledProviders(settings: settings, logger: LogRecorder().logger)
            await providers.reload()
            #expect(providers.snapshot().map(\.rule) == [.probeAvailable])
        }
        let providers = try directories.providers()
        await providers.reload()
        #expect(providers.snapshot().map(\.state) == [.inService])
    }

    @Test func reportsEveryStepOfAGoodLibrary() async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
        let report = try ProviderProbe.probe(path: directories.library("libFixture.so"), command: directories.settings.probe)
        #expect(report.failure == nil)
        #expect(report.findings.allSatisfy { $0.outcome == .pass })
        let rules = Set(report.findings.map(\.rule))
        #expect(
            rules == [
                .probeLoads, .factoryUnknown, .factoryStable, .factoryInterface, .moduleTable, .descriptorValid, .descriptorStable,
                .crmTypeLegal, .crmTypeReserved, .manifestValid, .noThreads, .noDescriptors, .noEnvironment, .createReports, .instanceTable,
                .closes,
            ])
        let descriptor = try #require(report.descriptor)
        #expect(descriptor.crmType == fixtureType)
        #expect(descriptor.sdk == "fixture")
        #expect(descriptor.manifest["docs_url"] == "https://example.com/fixture")
        #expect(ProbedDescriptor(json: descriptor.json) == descriptor)
    }

    private func marked(_ flags: String...) async throws -> (ProviderDirectories, String) {
        let directories = try ProviderDirectories()
        let mark = "\(directories.root)/mark"
        let define = "-DMARK=\"\(mark)\""
        if let flag = flags.first {
            try await FixtureLibrary.compile(to: directories.library("libFixture.so"), define, flag)
        } else {
            try await FixtureLibrary.compile(to: directories.library("libFixture.so"), define)
        }
        try directories.writeEntry("fixture", library: "libFixture.so")
        return (directories, mark)
    }

    private func lines(_ path: String) throws -> [String] {
        String(decoding: try bytes(of: path), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
