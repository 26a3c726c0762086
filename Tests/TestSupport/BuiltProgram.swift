package import Glibc
import Synchronization

/// A program of this package, started by a test as its users start it, and ended with the value.
///
/// Its output goes to files, so that a program that prints much is never held up by a test that does not read.
package final class BuiltProgram: Sendable {
    /// How a program ended.
    package enum Ending: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let pid: pid_t
    private let name: String
    private let outputFile: String
    private let errorFile: String
    private let ending = Mutex<Ending?>(nil)

    /// `environment` is put over `PATH`, `HOME` and `LANG`, and over nothing else of the test's own.
    package convenience init(
        _ name: String, arguments: [String] = [], environment: [String: String] = [:], workingDirectory: String? = nil
    ) throws {
        try self.init(path: Self.path(of: name), arguments: arguments, environment: environment, workingDirectory: workingDirectory)
    }

    /// Any other program, under the same care.
    package init(path: String, arguments: [String] = [], environment: [String: String] = [:], workingDirectory: String? = nil) throws {
        name = path.split(separator: "/").last.map(String.init) ?? path
        outputFile = try Self.temporaryFile()
        errorFile = try Self.temporaryFile()
        pid = try Self.spawn(
            path, arguments, environment: Self.basicEnvironment.merging(environment) { $1 }, workingDirectory: workingDirectory,
            output: outputFile, errors: errorFile)
    }

    deinit {
        // Asking first: `kill` after the process was waited for could hit another one with its number.
        if check() == nil {
            kill(pid, SIGKILL)
            _ = wait(options: 0)
        }
        unlink(outputFile)
        unlink(errorFile)
    }

    /// The built file: in `CRM_BIN_DIR`, or beside the running tests.
    package static func path(of name: String) throws -> String {
        let directory = try getenv("CRM_BIN_DIR").map { String(cString: $0) } ?? ownDirectory()
        let path = "\(directory)/\(name)"
        guard access(path, X_OK) == 0 else {
            throw Failure(
                description:
                    "\(path) is not there. Build it (swift build -c release --product \(name)) and set CRM_BIN_DIR, or run ./dev test.")
        }
        return path
    }

    /// Everything printed so far.
    package var output: String { Self.read(outputFile) }
    package var errorOutput: String { Self.read(errorFile) }

    /// The first whole line of the output that begins with `prefix`.
    package func line(startingWith prefix: String, within deadline: Duration = .seconds(30)) async throws -> String {
        let limit = ContinuousClock.now + deadline
        while true {
            // Asked before reading: what a program printed before it ended counts.
            let ended = check()
            if let line = wholeLines.first(where: { $0.hasPrefix(prefix) }) { return String(line) }
            if let ended { throw failure("ended (\(ended)) without a line starting with \"\(prefix)\"") }
            guard ContinuousClock.now < limit else { throw failure("printed no line starting with \"\(prefix)\" within \(deadline)") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    package func send(_ signal: Int32) throws {
        guard check() == nil, kill(pid, signal) == 0 else { throw failure("cannot be sent signal \(signal): it has ended") }
    }

    package func waitForEnd(within deadline: Duration = .seconds(30)) async throws -> Ending {
        let limit = ContinuousClock.now + deadline
        while true {
            if let ended = check() { return ended }
            guard ContinuousClock.now < limit else { throw failure("did not end within \(deadline)") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Asks it to end, and waits.
    @discardableResult
    package func stop(_ signal: Int32 = SIGTERM) async throws -> Ending {
        if check() == nil { kill(pid, signal) }
        return try await waitForEnd()
    }

    /// How it ended; `nil` while it runs.
    package var currentEnding: Ending? { check() }

    private func check() -> Ending? { wait(options: WNOHANG) }

    private func wait(options: Int32) -> Ending? {
        ending.withLock { ending in
            if let ending { return ending }
            var status: Int32 = 0
            var waited: pid_t
            repeat { waited = waitpid(pid, &status, options) } while waited < 0 && errno == EINTR
            guard waited == pid else { return nil }
            let signal = status & 0x7F
            ending = signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal)
            return ending
        }
    }

    private var wholeLines: [Substring] {
        let text = output
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.dropLast()
    }

    private func failure(_ what: String) -> Failure {
        Failure(description: "\(name) \(what). It printed: \(output.suffix(2_000)) \(errorOutput.suffix(4_000))")
    }
}

extension BuiltProgram {
    private static var basicEnvironment: [String: String] {
        var environment: [String: String] = [:]
        for name in ["PATH", "HOME", "LANG"] {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        return environment
    }

    private static func ownDirectory() throws -> String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        guard readlink("/proc/self/exe", &path, Int(PATH_MAX)) > 0 else { throw Failure(description: "Cannot read /proc/self/exe.") }
        let text = String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    }

    private static func temporaryFile() throws -> String {
        var template = Array("/tmp/crm-test-output.XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Failure(description: "Cannot make a file in /tmp.") }
        close(descriptor)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += buffer[..<count]
        }
    }

    private static func spawn(
        _ path: String, _ arguments: [String], environment: [String: String], workingDirectory: String?, output: String, errors: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_APPEND, 0)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, O_WRONLY | O_APPEND, 0)
        // `env -C` changes the directory and becomes the program, under the same process id.
        let words = (workingDirectory.map { ["/usr/bin/env", "-C", $0] } ?? []) + [path] + arguments
        var pid = pid_t()
        let result = withCStrings(words) { arguments in
            withCStrings(environment.map { "\($0)=\($1)" }) { posix_spawn(&pid, words[0], &actions, nil, arguments, $0) }
        }
        guard result == 0 else { throw Failure(description: "Cannot start \(path): \(String(cString: strerror(result))).") }
        return pid
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = texts.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { preconditionFailure("the array holds at least its end") }
            return body(start)
        }
    }
}
