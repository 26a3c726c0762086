import ArgumentParser
import CRMCore
import CRMProviderKit
import Glibc

struct ProvidersConformance: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conformance", abstract: "Runs the conformance kit over a library: every case in a process of its own.",
        discussion: """
            The CRM is played by a fake host, from a file that the provider's author writes: conformance.json, beside the library or in a
            directory above it. No network is needed. Levels: loads (library, lifecycle), correct (and operations, completion, http), robust
            (all).

            A crash, an exit and a hang are failures of their case, with the reason. To debug one: --include ID --in-process.

            Exit codes: 0 every case passed or does not apply, 1 a case failed, 64 wrong usage or a conformance file that cannot be used.
            """)

    @Argument(help: "The library.", transform: libraryPath)
    var library: String

    @Option(help: "The conformance file, when it is elsewhere.")
    var cases: String?

    @Option(help: "A regular expression: only cases with an id in which it is found.")
    var include: String?

    @Option(name: [.long, .customLong("reproduce")], help: "The seed of the random cases, as a failed run prints it.")
    var seed: UInt64?

    @Option(help: "Writes the report for build servers.")
    var junit: String?

    @Option(help: "Writes the report as JSON.")
    var json: String?

    @Flag(help: "Prints the table for a README.")
    var markdown = false

    @Flag(help: "Prints the ids of the cases, and runs none.")
    var list = false

    @Flag(help: "All cases in this process: the way into a debugger. A crash ends everything.")
    var inProcess = false

    /// The child's side: one case.
    @Option(name: .customLong("case"), help: .hidden)
    var childCase: String?

    func run() async throws {
        do {
            let (path, file) = try ConformanceFile.find(cases, library: library)
            let seed = seed ?? .random(in: 1...999_999)
            if let childCase {
                throw ExitCode(await ConformanceRun.runCase(childCase, library: library, file: file, seed: seed))
            }
            var run = ConformanceRun(library: library, filePath: path, file: file, seed: seed)
            run.isInProcess = inProcess
            if let include { try run.include(include) }
            if list {
                for one in run.cases { print("\(one.id)  \(one.title)") }
                return
            }
            let progress = TerminalProgress(total: run.cases.count)
            let report = await run.report { progress.show($0) }
            progress.clear()
            print(markdown ? report.markdown : report.text)
            try write(report)
            guard report.passes else { throw ExitCode.failure }
        } catch let error as ConformanceFileError {
            complain(error.description)
            throw ExitCode(64)
        }
    }

    private func write(_ report: ConformanceReport) throws {
        let files = [(junit, report.junit), (json, report.json.indented + "\n")]
        for case (let path?, let text) in files {
            guard let reason = SmallFile.write(Array(text.utf8), to: path) else { continue }
            complain("\(path) cannot be written: \(reason)")
            throw ExitCode.failure
        }
    }
}

/// One line that tells how far the kit has come, where somebody sits and looks.
private final class TerminalProgress {
    private let total: Int
    private var done = 0
    private let isShown = isatty(STDERR_FILENO) == 1

    init(total: Int) { self.total = total }

    func show(_ row: ConformanceReport.Row) {
        done += 1
        write("\r\u{1B}[K\(min(done, total))/\(total) \(row.id)")
    }

    func clear() { write("\r\u{1B}[K") }

    private func write(_ text: String) {
        guard isShown else { return }
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
