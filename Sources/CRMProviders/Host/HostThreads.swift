import CRMTransport

/// The threads that all providers of the process share; they live as long as it does, since code of a provider is never unloaded.
struct HostThreads: Sendable {
    let workers: WorkerThreads
    let timers: TimerThread
    let loader: LoaderThread

    static func shared() throws(DetachedThread.Refused) -> HostThreads { try started.get() }

    private static let started: Result<HostThreads, DetachedThread.Refused> = {
        do throws(DetachedThread.Refused) {
            return .success(HostThreads(workers: try WorkerThreads(), timers: try TimerThread(), loader: try LoaderThread()))
        } catch {
            return .failure(error)
        }
    }()
}
