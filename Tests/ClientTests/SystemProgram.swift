import Foundation
import Glibc

/// A program of the system, started by a test and ended with the value. Its output goes to a file: whoever prints much is not held up.
final class SystemProgram {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let process = Process()
    private let name: String
    private let outputFile: URL

    /// `path` may be a name to be found on the usual paths. `environment` is put over the test's own.
    init(_ path: String, _ arguments: [String], environment: [String: String] = [:], in directory: URL) throws {
        name = path
        outputFile = directory.appending(path: "output-\(UUID().uuidString)")
        guard FileManager.default.createFile(atPath: outputFile.path, contents: nil) else {
            throw Failure(description: "Cannot write to \(directory.path).")
        }
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [path] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = directory
        process.standardInput = FileHandle.nullDevice
        let output = try FileHandle(forWritingTo: outputFile)
        process.standardOutput = output
        process.standardError = output
        try process.run()
    }

    deinit {
        // Not SIGTERM: a program inherits the signals that the starting thread blocks, and threads of tests block it.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// What it printed, to either stream.
    var output: String { (try? String(contentsOf: outputFile, encoding: .utf8)) ?? "" }

    /// Its output, once it has ended well.
    func finish(within deadline: Duration = .seconds(60)) async throws -> String {
        let limit = ContinuousClock.now + deadline
        while process.isRunning {
            guard ContinuousClock.now < limit else { throw failure("did not end within \(deadline)") }
            try await Task.sleep(for: .milliseconds(10))
        }
        guard process.terminationStatus == 0 else { throw failure("ended with status \(process.terminationStatus)") }
        return output
    }

    /// What follows `mark` in the first whole line that has it.
    func line(after mark: String, within deadline: Duration = .seconds(30)) async throws -> String {
        let limit = ContinuousClock.now + deadline
        while true {
            let isRunning = process.isRunning
            let text = output
            for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
                if let range = line.range(of: mark) { return String(line[range.upperBound...]) }
            }
            guard isRunning else { throw failure("ended without saying \"\(mark)\"") }
            guard ContinuousClock.now < limit else { throw failure("did not say \"\(mark)\" within \(deadline)") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func failure(_ what: String) -> Failure { Failure(description: "\(name) \(what). It printed:\n\(output.suffix(6_000))") }
}
