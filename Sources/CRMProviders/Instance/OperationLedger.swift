import CRMCore

/// Which operations of one instance are in flight, and who holds the instance open.
///
/// It decides; the caller acts, after it has let go of the lock. An operation goes
/// running → (cancelling) → completed, or cancelling → abandoned → completed late.
struct OperationLedger {
    enum CancelReason: Sendable { case caller, deadline, drain }

    enum Phase: Sendable {
        case running
        case cancelling(CancelReason)
        /// Its caller was answered; the provider still owes a completion.
        case abandoned
    }

    struct Operation: Sendable {
        let isWrite: Bool
        let deadline: Int64
        let traceparent: String?
        let cacheScope: CacheScope
        let answer: @Sendable (ProviderOutcome) -> Void
        var phase = Phase.running
        /// The HTTP calls that are under way for it.
        var requests: Set<UInt64> = []
        var hasSentRequests = false
        var lastHTTPStatus: Int?
        var deadlineTimer: UInt64?
        /// It asked for an entry, so that its end has to be told.
        var usesCache = false

        init(
            isWrite: Bool, deadline: Int64, traceparent: String?, cacheScope: CacheScope,
            answer: @escaping @Sendable (ProviderOutcome) -> Void
        ) {
            self.isWrite = isWrite
            self.deadline = deadline
            self.traceparent = traceparent
            self.cacheScope = cacheScope
            self.answer = answer
        }

        var mayHaveWritten: Bool { isWrite && hasSentRequests }
    }

    enum Completion {
        case answer(Operation)
        /// The caller has been answered long ago.
        case late
        /// Completed before, or never started.
        case stray
    }

    enum Admission {
        case granted(deadline: Int64, traceparent: String?)
        case cancelled
        case unknownOperation
    }

    private(set) var operations: [UInt64: Operation] = [:]
    private(set) var leases = 0
    private(set) var isRetired = false
    private var isClosed = false
    private(set) var abandoned = 0
    private var idleWaiters: [@Sendable () -> Void] = []

    var isIdle: Bool { leases == 0 && operations.isEmpty }

    // MARK: Leases

    /// False once the instance is retired.
    mutating func acquire() -> Bool {
        if isRetired { return false }
        leases += 1
        return true
    }

    /// For a call into the provider that is already owed: it keeps the instance open, retired or not. False once it is closed.
    mutating func pin() -> Bool {
        if isClosed { return false }
        leases += 1
        return true
    }

    mutating func release() { leases -= 1 }

    mutating func retire() { isRetired = true }

    mutating func close() { isClosed = true }

    /// The waiters, once there is nothing to wait for.
    mutating func takeIdleWaiters() -> [@Sendable () -> Void] {
        guard isIdle else { return [] }
        defer { idleWaiters = [] }
        return idleWaiters
    }

    mutating func addIdleWaiter(_ waiter: @escaping @Sendable () -> Void) { idleWaiters.append(waiter) }

    // MARK: Operations

    mutating func begin(_ id: UInt64, _ operation: Operation) { operations[id] = operation }

    mutating func setDeadlineTimer(_ id: UInt64, _ timer: UInt64) { operations[id]?.deadlineTimer = timer }

    /// The operation, whose HTTP calls are to be given up; `nil`: there is nothing to cancel any more. With a result the instance is
    /// pinned for the call of `cancel` that follows.
    mutating func cancel(_ id: UInt64, _ reason: CancelReason) -> Operation? {
        guard case .running = operations[id]?.phase, pin() else { return nil }
        operations[id]?.phase = .cancelling(reason)
        return operations[id]
    }

    /// In flight, and asked to end.
    func isCancelled(_ id: UInt64) -> Bool {
        switch operations[id]?.phase {
        case .cancelling, .abandoned: true
        case .running, nil: false
        }
    }

    mutating func abandon(_ id: UInt64) -> (operation: Operation, reason: CancelReason)? {
        guard let operation = operations[id], case .cancelling(let reason) = operation.phase else { return nil }
        operations[id]?.phase = .abandoned
        abandoned += 1
        return (operation, reason)
    }

    mutating func complete(_ id: UInt64) -> Completion {
        guard let operation = operations.removeValue(forKey: id) else { return .stray }
        if case .abandoned = operation.phase {
            abandoned -= 1
            return .late
        }
        return .answer(operation)
    }

    /// Whose entries it finds; `nil`: it is not there, or was asked to end.
    mutating func useCache(_ id: UInt64) -> CacheScope? {
        guard case .running = operations[id]?.phase else { return nil }
        operations[id]?.usesCache = true
        return operations[id]?.cacheScope
    }

    // MARK: HTTP calls

    mutating func admit(request: UInt64, of id: UInt64) -> Admission {
        guard let operation = operations[id] else { return .unknownOperation }
        guard case .running = operation.phase else { return .cancelled }
        operations[id]?.requests.insert(request)
        operations[id]?.hasSentRequests = true
        return .granted(deadline: operation.deadline, traceparent: operation.traceparent)
    }

    mutating func ended(request: UInt64, of id: UInt64, status: Int?) {
        operations[id]?.requests.remove(request)
        if let status { operations[id]?.lastHTTPStatus = status }
    }
}
