import CRMTransport

/// The thread on which libraries are read, loaded and made ready: their constructors run here, and may take their time.
final class LoaderThread: SerialExecutor {
    private let queue = Signalled(JobQueue<UnownedJob>())

    init() throws(DetachedThread.Refused) {
        // Constructors of unknown code: the usual size of a main thread's stack.
        try DetachedThread.start(stackBytes: 8 << 20) { [self] in
            while true {
                let job = queue.wait { jobs in jobs.popFirst().map { .done($0) } ?? .sleep(untilNanoseconds: nil) }
                job.runSynchronously(on: asUnownedSerialExecutor())
            }
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.update { $0.append(job) }
    }
}
