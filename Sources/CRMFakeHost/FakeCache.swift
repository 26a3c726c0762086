internal import CRMPluginAPI
internal import Synchronization

/// `crm.cache/1` with all of its promises: one makes and the others wait, tickets are good once, and an operation's end takes them back.
package final class FakeCache: Sendable {
    /// Whose entries an operation sees.
    struct Owner: Hashable {
        let account: String
        let credentials: [UInt8]
    }

    private struct Name: Hashable {
        let owner: Owner
        let key: String
    }

    private struct Waiter: @unchecked Sendable {  // `user` belongs to the provider, which takes it on any thread.
        let operation: UInt64
        let user: UnsafeMutableRawPointer?
        let answer: crm_cache_answer_fn
    }

    private struct Answer: Sendable {
        let waiter: Waiter
        var outcome: Int32
        var ticket: UInt64 = 0
        var value: [UInt8] = []
    }

    private struct Duty {
        let operation: UInt64
        /// `nil` when nobody else is to wait for the value, which is not kept either.
        let name: Name?
    }

    private struct State {
        var entries: [Name: (value: [UInt8], expires: Int64)] = [:]
        /// Who waits for a value that is being made.
        var waiting: [Name: [Waiter]] = [:]
        var duties: [UInt64: Duty] = [:]
        var lastTicket: UInt64 = 0
        var puts = 0
    }

    private let state = Mutex(State())
    private let workers: FakeWorkers
    private let timer: FakeTimer

    init(_ workers: FakeWorkers, _ timer: FakeTimer) {
        self.workers = workers
        self.timer = timer
    }

    /// How many values were made.
    package var putCount: Int { state.withLock { $0.puts } }
    /// How many operations wait for somebody else's value.
    package var waitingCount: Int { state.withLock { $0.waiting.values.reduce(0) { $0 + $1.count } } }
    /// How many values are being made.
    package var ticketCount: Int { state.withLock { $0.duties.count } }

    /// `owner` is `nil` when there is no such operation any more.
    func acquire(
        _ operation: UInt64, of owner: Owner?, _ key: String, flags: UInt32, _ user: UnsafeMutableRawPointer?,
        _ answer: @escaping crm_cache_answer_fn
    ) {
        let waiter = Waiter(operation: operation, user: user, answer: answer)
        let now = timer.monotonic
        guard let owner else { return deliver([Answer(waiter: waiter, outcome: CRM_CACHE_CANCELLED)]) }
        let name = Name(owner: owner, key: key)
        let isKept = key.utf8.count <= Int(CRM_CACHE_MAX_KEY)
        let outcome: Answer? = state.withLock { state in
            if isKept, let entry = state.entries[name], entry.expires > now {
                return Answer(waiter: waiter, outcome: CRM_CACHE_FOUND, value: entry.value)
            }
            if flags & CRM_CACHE_ONLY_LOOK != 0 { return Answer(waiter: waiter, outcome: CRM_CACHE_MISS) }
            if isKept, state.waiting[name] != nil {
                state.waiting[name]?.append(waiter)
                return nil
            }
            return Self.duty(of: waiter, for: isKept ? name : nil, &state)
        }
        if let outcome { deliver([outcome]) }
    }

    func put(_ ticket: UInt64, _ value: [UInt8], milliseconds: Int64) {
        let now = timer.monotonic
        let (lifetime, isEndless) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        let (expires, isTooLate) = now.addingReportingOverflow(lifetime)
        deliver(
            state.withLock { state in
                guard let name = state.duties.removeValue(forKey: ticket)?.name else { return [] }
                state.puts += 1
                if milliseconds > 0, value.count <= Int(CRM_CACHE_MAX_VALUE) {
                    state.entries[name] = (value, isEndless || isTooLate ? .max : expires)
                }
                let waiting = state.waiting.removeValue(forKey: name) ?? []
                return waiting.map { Answer(waiter: $0, outcome: CRM_CACHE_FOUND, value: value) }
            })
    }

    func giveUp(_ ticket: UInt64) {
        deliver(state.withLock { Self.giveUp(ticket, &$0) })
    }

    func remove(_ owner: Owner?, _ key: String, stale: [UInt8]) {
        guard let owner else { return }
        let name = Name(owner: owner, key: key)
        state.withLock { state in if state.entries[name]?.value == stale { state.entries[name] = nil } }
    }

    /// What a host does by itself when an operation ends or is cancelled.
    package func end(operation: UInt64) {
        deliver(
            state.withLock { state in
                var answers: [Answer] = []
                for (name, waiters) in state.waiting {
                    answers += waiters.filter { $0.operation == operation }.map { Answer(waiter: $0, outcome: CRM_CACHE_CANCELLED) }
                    state.waiting[name] = waiters.filter { $0.operation != operation }
                }
                for ticket in state.duties.filter({ $0.value.operation == operation }).keys { answers += Self.giveUp(ticket, &state) }
                return answers
            })
    }

    private static func duty(of waiter: Waiter, for name: Name?, _ state: inout State) -> Answer {
        state.lastTicket += 1
        state.duties[state.lastTicket] = Duty(operation: waiter.operation, name: name)
        if let name, state.waiting[name] == nil { state.waiting[name] = [] }
        return Answer(waiter: waiter, outcome: CRM_CACHE_MAKE, ticket: state.lastTicket)
    }

    private static func giveUp(_ ticket: UInt64, _ state: inout State) -> [Answer] {
        guard let name = state.duties.removeValue(forKey: ticket)?.name else { return [] }
        guard let next = state.waiting[name]?.first else {
            state.waiting[name] = nil
            return []
        }
        state.waiting[name]?.removeFirst()
        return [duty(of: next, for: name, &state)]
    }

    private func deliver(_ answers: [Answer]) {
        for answer in answers {
            workers.run {
                LentMemory.lend([answer.value]) { memory in
                    answer.waiter.answer(answer.waiter.user, answer.outcome, answer.ticket, memory.bytes(answer.value))
                }
            }
        }
    }
}
