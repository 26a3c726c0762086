import CRMCore
import CRMProviderKit
import CRMProviders
import TestSupport
import Testing

@Suite("The check of a library, and its description", .serialized)
struct CheckTests {
    /// A credential schema as a macro of the fixture: the JSON as a C string.
    private static func credentials(required: String, properties: String) -> String {
        let json = #""required":[\#(required)],"properties":{\#(properties)}"#
        return "-DCREDENTIALS=\"\(json.replacing("\"", with: "\\\""))\""
    }

    private static let secretKey = #""api_key":{"type":"string","writeOnly":true}"#
    private static let region = #""region":{"type":"string"}"#
    private static let oneKey = credentials(required: #""api_key""#, properties: secretKey)
    private static let twoKeys = credentials(
        required: #""api_key","region""#, properties: #""api_key":{"type":"string"},\#(region)"#)
    private static let optionalKey = credentials(required: #""api_key""#, properties: "\(secretKey),\(region)")

    @Test func aGoodLibraryPasses() throws {
        let fixtures = try ProviderFixtures()
        let report = LibraryReport(try fixtures.compile("Faulty"), probe: try Self.probe())
        #expect(report.passes, "\(report.text)")
        #expect(report.text.contains("pass  elf.exports"))
        #expect(report.json["passed"] == true)
    }

    @Test func aSecondSymbolFailsBeforeAnythingRuns() throws {
        let fixtures = try ProviderFixtures()
        // Its constructor would be seen by the probe.
        let library = try fixtures.compile("Faulty", ["-DFAULT_SECOND_EXPORT", "-DFAULT_CONSTRUCTOR"])
        let report = LibraryReport(library, probe: try Self.probe())
        #expect(!report.passes)
        #expect(report.text.contains("FAIL  elf.exports"), "\(report.text)")
        #expect(report.text.contains("fix: "))
        #expect(!report.text.contains("scan."))
    }

    @Test func whatTheProbeFindsFails() throws {
        let fixtures = try ProviderFixtures()
        let report = LibraryReport(try fixtures.compile("Faulty", ["-DFAULT_UNSTABLE"]), probe: try Self.probe())
        #expect(!report.passes)
        #expect(report.text.contains("FAIL  descriptor.stable"), "\(report.text)")
    }

    @Test func aNewRequiredCredentialFails() throws {
        let changes = try Self.changes(from: [Self.oneKey], to: [Self.twoKeys])
        #expect(changes.contains { $0.outcome == .fail && $0.field == "credential_schema.required" && $0.detail.contains("region") })
        #expect(changes.contains { $0.outcome == .warn && $0.detail.contains("no secret") })
    }

    @Test func anOptionalCredentialWarns() throws {
        let changes = try Self.changes(from: [Self.oneKey], to: [Self.optionalKey])
        #expect(changes.contains { $0.field == "credential_schema.properties.region" })
        #expect(changes.allSatisfy { $0.outcome == .warn }, "\(changes)")
    }

    @Test func aCapabilityThatIsGoneFails() throws {
        let both = "-DCAPABILITIES=(CRM_CAPABILITY_CREATE_OR_UPDATE_CONTACT|CRM_CAPABILITY_BATCH)"
        let changes = try Self.changes(from: [both], to: [])
        #expect(changes.contains { $0.outcome == .fail && $0.detail == "batch is gone" }, "\(changes)")
        let gained = try Self.changes(from: [], to: [both])
        #expect(gained.allSatisfy { $0.outcome == .warn } && gained.contains { $0.detail == "new: batch" }, "\(gained)")
    }

    @Test func anotherTypeFails() throws {
        let changes = try Self.changes(from: [], to: ["-DTYPE=\"other\""])
        #expect(changes.contains { $0.outcome == .fail && $0.field == "crm_type" }, "\(changes)")
    }

    @Test func theSameLibraryHasNoChanges() throws { #expect(try Self.changes(from: [], to: []).isEmpty) }

    @Test func theDescriptionIsReadInAnotherProcess() throws {
        let fixtures = try ProviderFixtures()
        let json = try LibraryDescription.json(try fixtures.compile("Faulty"), probe: try Self.probe())
        #expect(json["crm_type"] == "faulty")
        #expect(json["capabilities"] == ["create_or_update_contact"])
        #expect(json["manifest"]?["credential_schema"]?["required"] == ["api_key"])
        #expect(try JSONValue(parsing: json.indented) == json)
    }

    @Test func theProgramSaysHowItWent() async throws {
        let fixtures = try ProviderFixtures()
        let library = try fixtures.compile("Faulty")
        let good = try BuiltProgram("crm-host", arguments: ["providers", "check", library, "--json"])
        #expect(try await good.waitForEnd() == .exited(0), "\(good.output)")
        #expect(try JSONValue(parsing: good.output)["passed"] == true)
        let bad = try BuiltProgram("crm-host", arguments: ["providers", "check", "\(fixtures.directory)/nothing.so"])
        #expect(try await bad.waitForEnd() == .exited(1))
        #expect(bad.output.contains("file.readable"), "\(bad.output)")
    }

    private static func probe() throws -> ProbeCommand {
        ProbeCommand(executable: try BuiltProgram.path(of: "crm-host"), arguments: ["providers", "probe"])
    }

    private static func changes(from old: [String], to new: [String]) throws -> [DescriptorChange] {
        let fixtures = try ProviderFixtures()
        let report = LibraryReport(
            try fixtures.compile("New", new), previous: try fixtures.compile("Old", old), probe: try probe())
        let changes = try #require(report.changes)
        #expect(report.passes == !changes.contains { $0.outcome == .fail })
        return changes.filter { $0.field != "version" }
    }
}
