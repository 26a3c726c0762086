import Foundation
import TestSupport
import Testing

/// The libraries of this build, held against the kit as their authors are told to hold them.
@Suite(.serialized) struct ShippedProviderTests {
    @Test(arguments: ["Klaviyo", "Salesforce", "Creatio"])
    func passTheConformanceKit(_ name: String) async throws {
        let library = try BuiltProgram.path(of: "lib\(name)Provider.so")
        let cases = RunningService.checkout.appendingPathComponent("Plugins/\(name)/conformance.json").path
        let kit = try BuiltProgram("crm-host", arguments: ["providers", "conformance", library, "--cases", cases])
        #expect(try await kit.waitForEnd(within: .seconds(300)) == .exited(0), "\(kit.output.suffix(4_000)) \(kit.errorOutput)")
        #expect(kit.output.contains("level robust"), "\(kit.output.suffix(1_000))")
    }
}
