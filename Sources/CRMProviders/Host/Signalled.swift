import Glibc

/// State behind a lock, with threads that sleep until it changes: for threads of our own only, never for Swift's.
final class Signalled<State>: @unchecked Sendable {
    enum Step<Result> {
        case done(Result)
        /// Look again after a change, or at this moment of CLOCK_MONOTONIC.
        case sleep(untilNanoseconds: Int64?)
    }

    private var state: State
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init(_ state: State) {
        self.state = state
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Changes the state and wakes one sleeper.
    func update<Result>(_ change: (inout State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_signal(condition)
            pthread_mutex_unlock(mutex)
        }
        return change(&state)
    }

    func wait<Result>(_ step: (inout State) -> Step<Result>) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            switch step(&state) {
            case .done(let result): return result
            case .sleep(nil): pthread_cond_wait(condition, mutex)
            case .sleep(let moment?):
                var time = timespec(tv_sec: Int(moment / 1_000_000_000), tv_nsec: Int(moment % 1_000_000_000))
                pthread_cond_timedwait(condition, mutex, &time)
            }
        }
    }
}

/// First in, first out, without moving what is left.
struct JobQueue<Job> {
    private var jobs: [Job?] = []
    private var head = 0

    var count: Int { jobs.count - head }

    mutating func append(_ job: Job) { jobs.append(job) }

    mutating func popFirst() -> Job? {
        guard head < jobs.count else { return nil }
        let job = jobs[head]
        jobs[head] = nil
        head += 1
        if head == jobs.count || head > 1_024 {
            jobs.removeFirst(head)
            head = 0
        }
        return job
    }
}

/// CLOCK_MONOTONIC in nanoseconds, the clock of deadlines that cross the ABI.
func monotonicNanoseconds() -> Int64 { clockNanoseconds(CLOCK_MONOTONIC) }

func clockNanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
