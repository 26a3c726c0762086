import CRMCore
import Foundation
import Testing

@Suite struct ReadmeTests {
    /// The journey as the README has it, on this test's ports, with curl failing on every answer that is not a success.
    @Test func theCurlJourneyOfTheReadmeWorks() async throws {
        let service = try await RunningService()
        let readme = try String(contentsOf: RunningService.checkout.appendingPathComponent("README.md"), encoding: .utf8)
        let marked = try #require(readme.range(of: "<!-- journey -->\n```sh\n"))
        let end = try #require(readme.range(of: "\n```", range: marked.upperBound..<readme.endIndex))
        let token =
            "curl -sS --fail-with-body \(service.sandboxBase)/google/token -H 'Content-Type: application/json' "
            + #"-d "{\"email\": \"$1\"}" | python3 -c 'import json, sys; print(json.load(sys.stdin)["id_token"])'"#
        let journey = readme[marked.upperBound..<end.lowerBound]
            .replacingOccurrences(of: "http://127.0.0.1:8001", with: service.base)
            .replacingOccurrences(of: "http://127.0.0.1:8003", with: service.sandboxBase)
            .replacingOccurrences(of: "curl -s ", with: "curl -sS --fail-with-body ")
            .replacingOccurrences(of: "./dev token", with: "dev_token")
        let script = service.directory.appendingPathComponent("journey.sh")
        try "set -euo pipefail\ndev_token() { \(token); }\n\(journey)\n".write(to: script, atomically: true, encoding: .utf8)

        let output = Pipe()
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/bash")
        shell.arguments = [script.path]
        shell.standardOutput = output
        shell.standardError = output
        try shell.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 0, "\(text)")
        #expect(text.contains(#""state":"done""#), "\(text)")
        #expect(text.contains("Οικονόμου"), "\(text)")
    }
}
