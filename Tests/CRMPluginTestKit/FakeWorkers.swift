internal import CRMPluginAPI
internal import Dispatch
internal import Synchronization

/// The host's threads: `crm.executor/1`, and the place where every callback to the provider comes from.
package final class FakeWorkers: Sendable {
    private let queue = DispatchQueue(label: "fake host", attributes: .concurrent)
    private let jobs = Mutex(0)
    private let memory: Memory

    private static let mark = DispatchSpecificKey<Bool>()

    init() {
        memory = Memory()
        memory.table.pointee.ctx = Unmanaged.passUnretained(self).toOpaque()
        queue.setSpecific(key: Self.mark, value: true)
    }

    deinit { memory.table.deallocate() }

    /// Whether the calling code runs on a thread of some fake host.
    package static var isCurrent: Bool { DispatchQueue.getSpecific(key: mark) == true }

    /// How many jobs the provider has submitted.
    package var jobCount: Int { jobs.withLock { $0 } }

    var table: UnsafePointer<crm_executor_v1> { UnsafePointer(memory.table) }

    func run(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }

    private func submit(_ function: @escaping crm_job_fn, _ job: Job) {
        jobs.withLock { $0 += 1 }
        run { function(job.pointer) }
    }

    private struct Job: @unchecked Sendable {  // Belongs to the provider, which takes it on any thread.
        let pointer: UnsafeMutableRawPointer?
    }

    private struct Memory: @unchecked Sendable {  // Written once, before anybody else sees it.
        let table = UnsafeMutablePointer<crm_executor_v1>.allocate(capacity: 1)

        init() {
            table.initialize(
                to: crm_executor_v1(
                    struct_size: UInt32(MemoryLayout<crm_executor_v1>.size), reserved: 0, ctx: nil,
                    submit: { context, function, job in Context<FakeWorkers>.of(context)?.submit(function, Job(pointer: job)) }))
        }
    }
}
