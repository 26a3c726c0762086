internal import CRMPluginAPI
internal import Dispatch
internal import Glibc
internal import Synchronization

/// The host's threads: `crm.executor/1`, and the place where every callback to the provider comes from.
package final class FakeWorkers: Sendable {
    package enum Mode: Sendable {
        /// Several threads, as in a real host.
        case threads
        /// None: what is to be done waits for `runAll`, which does it in order, on the caller's thread.
        case virtual
    }

    private let mode: Mode
    private let queue = DispatchQueue(label: "fake host", attributes: .concurrent)
    private let waiting = Mutex<[@Sendable () -> Void]>([])
    private let submitted = Atomic(0)

    init(_ mode: Mode) { self.mode = mode }

    /// Whether the calling code runs on a thread of some fake host.
    package static var isCurrent: Bool { ThreadMark.isSet }

    /// How many jobs the provider has submitted.
    package var jobCount: Int { submitted.load(ordering: .relaxed) }

    /// Runs what waits, and what that adds, until nothing waits any more. Only for `Mode.virtual`.
    ///
    /// - Returns: How many jobs that were.
    @discardableResult package func runAll() -> Int {
        var count = 0
        while true {
            let batch = waiting.withLock { jobs in
                defer { jobs.removeAll(keepingCapacity: true) }
                return jobs
            }
            guard !batch.isEmpty else { return count }
            for job in batch { ThreadMark.set(during: job) }
            count += batch.count
        }
    }

    func run(_ work: @escaping @Sendable () -> Void) {
        switch mode {
        case .threads: queue.async { ThreadMark.set(during: work) }
        case .virtual: waiting.withLock { $0.append(work) }
        }
    }

    func submit(_ function: @escaping crm_job_fn, _ job: UnsafeMutableRawPointer?) {
        submitted.add(1, ordering: .relaxed)
        let job = Job(pointer: job)
        run { function(job.pointer) }
    }

    private struct Job: @unchecked Sendable {  // Belongs to the provider, which takes it on any thread.
        let pointer: UnsafeMutableRawPointer?
    }
}

/// Marks the thread that runs a job.
private enum ThreadMark {
    private static let key = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    static var isSet: Bool { pthread_getspecific(key) != nil }

    static func set(during work: () -> Void) {
        pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1))
        work()
        pthread_setspecific(key, nil)
    }
}
