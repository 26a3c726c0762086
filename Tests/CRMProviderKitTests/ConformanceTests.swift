import CRMCore
import CRMProviderKit
import TestSupport
import Testing

@Suite("The conformance kit", .serialized)
struct ConformanceTests {
    private static let faultyCases = "\(ProviderFixtures.folder)/faulty.conformance.json"
    private static let echoCases = "\(ProviderFixtures.folder)/echo.conformance.json"
    private static let echoSource = "\(ProviderFixtures.packageRoot)/Examples/c-echo/echo.c"

    @Test func passesTheExampleInC() async throws {
        let fixtures = try ProviderFixtures()
        let library = try fixtures.compile("Echo", source: Self.echoSource)
        let report = try await KitRun.report(library, cases: Self.echoCases)
        #expect(report.passes, "\(report.text)")
        #expect(report.level == .robust)
        let skipped = report.rows.filter { $0.verdict.outcome == .notApplicable }
        #expect(skipped.contains { $0.id == "operations/batch" && $0.verdict.detail.contains("batch is not declared") })
        #expect(report.rows.count { $0.verdict.outcome == .passed } > 100)
    }

    @Test func runsInOneProcessForADebugger() async throws {
        let fixtures = try ProviderFixtures()
        let library = try fixtures.compile("Faulty", ["-DFAULT_WRONG_STATUS"])
        let report = try await KitRun.report(library, cases: Self.faultyCases, include: "^http/40", inProcess: true)
        #expect(report.failures.map(\.id) == ["http/403-create_or_update_contact"])
        #expect(report.level == nil, "a part of the kit gives no level")
    }

    @Test func theLevelIsAsFarAsAllWentWell() async throws {
        let fixtures = try ProviderFixtures()
        let correct = try fixtures.compile("Correct", ["-DFAULT_LOGS_KEY"])
        #expect(try await KitRun.report(correct, cases: Self.faultyCases).level == .correct)
        let loads = try fixtures.compile("Loads", ["-DFAULT_WRONG_STATUS"])
        #expect(try await KitRun.report(loads, cases: Self.faultyCases).level == .loads)
        let none = try fixtures.compile("None", ["-DFAULT_FACTORY"])
        #expect(try await KitRun.report(none, cases: Self.faultyCases).level == ConformanceReport.Level.none)
    }

    @Test func aLibraryThatCannotBeLoadedFailsEveryCaseByName() async throws {
        let fixtures = try ProviderFixtures()
        let library = try fixtures.write("no library", "libNothing.so")
        let report = try await KitRun.report(library, cases: Self.faultyCases, include: "^library/(file|factory)")
        #expect(report.failures.map(\.id) == ["library/file", "library/factory"])
        #expect(report.failures.last?.verdict.detail.contains("cannot be loaded") == true)
    }

    @Test func reportsForPeopleAndMachines() async throws {
        let fixtures = try ProviderFixtures()
        let library = try fixtures.compile("Faulty", ["-DFAULT_CRASH"])
        let report = try await KitRun.report(library, cases: Self.faultyCases, include: "^http/50|operations/dry-run")
        #expect(report.text.contains("FAIL  http/502-create_or_update_contact: crashed: signal 6"))
        #expect(report.text.contains("the capability dry_run is not declared"))
        #expect(report.markdown.contains("| http | 2 | 1 |"))
        #expect(report.junit.contains(#"<testsuite name="http" tests="15" failures="1" skipped="12">"#))
        #expect(report.junit.contains(#"<skipped message="the capability dry_run is not declared"/>"#))
        let json = try JSONValue(parsing: report.json.text)
        #expect(json["passed"] == false)
        #expect(json["cases"]?.arrayValue?.count == report.rows.count)
    }

    @Test func theProgramSaysHowItWent() async throws {
        let fixtures = try ProviderFixtures()
        let library = try fixtures.compile("Faulty")
        let arguments = ["providers", "conformance", library, "--cases", Self.faultyCases, "--seed", "7"]
        let good = try BuiltProgram("crm-host", arguments: arguments + ["--include", "^library"])
        #expect(try await good.waitForEnd() == .exited(0), "\(good.output)\(good.errorOutput)")
        #expect(good.output.contains("all 8 cases passed"))
        let bad = try BuiltProgram("crm-host", arguments: arguments + ["--include", "no such case"])
        #expect(try await bad.waitForEnd() == .exited(64))
    }

    @Test func theFileIsFoundAboveTheLibrary() throws {
        let fixtures = try ProviderFixtures()
        _ = try fixtures.write(#"{"config": {}, "credentials": {}, "operations": [\#(Self.sample)]}"#, "conformance.json")
        let found = try ConformanceFile.find(nil, library: "\(fixtures.directory)/build/release/libAny.so")
        #expect(found.path == "\(fixtures.directory)/conformance.json")
    }

    private static let sample = #"{"operation": "get_contact", "payload": {}, "exchanges": []}"#

    @Test(arguments: [
        ("{", "is not JSON"), ("[]", "must be an object"), (#"{"credentials": {}, "operations": []}"#, "/config is missing"),
        (#"{"config": {}, "credentials": {}, "operations": []}"#, "/operations must show one operation or more"),
        (#"{"config": {}, "credentials": {}, "operation": []}"#, "/operation is not known here"),
        (#"{"config": {}, "credentials": {}, "secrets": ["short"], "operations": []}"#, "/secrets/0 must be a string of 12 characters"),
        (#"{"config": {}, "credentials": {}, "operations": [{"operation": "merge"}]}"#, "/operations/0/operation must be one of"),
        (
            #"{"config": {}, "credentials": {}, "operations": [\#(sample), \#(sample)]}"#, "/operations/1 is a second sample of get_contact"
        ),
        (
            #"{"config": {}, "credentials": {}, "operations": [\#(sample)], "errors": {"404": [{"expect": {"status": "lost"}}]}}"#,
            "/errors/404/0/expect/status must be one of"
        ),
        (
            #"{"config": {}, "credentials": {}, "operations": [\#(sample)], "errors": {"odd": [{"expect": {"status": "ok"}}]}}"#,
            "/errors/odd/0/response is missing"
        ),
    ])
    func theFileIsReadStrictly(text: String, complaint: String) {
        do {
            _ = try ConformanceFile(parsing: Array(text.utf8))
            Issue.record("accepted: \(text)")
        } catch {
            #expect(error.description.contains(complaint), "\(error)")
        }
    }
}
