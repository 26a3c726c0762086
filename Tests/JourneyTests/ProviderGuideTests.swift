import CRMCore
import Foundation
import TestSupport
import Testing

/// Every command of docs/providers.md, in its order, in a directory of its own and against a running host.
@Suite(.serialized) struct ProviderGuideTests {
    @Test func fromNothingToAProviderInSwift() async throws {
        let service = try await service()
        let output = try await run("swift", service)
        #expect(output.contains("robust"), "\(output.suffix(4_000))")
        #expect(output.contains("\"remote_id\""), "\(output.suffix(4_000))")
        try await expectAcme(service)
    }

    @Test func fromNothingToAProviderInC() async throws {
        let service = try await service()
        let output = try await run("c", service)
        #expect(output.contains("robust"), "\(output.suffix(4_000))")
        #expect(output.contains("acme: paused") && output.contains("acme: disabled"), "\(output.suffix(4_000))")
        try await expectAcme(service)
    }

    /// With an administration's listener on a port that the command line knows.
    private func service() async throws -> RunningService {
        try await RunningService(settings: ["CRM_ADMIN_PORT": String(try FreePort.find())])
    }

    private func expectAcme(_ service: RunningService) async throws {
        let client = try await service.client("author@example.test")
        _ = try await client.post("/auth/bootstrap", [:])
        let providers = try await client.get("/crm/providers").body["data"]?.arrayValue ?? []
        #expect(providers.compactMap { $0["crm_type"]?.stringValue } == ["acme", "klaviyo"])
        let row = try await JSONClient(base: service.adminBase).get("/providers").body["data"]?.arrayValue?
            .first { $0["crm_type"] == "acme" }
        #expect(row?["state"] == "in_service")
        #expect(row?["running_sha256"]?.stringValue != nil && row?["running_sha256"] == row?["configured_sha256"])
    }

    /// The blocks that are marked with the language, one script.
    private func run(_ language: String, _ service: RunningService) async throws -> String {
        let guide = try String(contentsOf: RunningService.checkout.appendingPathComponent("docs/providers.md"), encoding: .utf8)
        let opening = "<!-- run: \(language) -->\n```sh\n"
        let blocks = guide.components(separatedBy: opening).dropFirst().compactMap { $0.components(separatedBy: "\n```").first }
        try #require(blocks.count >= 3)
        let port = String(try FreePort.find())
        let script = service.directory.appendingPathComponent("guide.sh")
        let text = blocks.joined(separator: "\n").replacingOccurrences(of: "8013", with: port)
        try "set -euo pipefail\n\(text)\n".write(to: script, atomically: true, encoding: .utf8)
        let programs = URL(fileURLWithPath: try BuiltProgram.path(of: "crm-host")).deletingLastPathComponent().path
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let shell = try BuiltProgram(
            path: "/bin/bash", arguments: [script.path], environment: service.environment.merging(["PATH": "\(programs):\(path)"]) { $1 },
            workingDirectory: service.directory.path)
        let ending = try await shell.waitForEnd(within: .seconds(900))
        let output = shell.output + shell.errorOutput
        #expect(ending == .exited(0), "\(output.suffix(6_000))")
        return output
    }
}
