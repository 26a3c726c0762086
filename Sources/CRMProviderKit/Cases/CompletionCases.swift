import CRMCore
import CRMFakeHost
import CRMPluginAPI
import Glibc

extension ConformanceCase {
    /// Every operation ends exactly once, whatever happens.
    static let completion: [ConformanceCase] = [
        once("success", "after a success") { ground, sample in
            let rig = try ground.rig()
            return (rig, [rig.start(sample)])
        },
        once("refused", "when the payload is refused") { ground, sample in
            let rig = try ground.rig()
            return (rig, [rig.start(sample, rig.call(sample, payload: Array("{".utf8)))])
        },
        once("http-error", "after an HTTP error") { ground, sample in
            let rig = try ground.rig { stage, _, _ in stage.isSession ? nil : .status(500) }
            return (rig, [rig.start(sample)])
        },
        once("transport-error", "when there is no answer", per: 8) { ground, sample, code in
            let rig = try ground.rig { stage, _, _ in stage.isSession ? nil : .failure(code) }
            return (rig, [rig.start(sample)])
        },
        once("session-error", "when the login fails") { ground, sample in
            guard !ground.file.session.isEmpty else { throw NotApplicable("the file has no session") }
            let rig = try ground.rig { stage, _, _ in stage.isSession ? .status(500) : nil }
            return (rig, [rig.start(sample)])
        },
        once("cancel-before", "when it was cancelled before it began") { ground, sample in
            let rig = try ground.rig()
            let call = rig.call(sample)
            rig.provider.cancel(call.id)
            return (rig, [rig.start(sample, call)])
        },
        once("cancel-during", "when it is cancelled") { ground, sample in
            let rig = try ground.rig { stage, _, _ in stage.isSession ? nil : .silence }
            let operation = rig.start(sample)
            rig.wait(within: 0.2) { rig.host.http.pendingCount > 0 }
            rig.provider.stop(operation.id)
            return (rig, [operation])
        },
        once("cancel-after", "when it is cancelled after its end") { ground, sample in
            let rig = try ground.rig()
            let operation = rig.start(sample)
            _ = rig.settle(operation)
            for _ in 0..<3 { rig.provider.stop(operation.id) }
            return (rig, [operation])
        },
        ConformanceCase(.completion, "concurrent", "64 operations at once end once each, with their own results", timeout: 20) { ground in
            let rig = try ground.rig(workers: .threads)
            let sample = try ground.mainSample()
            let operations = (0..<64).map { _ in rig.start(sample) }
            try expectOnce(rig, operations, sample)
            for operation in operations where operation.results.first?.status != sample.status.rawValue {
                throw CaseFailure(
                    "one of 64 operations at once ends with \(operation.results.first?.statusName ?? "nothing")\(rig.unknownRequests)")
            }
        },
        ConformanceCase(.completion, "start-returns", "start and cancel return at once") { ground in
            for sample in try ground.samples() {
                let rig = try ground.rig { stage, _, _ in stage.isSession ? nil : .silence }
                // The best of several: this machine may be busy.
                var (starting, cancelling) = (Double.infinity, Double.infinity)
                for _ in 0..<5 {
                    let begin = now()
                    let operation = rig.start(sample)
                    let between = now()
                    rig.wait(within: 0.05) { rig.host.http.pendingCount > 0 }
                    let cancel = now()
                    rig.provider.cancel(operation.id)
                    (starting, cancelling) = (min(starting, between - begin), min(cancelling, now() - cancel))
                    rig.host.http.abort(operation: operation.id)
                    _ = rig.settle(operation, within: 0.2)
                }
                guard starting < 0.005 else {
                    throw CaseFailure("start of \(sample.title) takes \(Int(starting * 1_000)) ms; 5 are allowed")
                }
                guard cancelling < 0.005 else {
                    throw CaseFailure("cancel of \(sample.title) takes \(Int(cancelling * 1_000)) ms; 5 are allowed")
                }
            }
        },
        ConformanceCase(.completion, "nothing-after", "an operation that has ended asks nothing more of the host") { ground in
            for sample in try ground.samples() {
                let rig = try ground.rig()
                _ = try rig.perform(sample)
                rig.rest(0.05)
                for violation in rig.host.violations {
                    switch violation {
                    case .operationGone(_, let service):
                        throw CaseFailure("\(sample.title) uses \(service) after it has ended, or for no operation")
                    case .size(let table, let size): throw CaseFailure("\(table) has \(size) bytes: another header than this ABI's")
                    default: continue
                    }
                }
            }
        },
    ]

    private static func once(
        _ name: String, _ situation: String,
        _ begin: @escaping @Sendable (CaseGround, Sample) throws -> (Rig, [RunningOperation])
    ) -> ConformanceCase {
        once(name, situation, per: 1) { ground, sample, _ in try begin(ground, sample) }
    }

    /// `begin` is called for every operation that the provider has, and for each number from 1 to `variants`.
    private static func once(
        _ name: String, _ situation: String, per variants: Int32,
        _ begin: @escaping @Sendable (CaseGround, Sample, Int32) throws -> (Rig, [RunningOperation])
    ) -> ConformanceCase {
        ConformanceCase(.completion, name, "an operation ends exactly once \(situation)", timeout: 20) { ground in
            for sample in try ground.samples() {
                for variant in 1...variants {
                    let (rig, operations) = try begin(ground, sample, variant)
                    try expectOnce(rig, operations, sample)
                }
            }
        }
    }

    static func expectOnce(_ rig: Rig, _ operations: [RunningOperation], _ sample: Sample) throws {
        for operation in operations {
            guard rig.settle(operation) != nil else {
                throw CaseFailure("\(sample.title) did not end within \(Rig.patience) s\(rig.unknownRequests)")
            }
        }
        rig.rest()
        for operation in operations where operation.results.count != 1 {
            throw CaseFailure("\(sample.title) ended \(operation.results.count) times")
        }
        guard RunningOperation.strayCompletionCount == 0 else { throw CaseFailure("done was called with a ctx that no operation has") }
    }
}
