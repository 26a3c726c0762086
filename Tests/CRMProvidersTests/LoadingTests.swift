import CRMCore
import CRMProviders
import Glibc
import Logging
import Testing

/// One after the other: all passes share a thread, and many slow ones at once would hold up the other suites.
@Suite("What goes into service, and what does not", .serialized)
struct LoadingTests {
    @Test func aGoodLibraryDescribesItself() async throws {
        let (directories, providers, _) = try await fixture()
        defer { withExtendedLifetime(directories) {} }
        let description = try #require(providers.provider(fixtureType))
        #expect(description.displayName == "Fixture")
        #expect(description.version == "1.0.0")
        #expect(description.capabilityNames == ["validate_credentials", "send_event"])
        #expect(description.documentationURL == "https://example.com/fixture")
        #expect(description.sha256.count == 64)
        #expect(description.credentialSchema["properties"]?["api_key"]?["writeOnly"] == true)
        let state = try #require(providers.snapshot().first)
        #expect(state.state == .inService)
        #expect(state.reason == nil)
        #expect(state.file == "fixture.yaml")
        #expect(state.json["state"] == "in_service")

        let copy = "\(directories.root)/state/store/\(description.sha256)/libFixture.so"
        var status = stat()
        #expect(stat(copy, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o500)
        #expect(stat("\(directories.root)/state/store/\(description.sha256)", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
    }

    @Test(arguments: [
        (["-DWITHOUT_NOTE"], "no CRM note"), (["-DOTHER_MAJOR"], "version 7"), (["-DWITHOUT_ENTRY"], "does not export crm_plugin_factory"),
        (["-DSECOND_EXPORT"], "exports fixture_helper"), (["-DOTHER_INTERFACE"], "does not offer crm.module/0"),
        (["-DOTHER_MODULE_SIZE"], "crm_module_v1 has 64 bytes instead of 56"), (["-DNULL_FUNCTION"], "NULL function"),
        (["-DNULL_DESCRIPTOR"], "descriptor is NULL"),
        (["-DOTHER_DESCRIPTOR_SIZE"], "crm_descriptor_v1 has 88 bytes instead of 80"), (["-DBROKEN_MANIFEST"], "manifest is not JSON"),
        (["-DFAILING_CREATE"], "create failed: the fixture does not like it"),
        (["-DSILENT_FAILING_CREATE"], "create failed without a reason"),
        (["-DOTHER_INSTANCE_SIZE"], "crm_provider_v1 has 40 bytes instead of 48"), (["-DUNKNOWN_SERVICE"], "requires crm.nothing/1"),
        (["-DFIXTURE_TYPE=\"Fixture\""], "crm_type does not match"), (["-DFIXTURE_TYPE=\"list\""], "word of the API's own routes"),
        (["-DFIXTURE_VERSION=\"\""], "lacks display_name or version"), (["-Wl,-rpath,/opt"], "search path"),
        (["-Wl,-z,execstack"], "executable stack"), (["-lm", "-Wl,--no-as-needed", "-lcrypt"], "needs libcrypt.so.1"),
        (["-DMISSING_SYMBOL"], "undefined symbol: fixture_of_nobody"),
    ])
    func aWrongLibraryIsRefusedWithItsFault(flags: [String], reason: String) async throws {
        let directories = try ProviderDirectories()
        let path = directories.library("libFixture.so")
        switch flags.count {
        case 1: try await FixtureLibrary.compile(to: path, flags[0])
        default: try await FixtureLibrary.compile(to: path, flags[0], flags[1], flags[2])
        }
        try directories.writeEntry("fixture", library: "libFixture.so")
        let providers = try directories.providers()
        await providers.reload()
        #expect(providers.loaded.isEmpty)
        let state = try #require(providers.snapshot().first)
        #expect(state.state == .failed)
        #expect(state.reason?.contains(reason) == true, "\(state.reason ?? "")")
        // The same judgement from outside.
        let seen = try await InstalledProviders.inspect(directories.settings, logger: LogRecorder().logger)
        if !reason.hasPrefix("create failed"), !reason.contains("crm_provider_v1") {
            #expect(seen.map(\.reason) == [state.reason])
        }
    }

    @Test(arguments: ["", "not an ELF file", "\u{7F}ELF\u{2}\u{1}\u{1}" + String(repeating: "\u{0}", count: 100)])
    func whatIsNoLibraryIsRefused(content: String) async throws {
        let directories = try ProviderDirectories()
        try directories.write(content, to: "lib/libFixture.so")
        try directories.writeEntry("fixture", library: "libFixture.so")
        let providers = try directories.providers()
        await providers.reload()
        #expect(providers.snapshot().map(\.state) == [.failed])
    }

