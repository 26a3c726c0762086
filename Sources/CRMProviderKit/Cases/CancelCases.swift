import CRMCore
import CRMFakeHost
import CRMPluginAPI

extension ConformanceCase {
    /// Ends that the host asks for.
    static let cancel: [ConformanceCase] = [
        ConformanceCase(.cancel, "prompt", "a cancelled operation ends within 250 ms, as cancelled") { ground in
            var cancelled = 0
            for sample in try ground.samples() {
                let rig = try ground.rig { stage, _, _ in stage.isSession ? nil : .silence }
                let operation = rig.start(sample)
                guard rig.wait(until: { rig.host.http.pendingCount > 0 || !operation.results.isEmpty }), operation.results.isEmpty else {
                    continue
                }
                cancelled += 1
                let start = now()
                rig.provider.stop(operation.id)
                guard let result = rig.settle(operation) else { throw CaseFailure("\(sample.title) does not end after cancel") }
                let milliseconds = Int((now() - start) * 1_000)
                guard milliseconds < 250 else { throw CaseFailure("\(sample.title) ends \(milliseconds) ms after cancel; 250 are allowed") }
                guard result.status == CRM_STATUS_CANCELLED || result.hasOnlyItems(of: [.cancelled]) else {
                    throw CaseFailure("\(sample.title) ends with \(result.statusName) instead of cancelled")
                }
            }
            guard cancelled > 0 else { throw NotApplicable("no operation makes a request that could be cancelled") }
        },
        ConformanceCase(.cancel, "unknown", "cancelling what there is not does nothing") { ground in
            let sample = try ground.mainSample()
            let rig = try ground.rig()
            for id: UInt64 in [0, 0xDEAD_BEEF, .max] { rig.provider.cancel(id) }
            let operation = rig.start(sample)
            for id: UInt64 in [0, 0xDEAD_BEEF, .max] { rig.provider.cancel(id) }
            guard rig.settle(operation)?.status == sample.status.rawValue else {
                throw CaseFailure("\(sample.title) suffers from the cancelling of an unknown operation")
            }
        },
        ConformanceCase(.cancel, "other", "cancelling one operation leaves the others alone") { ground in
            let sample = try ground.mainSample()
            let rig = try ground.rig { stage, _, _ in stage.isSession ? nil : .silence }
            let operations = (0..<3).map { _ in rig.start(sample) }
            // Three, or fewer where they wait for one another.
            rig.wait(within: 0.5) { rig.host.http.pendingCount == 3 }
            guard rig.host.http.pendingCount > 0 else { throw NotApplicable("\(sample.title) makes no request that could be cancelled") }
            rig.provider.stop(operations[1].id)
            _ = rig.settle(operations[1])
            rig.rest()
            guard operations[0].results.isEmpty, operations[2].results.isEmpty else {
                throw CaseFailure("cancelling one operation ended another one of the same account")
            }
            let others = [operations[0], operations[2]]
            let haveEnded = rig.answering(.failure(CRM_HTTP_ERROR_RESET)) { others.allSatisfy { !$0.results.isEmpty } }
            for operation in others {
                guard haveEnded, let result = operation.results.first else {
                    throw CaseFailure("an operation beside a cancelled one never ends")
                }
                guard result.status != CRM_STATUS_CANCELLED else {
                    throw CaseFailure("an operation beside a cancelled one ends as cancelled")
                }
            }
        },
        ConformanceCase(.cancel, "storm", "many cancels for many operations from several threads", timeout: 20) { ground in
            let sample = try ground.mainSample()
            let rig = try ground.rig(workers: .threads) { stage, _, _ in stage.isSession ? nil : .silence }
            let operations = (0..<64).map { _ in rig.start(sample) }
            let ids = operations.map(\.id)
            let (provider, host) = (rig.provider, rig.host)
            _ = try TwoThreads.run(4) { for id in ids + ids.reversed() { provider.cancel(id) } }
            // Requests that begin after their operation was cancelled are the host's to end as well.
            let isOver = rig.wait(within: 5) {
                for id in ids {
                    host.http.abort(operation: id)
                    host.cache.end(operation: id)
                }
                return operations.allSatisfy { !$0.results.isEmpty }
            }
            guard isOver else {
                throw CaseFailure("\(operations.count { $0.results.isEmpty }) of 64 cancelled operations have not ended after 5 s")
            }
            rig.rest()
            guard operations.allSatisfy({ $0.results.count == 1 }) else { throw CaseFailure("a cancelled operation ended more than once") }
        },
    ]
}
