import CRMCore
import CRMProviders
import CRMTransport
import Glibc
import Testing

@Suite("The static check of a library")
struct LibraryCheckTests {
    @Test func passesAGoodLibraryRuleByRule() async throws {
        let directories = try ProviderDirectories()
        let path = directories.library("libFixture.so")
        try await FixtureLibrary.compile(to: path)
        let findings = LibraryCheck.findings(path: path)
        #expect(findings.allSatisfy { $0.outcome == .pass }, "\(findings)")
        #expect(findings.count == 18)
        #expect(findings.allSatisfy { LibraryFinding(json: $0.json) == $0 })
    }

    @Test(arguments: [
        (["-DWITHOUT_NOTE"], [LibraryRule.elfNote]), (["-DOTHER_MAJOR"], [.elfInterface]), (["-DWITHOUT_ENTRY"], [.elfEntry]),
        (["-DSECOND_EXPORT"], [.elfExports]), (["-Wl,-rpath,/opt"], [.elfSearchPath]), (["-Wl,-z,execstack"], [.elfExecutableStack]),
        (["-Wl,--no-as-needed", "-lcurl"], [.elfNoHTTPStack]), (["-Wl,--no-as-needed", "-lcrypt"], [.elfNeeded]),
        (["-DWITHOUT_NOTE", "-DSECOND_EXPORT"], [.elfNote, .elfExports]),
    ])
    func namesWhatIsWrong(flags: [String], rules: [LibraryRule]) async throws {
        let directories = try ProviderDirectories()
        let path = directories.library("libFixture.so")
        if flags.count == 1 {
            try await FixtureLibrary.compile(to: path, flags[0])
        } else {
            try await FixtureLibrary.compile(to: path, flags[0], flags[1])
        }
        let failed = LibraryCheck.findings(path: path).filter { $0.outcome == .fail }
        #expect(failed.map(\.rule) == rules)
        #expect(failed.allSatisfy { $0.fix != nil && !$0.detail.isEmpty })
    }

    @Test func sendsWhoNeedsLibcurlToTheHost() async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-Wl,--no-as-needed", "-lcurl")
        try directories.writeEntry("fixture", library: "libFixture.so")
        let providers = try directories.providers()
        await providers.reload()
        let state = try #require(providers.snapshot().first)
        #expect(state.rule == .elfNoHTTPStack)
        #expect(state.reason?.contains("needs libcurl") == true)
        #expect(state.fix?.contains("crm.http/1") == true)
    }

    /// A C library of the future, as far as the linker can tell.
    @Test func refusesWhatNeedsANewerCLibrary() async throws {
        let directories = try ProviderDirectories()
        let stub = "\(directories.root)/libm.so.6"
        try directories.write("int newer_than_any(void) { return 1; }\n", to: "stub.c")
        try directories.write("GLIBC_2.999 { newer_than_any; };\n", to: "stub.map")
        try await FixtureLibrary.compile(
            absolute: "\(directories.root)/stub.c", to: stub, "-fvisibility=default", "-nostdlib", "-Wl,-soname,libm.so.6",
            "-Wl,--version-script=\(directories.root)/stub.map")
        let path = directories.library("libFixture.so")
        try await FixtureLibrary.compile(to: path, "-DNEWER_SYMBOL", stub)
        let failed = LibraryCheck.findings(path: path).filter { $0.outcome == .fail }
        #expect(failed.map(\.rule) == [.elfGlibc])
        #expect(failed.first?.detail.contains("needs GLIBC_2.999, and this host has GLIBC_2.") == true, "\(failed)")
    }

    @Test func refusesAnotherProcessor() async throws {
        let directories = try ProviderDirectories()
        let path = directories.library("libFixture.so")
        #if arch(x86_64)
            let target = "aarch64-unknown-linux-gnu"
        #else
            let target = "x86_64-unknown-linux-gnu"
        #endif
        try await FixtureLibrary.compileBare(for: target, to: path)
        let failed = LibraryCheck.findings(path: path).filter { $0.outcome == .fail }
        #expect(failed.map(\.rule).contains(.elfMachine), "\(failed)")
        try directories.writeEntry("fixture", library: "libFixture.so")
        let providers = try directories.providers()
        await providers.reload()
        #expect(providers.snapshot().map(\.rule) == [.elfMachine])
    }

    @Test func refusesAFolderThatEverybodyMayWrite() async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
        chmod("\(directories.root)/lib", 0o777)
        #expect(LibraryCheck.findings(path: directories.library("libFixture.so")).map(\.rule) == [.fileNotWritable])
        chmod("\(directories.root)/lib", 0o755)
        chmod(directories.library("libFixture.so"), 0o666)
        #expect(LibraryCheck.findings(path: directories.library("libFixture.so")).map(\.rule) == [.fileNotWritable])
    }

    @Test func isMeasuredAgainstADamagedVersionTable() async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
        let whole = try bytes(of: directories.library("libFixture.so"))
        // Every word in turn: among them the links of the lists of versions.
        for place in stride(from: 64, to: min(whole.count, 4_096), by: 4) {
            for value: UInt8 in [0, 1, 0x7F, 0xFF] {
                var damaged = whole
                for index in 0..<4 { damaged[place + index] = value }
                if let image = try? ELFImage(damaged) { _ = image.findings }
            }
        }
    }
}