    /// Damage at any place must end in a refusal or in a library that is as good as before, never in a trap.
    @Test func aDamagedLibraryDoesNotBringTheHostDown() async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DWITHOUT_NOTE")
        let whole = try bytes(of: directories.library("libFixture.so"))
        try directories.writeEntry("fixture", library: "libFixture.so")
        for length in [63, 64, 100, 500, 1_000, whole.count / 2] {
            try write(Array(whole.prefix(length)), to: directories.library("libFixture.so"))
            let seen = try await InstalledProviders.inspect(directories.settings, logger: LogRecorder().logger)
            #expect(seen.map(\.state) == [.failed])
        }
        // Without a note it is refused before anything of it runs, so every field may be turned over.
        for place in 0..<min(1_024, whole.count) {
            var damaged = whole
            damaged[place] ^= 0xFF
            try write(damaged, to: directories.library("libFixture.so"))
            let seen = try await InstalledProviders.inspect(directories.settings, logger: LogRecorder().logger)
            #expect(seen.map(\.state) == [.failed])
        }
    }

    /// What the program headers promise and the file does not hold would be mapped all the same, and touched.
    @Test func aLibraryThatIsNotAllThereIsRefused() async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
        let whole = try bytes(of: directories.library("libFixture.so"))
        try directories.writeEntry("fixture", library: "libFixture.so")
        for length in Array(stride(from: 1, to: whole.count, by: 509)) + [whole.count - 1] {
            try write(Array(whole.prefix(length)), to: directories.library("libFixture.so"))
            let seen = try await InstalledProviders.inspect(directories.settings, logger: LogRecorder().logger)
            #expect(seen.first?.reason?.contains("not complete") == true, "\(length) bytes: \(seen)")
        }
    }

    @Test func aPinThatDoesNotMatchIsRefused() async throws {
        let (directories, providers, _) = try await fixture()
        let hash = try #require(providers.provider(fixtureType)).sha256
        try directories.writeEntry("fixture", library: "libFixture.so", extra: "sha256: \(hash.uppercased())")
        await providers.reload()
        #expect(providers.snapshot().filter { $0.state == .inService }.map(\.reason) == [nil])

        try directories.writeEntry("fixture", library: "libFixture.so", extra: "sha256: \(String(repeating: "0", count: 64))")
        await providers.reload()
        let state = try #require(providers.snapshot().first { $0.state == .inService })
        #expect(state.reason?.contains("pins another") == true)
        #expect(state.rule == .pin)
        #expect(state.fix != nil)
        #expect(await providers.call(fixtureType, request("at once"))?.status == .ok)
    }

    /// The file is exchanged under an entry that pins it: what runs stays, and after a restart nothing of the new one ever starts.
    @Test func aLibraryThatWasReplacedAfterThePinIsRefused() async throws {
        let (directories, providers, _) = try await fixture()
        let hash = try #require(providers.provider(fixtureType)).sha256
        try directories.writeEntry("fixture", library: "libFixture.so", extra: "sha256: \(hash)")
        await providers.reload()
        let mark = "\(directories.root)/mark"
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DMARK=\"\(mark)\"")
        await providers.reload()
        let state = try #require(providers.snapshot().first { $0.state == .inService })
        #expect(state.rule == .pin)
        #expect(state.running?.sha256 == hash)
        #expect(await providers.call(fixtureType, request("at once"))?.status == .ok)

        let restarted = try directories.providers()
        await restarted.reload()
        #expect(restarted.snapshot().map(\.rule) == [.pin])
        #expect(access(mark, F_OK) != 0)
    }

    @Test func symbolicLinksAndOpenFilesAreRefused() async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("real.so"))
        symlink(directories.library("real.so"), directories.library("link.so"))
        try directories.writeEntry("fixture", library: "link.so")
        let providers = try directories.providers()
        await providers.reload()
        #expect(providers.snapshot().first?.reason?.contains("symbolic link") == true)
        #expect(providers.snapshot().first?.rule == .fileRegular)

        chmod(directories.library("real.so"), 0o777)
        try directories.writeEntry("fixture", library: "real.so")
        await providers.reload()
        #expect(providers.snapshot().first?.reason?.contains("written by everybody") == true)
        #expect(providers.snapshot().first?.rule == .fileNotWritable)

        try directories.writeEntry("fixture", library: "absent.so")
        await providers.reload()
        #expect(providers.snapshot().first?.reason?.contains("does not exist") == true)
    }

    @Test func aTamperedCopyIsReplaced() async throws {
        let (directories, providers, _) = try await fixture()
        let hash = try #require(providers.provider(fixtureType)).sha256
        let copy = "\(directories.root)/state/store/\(hash)/libFixture.so"
        unlink(copy)
        try write([1, 2, 3], to: copy)
        try directories.writeEntry("fixture", library: "libFixture.so", extra: "limits:\n  concurrency: 3")
        await providers.reload()
        #expect(providers.snapshot().filter { $0.state == .inService }.map(\.reason) == [nil])
        #expect(try bytes(of: copy) == bytes(of: directories.library("libFixture.so")))
    }

    @Test func theConfigurationIsCheckedAgainstTheSchema() async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
        try directories.write(
            "library: libFixture.so\nconfig:\n  retries: many\n  color: red\n", to: "providers.d/fixture.yaml")
        let providers = try directories.providers()
        await providers.reload()
        let reason = try #require(providers.snapshot().first?.reason)
        #expect(reason.contains("config/base_url"))
        #expect(reason.contains("config/retries"))
        #expect(reason.contains("config/color"))
        #expect(!reason.contains("many"))
    }

    @Test(arguments: [
        ("libary: x.so", "unknown key libary"), ("library: x.so\nenabled: maybe", "enabled must be true or false"),
        ("library: x.so\nisolation: process", "isolation process is not supported"), ("library: x.so\nisolation: jail", "isolation"),
        ("library: ../x.so", "library must be a file name"), ("enabled: true", "library is missing"), ("", "the file is empty"),
        ("- a\n- b", "expected a mapping"), ("library: x.so\nlimits:\n  concurency: 3", "line 3: unknown key limits.concurency"),
        ("library: x.so\nlimits:\n  concurrency: 0", "line 3: limits.concurrency"), ("library: x.so\negress:\n  allow: a", "egress.allow"),
        ("library: x.so\negress: [a]", "egress must be a mapping"), ("library: x.so\nsha256: abc", "sha256 must be 64"),
        ("library: x.so\n  enabled: true", "line 2: not YAML"), ("library: [x.so", "not YAML"),
        ("library: x.so\nlibrary: y.so", "the same key twice"),
        ("library: \"x.so\n", "not YAML"),
    ])
    func aTypoIsNamed(yaml: String, reason: String) async throws {
        let directories = try ProviderDirectories()
        try directories.write(yaml, to: "providers.d/typo.yaml")
        let log = LogRecorder()
        let providers = try directories.providers(log)
        await providers.reload()
        await providers.reload()
        let state = try #require(providers.snapshot().first)
        #expect(state.state == .failed)
        #expect(state.file == "typo.yaml")
        #expect(state.reason?.contains(reason) == true, "\(state.reason ?? "")")
        #expect(log.lines.filter { $0.level == .error }.count == 1, "once per change")
    }

    @Test func egressIsCheckedBeforeItIsNeeded() async throws {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
        try directories.writeEntry("fixture", library: "libFixture.so", egress: "127.0.0.1:443")
        let providers = try directories.providers()
        await providers.reload()
        #expect(providers.snapshot().first?.reason?.contains("egress.allow \"127.0.0.1:443\"") == true)

        var production = directories.settings
        production.allowsLoopbackOrigins = false
        try directories.writeEntry("fixture", library: "libFixture.so", egress: "http://127.0.0.1:8003")
        let strict = try InstalledProviders(settings: production, logger: LogRecorder().logger)
        await strict.reload()
        #expect(strict.snapshot().first?.reason?.contains("CRM_ENV=development") == true)
    }

    @Test func inspectionServesNothing() async throws {
        let (directories, _, _) = try await fixture()
        try directories.writeEntry("second", library: "libFixture.so")
        try directories.write("library: x.so\nenabled: false\n", to: "providers.d/third.yaml")
        let seen = try await InstalledProviders.inspect(directories.settings, logger: LogRecorder().logger)
        #expect(seen.map(\.state) == [.ready, .failed, .disabled])
        #expect(seen[1].reason?.contains("already provided by fixture.yaml") == true)
    }
}

func bytes(of path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return bytes
}

func write(_ bytes: [UInt8], to path: String) throws {
    unlink(path)
    let file = try #require(fopen(path, "w"))
    defer { fclose(file) }
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
}
