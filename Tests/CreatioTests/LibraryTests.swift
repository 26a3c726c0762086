import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Foundation
import Testing

/// The library as it ships. `CRM_PROVIDER_LIBS` names another folder than the products of this build, such as the release build's.
@Suite(.timeLimit(.minutes(1))) struct LibraryTests {
    private static let path = "\(SharedLibrary.directory)/libCreatioProvider.so"

    private static func output(of tool: String, _ arguments: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [tool] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(tool) failed")
        return String(decoding: data, as: UTF8.self)
    }

    @Test func exportsTheFactoryAndNothingElse() throws {
        let symbols = try Self.output(of: "nm", "-gD", "--defined-only", Self.path).split(separator: "\n")
        #expect(symbols.compactMap { $0.split(separator: " ").last } == ["crm_plugin_factory"])
    }

    @Test func needsTheCLibraryAndNothingElse() throws {
        let dynamic = try Self.output(of: "readelf", "--wide", "--dynamic", Self.path).split(separator: "\n")
        let needed = dynamic.filter { $0.contains("(NEEDED)") }.compactMap { $0.split(separator: "[").last?.dropLast() }
        let allowed: Set<Substring> = [
            "libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
        ]
        #expect(needed.contains("libc.so.6"))
        #expect(Set(needed).subtracting(allowed) == [])
        #expect(dynamic.contains { $0.contains("FLAGS_1") && $0.contains("NODELETE") })
        #expect(!dynamic.contains { $0.contains("(RPATH)") || $0.contains("TEXTREL") })
    }

    @Test func carriesTheNoteOfAProvider() throws {
        let note = try Self.output(of: "readelf", "--wide", "--notes", Self.path)
        #expect(note.contains(".note.crm"))
        #expect(note.contains("43 52 4d 31 00 00 00 00 00 00 00 00 00 00 00 00"))
    }

    @Test func sendsAnEventThroughTheRealBoundary() async throws {
        let library = try SharedLibrary(path: Self.path)
        let site = FakeSite { _, _ in FakeWorkers.isCurrent ? nil : .status(500) }
        let host = FakeHost(answer: site.answer)
        let provider = try ProviderUnderTest(library.factory, host: host)
        #expect(provider.sdk.hasPrefix("CRMPluginSDK/"))
        #expect(try CreatioBench.schemas.get().problems(provider.manifest(), "manifest.json") == [])
        let result = await provider.run(
            FakeCall(
                CRM_OP_SEND_EVENT,
                ["event": ["name": "Order Placed", "unique_id": "o-1", "contact": ["email": "ada@example.test"]]],
                credentials: CreatioBench.user))
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.payload["accepted_only"] == false)
        #expect(site.rows("UsrIntegrationEvent").first?["Id"] == result.payload["remote_id"])
        #expect(await provider.close() == [1, 1])
    }

    @Test func cancelsThroughTheRealBoundary() async throws {
        let library = try SharedLibrary(path: Self.path)
        let host = FakeHost { _ in .silence }
        let provider = try ProviderUnderTest(library.factory, host: host)
        let running = (0..<50).map { _ in
            provider.start(FakeCall(CRM_OP_GET_CONTACT, ["email": "ada@example.test"], credentials: CreatioBench.user))
        }
        // One logs in, the others wait for it.
        await host.http.waitForRequests(1)
        for operation in running { provider.stop(operation.id) }
        for operation in running { #expect(await operation.result.status == CRM_STATUS_CANCELLED) }
        #expect(await provider.close().allSatisfy { $0 == 1 })
    }

    @Test func answersOnlyToItsInterface() throws {
        let library = try SharedLibrary(path: Self.path)
        #expect(library.factory(nil) == nil)
        #expect(library.factory("crm.module/9") == nil)
        #expect(library.factory("crm.module/0") != nil)
        #expect(library.factory("crm.module/0") == library.factory("crm.module/0"))
    }
}
