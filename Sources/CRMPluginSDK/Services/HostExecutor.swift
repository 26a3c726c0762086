internal import CRMPluginAPI

/// Runs a provider's tasks on the host's threads. A self-contained library would otherwise start a pool of its own.
final class HostExecutor: TaskExecutor {
    private let service: HostTable<crm_executor_v1>

    init(_ service: HostTable<crm_executor_v1>) { self.service = service }

    func enqueue(_ job: consuming ExecutorJob) {
        let queued = QueuedJob(UnownedJob(job), on: self)
        let executor = service.table
        executor.submit(
            executor.ctx,
            { pointer in
                guard let pointer else { return }
                Unmanaged<QueuedJob>.fromOpaque(pointer).takeRetainedValue().run()
            }, Unmanaged.passRetained(queued).toOpaque())
    }
}

private final class QueuedJob {
    private let job: UnownedJob
    private let executor: HostExecutor

    init(_ job: UnownedJob, on executor: HostExecutor) {
        self.job = job
        self.executor = executor
    }

    func run() { job.runSynchronously(on: executor.asUnownedTaskExecutor()) }
}
