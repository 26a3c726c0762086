import CRMFakeHost
import CRMPluginAPI

/// One operation of a library, from `start` to `done`, with an HTTP service that answers at once.
struct OperationBench {
    enum Failure: Error {
        case didNotEnd(String)
        case failed(String, Int32, String)
    }

    let library: LoadedLibrary
    let scenario: Scenario
    let event: String

    /// Nanoseconds for each operation.
    func measure(runs: Int, operations: Int) throws -> Measurement {
        let host = LoopHost(scenario.answers)
        let provider = try library.create(host.table, config: scenario.config)
        let call = FakeCall(CRM_OP_SEND_EVENT, payload: Array(event.utf8), credentials: Array(scenario.credentials.utf8))
        var failure: Failure?
        func repeatOperation(_ count: Int) -> Double {
            var time = 0.0
            call.lend { request in
                // Nothing of this belongs to one operation in particular but its number.
                var request = request.pointee
                let start = Clock.computed
                for _ in 0..<count {
                    request.op_id += 1
                    if !host.run(provider, &request) { failure = .didNotEnd(library.type) }
                    if host.lastStatus != CRM_STATUS_OK { failure = .failed(library.type, host.lastStatus, host.lastCode) }
                }
                time = (Clock.computed - start) / Double(count)
            }
            return time
        }
        _ = repeatOperation(max(100, operations / 10))
        let result = Measurement(runs: runs) { repeatOperation(operations) }
        if let failure { throw failure }
        return result
    }

    /// What any call has to pay: the payload copied in and out through a pointer to a function that does nothing else.
    static func baseline(_ event: String, runs: Int) -> Measurement {
        let payload = Array(event.utf8)
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: payload.count, alignment: 8)
        defer { copy.deallocate() }
        let calls = 1_000_000
        return Measurement(runs: runs) {
            payload.withUnsafeBytes { payload in
                let function = emptyCall
                let start = Clock.computed
                for _ in 0..<calls { function(copy.baseAddress, payload.baseAddress, payload.count) }
                return (Clock.computed - start) / Double(calls)
            }
        }
    }

    nonisolated(unsafe) private static var emptyCall: @convention(c) (UnsafeMutableRawPointer?, UnsafeRawPointer?, Int) -> Void = {
        target, source, count in
        guard let target, let source else { return }
        target.copyMemory(from: source, byteCount: count)
    }
}
