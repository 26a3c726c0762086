import CLinux
import Glibc

/// A process that runs one case. It inherits no environment and no files but the one for its verdict.
final class CaseProcess {
    /// Where the child finds the file for its verdict.
    static let reportDescriptor: Int32 = 3

    /// How the child learns after how many seconds it ends by itself.
    private static let limitVariable = "CRM_CONFORMANCE_SECONDS"

    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    private let pid: pid_t
    private let report: Int32
    private let output: Int32
    private let started = now()
    private let timeout: Double

    private init(pid: pid_t, report: Int32, output: Int32, timeout: Double) {
        (self.pid, self.report, self.output, self.timeout) = (pid, report, output, timeout)
    }

    deinit {
        close(report)
        close(output)
    }

    static func start(_ executable: String, _ arguments: [String], timeout: Double) -> Result<CaseProcess, Refusal> {
        let (report, output) = (emptyFile(), emptyFile())
        guard report >= 0, output >= 0 else {
            return .failure(Refusal(description: "no temporary file: \(String(cString: strerror(errno)))"))
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
        posix_spawn_file_actions_adddup2(&actions, report, reportDescriptor)
        posix_spawn_file_actions_addclosefrom_np(&actions, reportDescriptor + 1)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))

        var words = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        // The runtime's report of a crash takes seconds, and the signal says enough.
        let limit = "\(limitVariable)=\(Int(timeout.rounded(.up)) + 10)"
        var environment = [strdup("SWIFT_BACKTRACE=enable=no"), strdup(limit), nil]
        defer { for text in environment { free(text) } }
        var pid = pid_t()
        let code = posix_spawn(&pid, executable, &actions, &attributes, &words, &environment)
        guard code == 0 else {
            return .failure(Refusal(description: "\(executable) cannot be started: \(String(cString: strerror(code)))"))
        }
        return .success(CaseProcess(pid: pid, report: report, output: output, timeout: timeout))
    }

    /// `nil` while it runs and may run.
    func verdict() -> CaseVerdict? {
        var status: Int32 = 0
        var waited: pid_t
        repeat { waited = waitpid(pid, &status, WNOHANG) } while waited < 0 && errno == EINTR
        let seconds = now() - started
        if waited == 0 {
            guard seconds > timeout else { return nil }
            kill(-pid, SIGKILL)
            while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
            return CaseVerdict(.failed, "hung: no verdict within \(Int(timeout)) s", seconds: seconds)
        }
        // What it has started may not stay.
        kill(-pid, SIGKILL)
        if let verdict = CaseVerdict(Self.contents(report)) { return verdict }
        let signal = status & 0x7F
        let reason =
            signal != 0
            ? "crashed: signal \(signal), \(String(cString: strsignal(signal)))"
            : "the process ended by itself with exit code \(status >> 8 & 0xFF)"
        let words = String(decoding: Self.contents(output).suffix(2_000), as: UTF8.self).split(whereSeparator: \.isNewline).last ?? ""
        return CaseVerdict(.failed, words.isEmpty ? reason : "\(reason); it printed: \(words.prefix(200))", seconds: seconds)
    }

    /// In the child: it ends with its parent, and in any case some seconds after its time.
    static func limitThisProcess() {
        _ = crm_end_with_parent()
        guard let text = getenv(limitVariable), let seconds = UInt32(String(cString: text)) else { return }
        alarm(seconds)
        // A case looks at the environment as the provider sees it.
        unsetenv(limitVariable)
    }

    /// A file without a name.
    private static func emptyFile() -> Int32 {
        var template = Array("/tmp/crm-conformance.XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { return -1 }
        unlink(template)
        // Not for the other cases' processes.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    private static func contents(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < 1 << 20 {
            let count = pread(descriptor, &buffer, buffer.count, off_t(bytes.count))
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }
}
