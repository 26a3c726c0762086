import CRMCore
import CRMFakeHost
import CRMPluginAPI
import Glibc
import Synchronization

/// One instance with a host of its own.
///
/// The host has no threads as a rule: what it is to do is done here, on the caller's thread, so that a case sees the same order every
/// time, and every other thread is the provider's.
struct Rig {
    let host: FakeHost
    let provider: ProviderUnderTest
    let playbook: Playbook
    private let file: ConformanceFile

    /// How long an operation may take that the host answers at once.
    static let patience = 2.0

    init(
        _ ground: CaseGround, services: Set<FakeHost.Service>, workers: FakeWorkers.Mode, config: JSONObject,
        _ interference: Playbook.Interference?
    ) throws {
        let playbook = Playbook(ground.file, interference)
        host = FakeHost(services: services, workers: workers, timers: .eager) { playbook.answer($0) }
        let library = try ground.library()
        do {
            provider = try ProviderUnderTest(library.factory, host: host, config: JSONValue.object(config).serialized())
        } catch ProviderUnderTest.Failure.notCreated(let result) {
            throw CaseFailure("create refuses the file's config: \(result.map { "\($0.statusName), \($0.message)" } ?? "without a reason")")
        } catch {
            throw CaseFailure("create: \(error)")
        }
        self.playbook = playbook
        file = ground.file
    }

    func call(_ sample: Sample, payload: [UInt8]? = nil) -> FakeCall {
        var call = FakeCall(
            sample.operation.rawValue, payload: payload ?? JSONValue.object(sample.payload).serialized(),
            credentials: JSONValue.object(sample.credentials ?? file.credentials).serialized(),
            settings: JSONValue.object(sample.settings ?? file.settings).serialized())
        call.idempotencyKey = "conformance-key-0001"
        call.account = "conformance-account"
        return call
    }

    func start(_ sample: Sample, _ call: FakeCall) -> RunningOperation {
        playbook.follow(call.id, sample)
        return provider.start(call)
    }

    func start(_ sample: Sample) -> RunningOperation { start(sample, call(sample)) }

    /// Does the host's work until the operation has ended; `nil`: it does not.
    func settle(_ operation: RunningOperation, within seconds: Double = patience) -> OperationResult? {
        wait(within: seconds) { !operation.results.isEmpty }
        return operation.results.first
    }

    @discardableResult
    func wait(within seconds: Double = patience, until isDone: () -> Bool) -> Bool {
        let end = now() + seconds
        repeat {
            let work = host.workers.runAll()
            if isDone() { return true }
            if work == 0 { usleep(100) }
        } while now() < end
        return isDone()
    }

    /// Does the host's work for as long as there is any, and a moment longer: what comes late, comes.
    func rest(_ seconds: Double = 0.02) { wait(within: seconds) { false } }

    /// Answers what was left in silence, and what comes after it, until `isDone`.
    func answering(_ reply: FakeHTTP.Reply, until isDone: () -> Bool) -> Bool {
        wait {
            for request in host.http.requests { host.http.answer(request, with: reply) }
            return isDone()
        }
    }

    func perform(_ sample: Sample, _ call: FakeCall) throws -> OperationResult {
        guard let result = settle(start(sample, call)) else {
            throw CaseFailure("\(sample.title) did not end within \(Self.patience) s\(unknownRequests)")
        }
        return result
    }

    func perform(_ sample: Sample) throws -> OperationResult { try perform(sample, call(sample)) }

    var unknownRequests: String {
        let unknown = playbook.unknown
        guard let first = unknown.first else { return "" }
        return "; the conformance file has no answer to \(first)\(unknown.count > 1 ? " and \(unknown.count - 1) more" : "")"
    }

    /// Closes the instance; how long that took, or `nil` when it never said so.
    func close(within seconds: Double = 10) -> Double? {
        final class Closed: Sendable {
            let count = Atomic(0)
        }
        // Kept for ever: a second "closed" may come at any time.
        let closed = Unmanaged.passRetained(Closed())
        let start = now()
        let instance = provider.instance.pointee
        instance.close(instance.`self`, closed.toOpaque()) { context in
            if let context { Unmanaged<Closed>.fromOpaque(context).takeUnretainedValue().count.add(1, ordering: .relaxed) }
        }
        let isClosed = wait(within: seconds) { closed.takeUnretainedValue().count.load(ordering: .relaxed) > 0 }
        return isClosed ? now() - start : nil
    }
}

/// Seconds of a clock that nobody sets.
func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

extension OperationResult {
    var statusName: String { ProviderStatus(rawValue: status)?.name ?? "status \(status)" }
    /// No payload says as much as an empty object.
    var json: JSONValue { payloadBytes.isEmpty ? [:] : (try? JSONValue(parsing: payloadBytes)) ?? .null }
    var isRetryable: Bool { flags & CRM_RESULT_RETRYABLE != 0 }
    var isAmbiguous: Bool { flags & CRM_RESULT_AMBIGUOUS != 0 }

    /// A batch that is OK as a whole, and all of whose items ended like this.
    func hasOnlyItems(of statuses: Set<ProviderStatus>) -> Bool {
        guard status == ProviderStatus.ok.rawValue, let items = json["items"]?.arrayValue, !items.isEmpty else { return false }
        return items.allSatisfy { item in
            item["status"]?.intValue.flatMap { ProviderStatus(rawValue: Int32(truncatingIfNeeded: $0)) }.map(statuses.contains) ?? false
        }
    }
}
