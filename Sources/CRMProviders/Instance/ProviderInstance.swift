import CRMCore
import CRMPluginAPI
import CRMTransport
import Logging

/// A provider in service: one library with one operator's configuration, and the operations that run in it.
final class ProviderInstance: @unchecked Sendable {
    let description: ProviderDescription
    private let host: InstanceHost
    private let gate: ConcurrencyGate
    /// The library's, good until `close` has completed; its functions may be called from any thread.
    private let provider: UnsafePointer<crm_provider_v1>

    /// How long a cancelled operation may take to end before its caller is answered without it.
    static let cancellationGrace = Duration.seconds(2)
    /// How long `close` may take.
    static let closingGrace = Duration.seconds(10)
    /// So many operations given up and still owed mean that the provider does not work.
    static let maximumAbandoned = 16

    init(description: ProviderDescription, host: InstanceHost, provider: UnsafePointer<crm_provider_v1>, concurrency: Int) {
        self.description = description
        self.host = host
        self.provider = provider
        gate = ConcurrencyGate(width: concurrency, timers: host.threads.timers)
    }

    /// Keeps the instance open for one `perform`; false once it is retired.
    func acquire() -> Bool { host.update { $0.acquire() } }

    func release() { host.update { $0.release() } }

    /// Runs one operation, under a lease. There is always an outcome.
    @concurrent
    func perform(_ request: ProviderRequest) async -> ProviderOutcome {
        let start = ContinuousClock.now
        let deadline = monotonicNanoseconds() + request.timeout.wholeNanoseconds
        var outcome: ProviderOutcome
        if host.read({ $0.abandoned }) > Self.maximumAbandoned {
            outcome = .stuck
        } else if await gate.enter(deadline: deadline) {
            outcome = await run(request, deadline: deadline)
            gate.leave()
        } else {
            outcome = .busy
        }
        outcome.providerVersion = description.version
        outcome.duration = start.duration(to: .now)
        return outcome
    }

