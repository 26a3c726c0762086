import CRMTransport
import Glibc
import Synchronization

private final class Results<Value: Sendable>: Sendable {
    let values = Mutex<[Value]>([])
}

/// The same work on two threads at once.
enum TwoThreads {
    static func run<Value: Sendable>(_ count: Int = 2, _ work: @escaping @Sendable () -> Value) throws -> [Value] {
        let results = Results<Value>()
        for _ in 0..<count { try DetachedThread.start { results.values.withLock { $0.append(work()) } } }
        let end = now() + 5
        while results.values.withLock({ $0.count }) < count {
            guard now() < end else { throw CaseFailure("a call on another thread did not return within 5 s") }
            usleep(200)
        }
        // A thread that has handed in its result may still be there for a moment.
        usleep(2_000)
        return results.values.withLock { $0 }
    }
}
