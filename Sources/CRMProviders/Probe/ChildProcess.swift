import CRMTransport
import Glibc

/// A program that runs alone for a limited time: no environment, none of our files, a process group of its own.
struct ChildProcess {
    enum Ending: Equatable {
        case exited(Int32)
        case signalled(Int32)
        case tooLate
    }

    let ending: Ending
    let output: [UInt8]
    let errors: [UInt8]

    /// Each stream is cut there; a child that goes on writing is not held up.
    private static let maximumOutput = 4 << 20

    /// A child that wants the processor and does not get it is given more time, up to here; its own limit on processor time holds.
    private static let longestWait: Int64 = 60_000_000_000

    /// Blocks until it has ended, or was ended.
    init(_ executable: String, _ arguments: [String], timeout: Duration) throws(LibraryError) {
        var streams: [(read: Int32, write: Int32)] = []
        defer { for stream in streams { close(stream.read) } }
        for _ in 0..<2 {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw LibraryError(.probeAvailable, "pipe: \(systemMessage())") }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            streams.append((ends[0], ends[1]))
        }
        let writers = streams.map(\.write)
        let started = Self.spawn([executable] + arguments, output: writers[0], errors: writers[1])
        for writer in writers { close(writer) }
        guard case .success(let child) = started else {
            throw LibraryError(.probeAvailable, "\(executable) cannot be started: \(systemMessage(started.failureCode))")
        }

        let start = monotonicNanoseconds()
        let mayGoOn = {
            let now = monotonicNanoseconds()
            return now < start + timeout.wholeNanoseconds || (now < start + Self.longestWait && Self.isHeldUp(child))
        }
        let (texts, isComplete) = Self.read(streams.map(\.read), while: mayGoOn)
        var status: Int32 = 0
        var waited: pid_t = 0
        while isComplete, waited == 0, mayGoOn() {
            waited = waitpid(child, &status, WNOHANG)
            if waited == 0 { usleep(500) }
        }
        // Also when it has ended: what it has started may not stay.
        kill(-child, SIGKILL)
        if waited != child {
            while waitpid(child, &status, 0) < 0 && errno == EINTR {}
            ending = .tooLate
        } else {
            ending = status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
        }
        (output, errors) = (texts[0], texts[1])
    }

    fileprivate struct Refused: Error { let code: Int32 }

    private static func spawn(_ words: [String], output: Int32, errors: Int32) -> Result<pid_t, Refused> {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        guard let closeFrom, closeFrom(&actions, 3) == 0 else { return .failure(Refused(code: ENOSYS)) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Our threads block all signals and the process ignores some; the child inherits neither.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))

        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var child = pid_t()
        let code = posix_spawn(&child, words[0], &actions, &attributes, &arguments, &environment)
        return code == 0 ? .success(child) : .failure(Refused(code: code))
    }

    /// Closes all descriptors from a number on; glibc has it since 2.34, and Swift's view of its headers has not.
    private static let closeFrom = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map {
        unsafeBitCast($0, to: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32).self)
    }

    /// One of its threads waits for a processor or a disk: it is the machine that is slow.
    private static func isHeldUp(_ child: pid_t) -> Bool {
        fileNames(in: "/proc/\(child)/task").contains { thread in
            guard let file = fopen("/proc/\(child)/task/\(thread)/stat", "re") else { return false }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 512)
            guard fgets(&line, Int32(line.count), file) != nil else { return false }
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            // "4711 (name) R ..."
            let state = text.lastIndex(of: ")").map { text[text.index(after: $0)...].drop { $0 == " " }.first }
            return state == "R" || state == "D"
        }
    }

    /// What came on each stream, and whether all have ended in time.
    private static func read(_ streams: [Int32], while mayGoOn: () -> Bool) -> (texts: [[UInt8]], isComplete: Bool) {
        var texts = [[UInt8]](repeating: [], count: streams.count)
        var open = Set(streams.indices)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !open.isEmpty {
            guard mayGoOn() else { return (texts, false) }
            let order = open.sorted()
            var watched = order.map { pollfd(fd: streams[$0], events: Int16(POLLIN), revents: 0) }
            guard poll(&watched, nfds_t(watched.count), 50) > 0 else { continue }
            for (place, stream) in order.enumerated() where watched[place].revents != 0 {
                let count = Glibc.read(streams[stream], &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    open.remove(stream)
                    continue
                }
                texts[stream] += buffer[..<min(count, maximumOutput - texts[stream].count)]
            }
        }
        return (texts, true)
    }
}

extension Result {
    fileprivate var failureCode: Int32 { if case .failure(let refused as ChildProcess.Refused) = self { refused.code } else { 0 } }
}