    private func run(_ request: ProviderRequest, deadline: Int64) async -> ProviderOutcome {
        if Task.isCancelled { return .ended(by: .caller, mayHaveWritten: false) }
        let id = host.makeOperationID()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<ProviderOutcome, Never>) in
                let operation = OperationLedger.Operation(
                    isWrite: request.operation.isWrite, deadline: deadline, traceparent: request.traceparent,
                    cacheScope: CacheScope(account: request.account, credentials: request.credentials)
                ) { continuation.resume(returning: $0) }
                host.update { $0.begin(id, operation) }
                let timer = host.threads.timers.after(nanoseconds: deadline - monotonicNanoseconds()) { [weak self] in
                    self?.cancel(id, .deadline)
                }
                host.update { $0.setDeadlineTimer(id, timer) }
                start(id, request, deadline: deadline)
                // A cancellation that came while `start` ran may have found nothing in the provider.
                if host.read({ $0.isCancelled(id) }) { provider.pointee.cancel(provider.pointee.`self`, id) }
                // The handler below may have run before there was anything to cancel.
                if Task.isCancelled { cancel(id, .caller) }
            }
        } onCancel: {
            cancel(id, .caller)
        }
    }

    private func start(_ id: UInt64, _ request: ProviderRequest, deadline: Int64) {
        var loan = Loan()
        let key = loan.add(request.idempotencyKey)
        let account = loan.add(request.account)
        let settings = loan.add(JSONValue.object(request.settings).serialized())
        let payload = loan.add(request.payload.serialized())
        let traceparent = loan.add(request.traceparent ?? "")
        var flags: UInt32 = 0
        if request.dryRun { flags |= UInt32(CRM_REQUEST_DRY_RUN) }
        if request.lookBeforeWrite { flags |= UInt32(CRM_REQUEST_LOOK_BEFORE_WRITE) }

        // The credentials stay out of the loan: their copy is wiped after the call.
        request.credentials.withBytes { credentials in
            credentials.withUnsafeBufferPointer { credentials in
                loan.withPointers { pointers in
                    var message = crm_request_v1(
                        struct_size: UInt32(MemoryLayout<crm_request_v1>.size), op: request.operation.rawValue, op_id: id,
                        deadline_ns: deadline, attempt: UInt32(clamping: max(1, request.attempt)), flags: flags,
                        idempotency_key: pointers.string(key), account: pointers.string(account),
                        credentials_json: crm_bytes(ptr: credentials.baseAddress, len: credentials.count),
                        settings_json: pointers.bytes(settings), payload_json: pointers.bytes(payload),
                        traceparent: pointers.string(traceparent))
                    provider.pointee.start(provider.pointee.`self`, &message, disguised(id)) { context, result in
                        ProviderInstance.completed(context, result)
                    }
                }
            }
        }
    }

    private static func completed(_ context: UnsafeMutableRawPointer?, _ result: UnsafePointer<crm_result_v1>) {
        let id = UInt64(UInt(bitPattern: context))
        guard let host = InstanceDirectory.instance(ofOperation: id) else { return }
        let (outcome, fault) = ProviderOutcome.read(result)
        if let fault { host.conduct.count(.wrongResult, ["op_id": "\(id)", "fault": "\(fault)"]) }
        host.complete(id, outcome)
    }

    /// Asks the provider to end the operation, ends its HTTP calls, and answers its caller when that does not help.
    private func cancel(_ id: UInt64, _ reason: OperationLedger.CancelReason) {
        guard let operation = host.update({ $0.cancel(id, reason) }) else { return }
        for request in operation.requests { host.transport.cancel(request) }
        if operation.usesCache { host.cache.cancel(operation: id) }
        host.threads.timers.after(nanoseconds: Self.cancellationGrace.wholeNanoseconds) { [weak self] in self?.abandon(id) }
        // On a worker, since this thread may be the timers'. `cancel` in the ledger has pinned the instance.
        host.threads.workers.submit { [self] in
            provider.pointee.cancel(provider.pointee.`self`, id)
            host.update { $0.release() }
        }
    }

    private func abandon(_ id: UInt64) {
        guard let (operation, reason) = host.update({ $0.abandon(id) }) else { return }
        host.conduct.addAbandoned(1)
        if operation.usesCache { host.cache.end(operation: id) }
        host.logger.error("the provider did not end a cancelled operation; its caller was answered", metadata: ["op_id": "\(id)"])
        var outcome = ProviderOutcome.ended(by: reason, mayHaveWritten: operation.mayHaveWritten)
        outcome.httpStatus = operation.lastHTTPStatus
        operation.answer(outcome)
    }

    // MARK: The end

    /// Takes no more operations, lets those in flight end, and closes. False: the provider did not let go, and stays where it is.
    func retire(drainTimeout: Duration) async -> Bool {
        host.update { $0.retire() }
        if await !becomesIdle(within: drainTimeout) {
            let left = host.read { Array($0.operations.keys) }
            host.logger.warning(
                "operations are cancelled, since they hold up the end of their provider", metadata: ["count": "\(left.count)"])
            for id in left { cancel(id, .drain) }
            guard await becomesIdle(within: Self.cancellationGrace + .seconds(1)) else { return false }
        }
        return await close()
    }

    private func becomesIdle(within span: Duration) async -> Bool {
        await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
            let answer = FirstAnswer(continuation)
            host.update { $0.addIdleWaiter { answer.give(true) } }
            host.threads.timers.after(nanoseconds: span.wholeNanoseconds) { answer.give(false) }
        }
    }

    private func close() async -> Bool {
        await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
            let answer = FirstAnswer(continuation)
            host.onClosed { answer.give(true) }
            host.threads.timers.after(nanoseconds: Self.closingGrace.wholeNanoseconds) { answer.give(false) }
            host.threads.workers.submit { [self] in
                provider.pointee.close(provider.pointee.`self`, disguised(host.number)) { InstanceDirectory.instance($0)?.closed() }
            }
        }
    }
}

extension ProviderOperation {
    var isWrite: Bool {
        switch self {
        case .createOrUpdateContact, .sendEvent, .batch: true
        case .validateCredentials, .getContact: false
        }
    }
}

extension Duration {
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
