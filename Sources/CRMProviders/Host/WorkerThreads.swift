import CRMTransport
import Glibc

/// The few threads on which providers' jobs run: as many as there are processors, shared by all.
final class WorkerThreads: Sendable {
    typealias Job = @Sendable () -> Void

    private let queue = Signalled(JobQueue<Job>())

    init() throws(DetachedThread.Refused) {
        // A provider's job may hold a thread a little longer than it should: one more than a single one is always there.
        for _ in 0..<max(2, sysconf(Int32(_SC_NPROCESSORS_ONLN))) {
            try DetachedThread.start { [queue] in
                while true { queue.wait { jobs in jobs.popFirst().map { .done($0) } ?? .sleep(untilNanoseconds: nil) }() }
            }
        }
    }

    func submit(_ job: @escaping Job) { queue.update { $0.append(job) } }
}
