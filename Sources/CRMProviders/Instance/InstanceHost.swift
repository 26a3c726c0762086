import CRMCore
import CRMPluginAPI
import CRMTransport
import Logging
import Synchronization

/// The host's side of one instance: what the provider may call, and the ledger of what it owes.
final class InstanceHost: Sendable {
    let number: UInt64
    let crmType: CRMType
    let transport: HTTPTransport
    let threads: HostThreads
    let cache: SessionCache
    let metrics: ProviderMetrics
    let conduct: ProviderConduct
    let logger: Logger
    private let ledger = Mutex(OperationLedger())
    private let lastSequence = Atomic<UInt64>(0)
    private let whenClosed = Mutex<(@Sendable () -> Void)?>(nil)
    let tables: HostTables

    init(_ crmType: CRMType, transport: HTTPTransport, services: SharedServices, logger: Logger) {
        number = InstanceDirectory.makeNumber()
        self.crmType = crmType
        self.transport = transport
        threads = services.threads
        cache = services.cache
        metrics = services.metrics
        conduct = services.conducts.conduct(of: crmType, logger: logger)
        self.logger = logger
        tables = HostTables(context: disguised(number))
        InstanceDirectory.add(self)
    }

    /// After this nothing calls the provider any more, and nothing that it calls finds anybody.
    func end() {
        update { $0.close() }
        InstanceDirectory.remove(number)
        threads.timers.cancelAll(owner: number)
        cache.end { InstanceDirectory.instance(number, owns: $0) }
        transport.shutdown()
    }

    func makeOperationID() -> UInt64 {
        InstanceDirectory.operationID(instance: number, sequence: lastSequence.add(1, ordering: .relaxed).newValue)
    }

    // MARK: The ledger

    func read<Result: Sendable>(_ body: (borrowing OperationLedger) -> Result) -> Result { ledger.withLock { body($0) } }

    /// Changes the ledger, then tells those who wait for it to be empty.
    func update<Result: Sendable>(_ change: (inout OperationLedger) -> Result) -> Result {
        let (result, waiters) = ledger.withLock { ledger in (change(&ledger), ledger.takeIdleWaiters()) }
        for waiter in waiters { waiter() }
        return result
    }

    /// A call into the provider during which it must not be closed. When it has been closed already, the call is not made.
    func withPin(_ call: () -> Void) {
        guard update({ $0.pin() }) else { return }
        call()
        update { $0.release() }
    }

    func complete(_ id: UInt64, _ outcome: ProviderOutcome) {
        switch update({ $0.complete(id) }) {
        case .answer(let operation):
            if let timer = operation.deadlineTimer { threads.timers.cancel(timer) }
            for request in operation.requests { transport.cancel(request) }
            if operation.usesCache { cache.end(operation: id) }
            operation.answer(outcome.completed(operation))
        case .late:
            conduct.addAbandoned(-1)
            conduct.count(.completedLate, ["op_id": "\(id)"])
        case .stray:
            InstanceDirectory.countStray()
            conduct.count(.completedTwice, ["op_id": "\(id)"])
        }
    }

    // MARK: Closing

    func onClosed(_ action: @escaping @Sendable () -> Void) { whenClosed.withLock { $0 = action } }

    /// From here on the provider's memory is gone: nobody may call it any more, not even before those who wait have heard of it.
    func closed() {
        end()
        whenClosed.withLock { $0.take() }?()
    }
}
