import CRMProviderKit
import TestSupport
import Testing

/// Each fault is found by the cases that are made for it, and by no other: a kit that finds nothing, or everything, is of no use.
@Suite("The conformance kit and providers that are wrong in one way", .serialized)
struct FaultTests {
    static let operation = "create_or_update_contact"
    static let faults: [(fault: String, cases: Set<String>)] = [
        ("NONE", []),
        ("SECOND_EXPORT", ["library/file"]),
        ("FACTORY", ["library/factory"]),
        ("CONSTRUCTOR", ["library/quiet", "isolation/descriptors"]),
        ("UNSTABLE", ["library/descriptor", "library/every-process"]),
        ("OTHER_PROCESS", ["library/every-process"]),
        ("ANY_CONFIG", ["lifecycle/bad-config"]),
        ("SILENT_REFUSAL", ["lifecycle/bad-config", "lifecycle/broken-config", "lifecycle/without-http"]),
        ("SHARED_INSTANCES", ["lifecycle/two-instances"]),
        ("CLOSES_TWICE", ["lifecycle/close"]),
        ("AFTER_CLOSE", ["lifecycle/close"]),
        ("ANY_OPERATION", ["operations/undeclared"]),
        ("UNKNOWN_MEMBERS", ["operations/unknown-keys-\(operation)"]),
        ("TEXT", ["operations/failure-form"]),
        ("TWICE", ["completion/http-error"]),
        ("NEVER", ["completion/transport-error", "http/too-large-\(operation)"]),
        ("AFTER_THE_END", ["completion/nothing-after"]),
        ("BLOCKS", ["completion/start-returns"]),
        ("CANCEL_OK", ["cancel/prompt"]),
        ("IGNORES_CANCEL", ["completion/cancel-during", "cancel/prompt"]),
        ("WRONG_STATUS", ["http/403-\(operation)"]),
        ("NO_WAIT", ["http/429-\(operation)"]),
        ("CERTAIN", ["http/timeout-\(operation)"]),
        ("RETRY", ["http/no-retry-\(operation)"]),
        ("CRASH", ["http/502-\(operation)"]),
        ("EXIT", ["http/502-\(operation)"]),
        ("LOGS_KEY", ["secrets/log"]),
        ("KEY_IN_URL", ["secrets/url"]),
        ("PLAIN_HEADER", ["secrets/header"]),
        ("THREAD", ["isolation/threads"]),
        ("FILE", ["isolation/descriptors"]),
        ("SOCKET", ["isolation/system-calls"]),
        ("WRITES", ["isolation/system-calls"]),
        ("FORK", ["isolation/system-calls"]),
        ("ENVIRONMENT", ["isolation/process"]),
        ("SHARED_ACCOUNTS", ["isolation/accounts"]),
    ]

    @Test(arguments: faults)
    func isFoundByItsOwnCases(fault: String, cases: Set<String>) async throws {
        let report = try await Self.report(fault, include: "^(?!fuzz|endurance)")
        let failed = Set(report.failures.map(\.id))
        #expect(failed == cases, "\(report.failures.map { "\($0.id): \($0.verdict.detail)" })")
        #expect(report.rows.count > 40)
    }

    @Test func memoryThatStaysBehindIsFound() async throws {
        let report = try await Self.report("LEAK", include: "endurance")
        #expect(report.failures.map(\.id) == ["endurance/operations"])
        #expect(report.failures.first?.verdict.detail.contains("bytes of memory") == true, "\(report.text)")
    }

    @Test(arguments: [("CRASH", "crashed: signal 6"), ("EXIT", "exit code 3"), ("HANG", "hung")])
    func theReasonIsNamed(fault: String, words: String) async throws {
        let report = try await Self.report(fault, include: "^http/502-", patience: 0.3)
        #expect(report.failures.first?.verdict.detail.contains(words) == true, "\(report.text)")
    }

    @Test(arguments: [("SOCKET", "makes a socket"), ("WRITES", "opens a file to write"), ("FORK", "starts a process")])
    func theForbiddenCallIsNamed(fault: String, words: String) async throws {
        let report = try await Self.report(fault, include: "^isolation/system-calls$")
        #expect(report.failures.first?.verdict.detail.contains(words) == true, "\(report.text)")
    }

    @Test func aFailureSaysWhereAnotherMeaningIsDeclared() async throws {
        let report = try await Self.report("WRONG_STATUS", include: "^http/403-")
        #expect(report.failures.first?.verdict.detail.contains("\"errors\" in conformance.json") == true, "\(report.text)")
    }

    /// What ends twice or never only now and then is found by chance, and again by the same seed.
    @Test(arguments: ["TWICE", "NEVER"])
    func randomRunsFindItAgain(fault: String) async throws {
        let first = try await Self.report(fault, include: "^fuzz/")
        let second = try await Self.report(fault, include: "^fuzz/")
        #expect(!first.failures.isEmpty)
        #expect(first.failures.map(\.id) == second.failures.map(\.id))
        #expect(first.failures.allSatisfy { $0.verdict.detail.contains("--seed 7") })
        let good = try await Self.report("NONE", include: "^fuzz/")
        #expect(good.passes, "\(good.text)")
    }

    @Test func aGoodProviderIsRobust() async throws {
        let report = try await Self.report("NONE")
        #expect(report.passes, "\(report.text)")
        #expect(report.level == .robust)
    }

    private static func report(_ fault: String, include: String? = nil, patience: Double = 1) async throws -> ConformanceReport {
        let fixtures = try ProviderFixtures()
        let library = try fixtures.compile("Faulty", ["-DFAULT_\(fault)"])
        return try await KitRun.report(
            library, cases: "\(ProviderFixtures.folder)/faulty.conformance.json", include: include, patience: patience)
    }
}

/// The kit as `crm-host providers conformance` runs it, with the built program for its children.
enum KitRun {
    static func report(
        _ library: String, cases: String, include: String? = nil, patience: Double = 1, inProcess: Bool = false
    ) async throws -> ConformanceReport {
        let (path, file) = try ConformanceFile.find(cases, library: library)
        var run = ConformanceRun(library: library, filePath: path, file: file, seed: 7)
        run.executable = try BuiltProgram.path(of: "crm-host")
        run.patience = patience
        run.isInProcess = inProcess
        if let include { try run.include(include) }
        return await run.report { _ in }
    }
}
