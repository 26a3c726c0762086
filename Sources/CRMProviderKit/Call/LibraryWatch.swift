import Glibc

/// A call again and again, after each change of the library.
///
/// Each time in a new process: a library that is loaded already would not be loaded again, and one that crashes should not end the watch.
package struct LibraryWatch {
    private let library: String
    private let executable: String

    package init(_ library: String, executable: String = "/proc/self/exe") {
        self.library = library
        self.executable = executable
    }

    package struct Refusal: Error, CustomStringConvertible {
        package let description: String
    }

    /// Runs the program with `arguments`, and again whenever the library has changed; comes back when `isOver`.
    package func run(_ arguments: [String], isOver: () -> Bool = { false }) throws(Refusal) {
        var watch = FileWatch(library)
        while true {
            switch try end(of: arguments) {
            case .signalled(let signal): print("The library crashed: signal \(signal), \(String(cString: strsignal(signal))).")
            case .exited: break
            }
            print("\nWaiting for another \(library) …")
            fflush(nil)
            watch.waitForChange(isOver: isOver)
            if isOver() { return }
        }
    }

    private enum Ending {
        case exited
        case signalled(Int32)
    }

    private func end(of arguments: [String]) throws(Refusal) -> Ending {
        var words = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid = pid_t()
        let code = posix_spawn(&pid, executable, nil, nil, &words, environ)
        guard code == 0 else { throw Refusal(description: "\(executable) cannot be started: \(String(cString: strerror(code)))") }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        return status & 0x7F == 0 ? .exited : .signalled(status & 0x7F)
    }
}
