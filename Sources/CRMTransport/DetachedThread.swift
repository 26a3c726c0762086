// The first header that declares `pthread_attr_t` to the compiler owns it, and here that is libcurl's.
import CCurl
import Glibc

/// Threads of our own, for work that blocks and so has no place on Swift's few.
package enum DetachedThread {
    /// The system refused a thread.
    package struct Refused: Error, CustomStringConvertible {
        let code: Int32
        package var description: String { "the system gave no thread (error \(code))" }
    }

    /// Runs `body` on a new thread. All signals are blocked there: they belong to the main thread, and a peer that hangs up must not
    /// raise SIGPIPE inside a library.
    package static func start(stackBytes: Int = 1 << 20, _ body: @escaping @Sendable () -> Void) throws(Refused) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, stackBytes)

        let work = Unmanaged.passRetained(Work(body))
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }

        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, work.toOpaque())
        guard code == 0 else {
            work.release()
            throw Refused(code: code)
        }
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
