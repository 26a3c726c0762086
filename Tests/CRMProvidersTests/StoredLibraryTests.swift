import CRMCore
import CRMProviders
import Glibc
import Testing

@Suite("Copies of libraries")
struct StoredLibraryTests {
    @Test func areKeptForAWayBack() async throws {
        let (directories, providers, _) = try await fixture()
        var hashes = [try #require(providers.provider(fixtureType)).sha256]
        for version in 2...8 {
            try await FixtureLibrary.compile(to: directories.library("libFixture.so"), "-DFIXTURE_VERSION=\"\(version).0.0\"")
            await providers.reload()
            try await eventually { !providers.snapshot().contains { $0.state == .draining } }
            hashes.append(try #require(providers.provider(fixtureType)).sha256)
        }
        let stored = InstalledProviders.storedLibraries(directories.settings, of: fixtureType)
        #expect(stored.map(\.version) == ["8.0.0", "7.0.0", "6.0.0", "5.0.0", "4.0.0"])
        #expect(stored.map(\.sha256) == hashes.suffix(5).reversed())
        #expect(stored.allSatisfy { $0.name == "libFixture.so" && access($0.path, R_OK) == 0 })
        #expect(InstalledProviders.storedLibraries(directories.settings, of: try #require(CRMType("other"))).isEmpty)
        #expect(providers.snapshot().first?.generations == 8)

        // One of them is put back, under the hash that names it.
        let previous = try #require(stored.first { $0.version == "6.0.0" })
        try write(bytes(of: previous.path), to: directories.library("libFixture.so"))
        try directories.writeEntry("fixture", library: "libFixture.so", extra: "sha256: \(previous.sha256)")
        await providers.reload()
        #expect(providers.provider(fixtureType)?.version == "6.0.0")
        #expect(InstalledProviders.storedLibraries(directories.settings, of: fixtureType).first?.version == "6.0.0")
    }

    @Test func ofWhatIsPinnedOrRunsNeverGo() async throws {
        let directories = try ProviderDirectories()
        let settings = {
            var settings = directories.settings
            settings.keptCopies = 1
            return settings
        }()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
        try directories.writeEntry("fixture", library: "libFixture.so")
        let providers = try InstalledProviders(settings: settings, logger: LogRecorder().logger)
        await providers.reload()
        let first = try #require(providers.provider(fixtureType))
        // The files ask for the first, and the second and third are refused: the first runs.
        for version in ["2.0.0", "3.0.0"] {
            try await FixtureLibrary.compile(
                to: directories.library("libFixture.so"), "-DFIXTURE_VERSION=\"\(version)\"", "-DFAILING_CREATE")
            await providers.reload()
        }
        // Only what ran is a way back; of what was refused the last copy stays, and is not counted with it.
        let kept = InstalledProviders.storedLibraries(settings, of: fixtureType)
        #expect(kept.map(\.version) == ["1.0.0"])
        #expect(kept.first?.sha256 == first.sha256)
        let configured = try #require(providers.snapshot().first?.configured?.sha256)
        #expect(Set(try names(in: "\(directories.root)/state/store")) == [first.sha256, configured])
        #expect(Set(try names(in: "\(directories.root)/state/probes")) == ["\(first.sha256).json", "\(configured).json"])
        let state = try #require(providers.snapshot().first)
        #expect(state.running == .init(name: "1.0.0", sha256: first.sha256))
        #expect(state.configured == .init(name: "3.0.0", sha256: configured))
        #expect(state.json["running_version"] == "1.0.0")
        #expect(state.json["configured_version"] == "3.0.0")
        #expect(state.json["configured_sha256"] != state.json["running_sha256"])
    }

    private func names(in directory: String) throws -> [String] {
        let stream = try #require(opendir(directory))
        defer { closedir(stream) }
        var names: [String] = []
        while let next = readdir(stream) {
            names.append(withUnsafeBytes(of: next.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.filter { !$0.hasPrefix(".") }
    }

    @Test func manyGenerationsAdviseARestart() async throws {
        let (directories, providers, _) = try await fixture()
        for number in 0..<51 {
            try directories.writeEntry("fixture", library: "libFixture.so", extra: "limits:\n  concurrency: \(number + 1)")
            await providers.reload()
            if number < 49 { #expect(providers.snapshot().allSatisfy { $0.warning == nil }) }
        }
        let state = try #require(providers.snapshot().first { $0.state == .inService })
        #expect(state.generations == 52)
        #expect(state.warning == "52 libraries were loaded since the start; a restart frees their memory")
    }
}
