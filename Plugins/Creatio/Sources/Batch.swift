internal import CRMPluginSDK
internal import Synchronization

/// Calls of many conversations that travel together: each conversation goes on as if it were alone, and once all of them wait for an
/// answer their calls leave as one `$batch`.
final class Gathering: Sendable {
    private struct State {
        /// Conversations that have not ended.
        var active: Int
        var waiting: [Passenger] = []

        /// The calls that leave now: all conversations wait, and so nobody can add another one.
        mutating func departing() -> [Passenger] {
            guard waiting.count == active else { return [] }
            defer { waiting = [] }
            // In the order of the items, not of their luck with the threads.
            return waiting.sorted { $0.item < $1.item }
        }
    }

    private let connection: Connection
    private let state: Mutex<State>

    init(_ connection: Connection, count: Int) {
        self.connection = connection
        state = Mutex(State(active: count))
    }

    func outcomes(of items: [BatchItem], _ settings: Settings, _ context: OperationContext) async throws -> [BatchResult.Outcome] {
        let outcomes = await withTaskGroup(of: (Int, BatchResult.Outcome).self) { group in
            for (index, item) in items.enumerated() {
                group.addTask {
                    let outcome = await Conversation(Seat(self, item: index), settings, context).outcome(of: item)
                    await self.end()
                    return (index, outcome)
                }
            }
            return await group.reduce(into: [Int: BatchResult.Outcome]()) { $0[$1.0] = $1.1 }
        }
        try Task.checkCancellation()
        return items.indices.compactMap { outcomes[$0] }
    }

    private func end() async {
        await send(
            state.withLock { state in
                state.active -= 1
                return state.departing()
            })
    }
}

extension Gathering {
    /// The place of one item.
    private struct Seat: Line {
        private let gathering: Gathering
        private let item: Int

        init(_ gathering: Gathering, item: Int) {
            self.gathering = gathering
            self.item = item
        }

        func answer(to call: Call) async throws -> Answer { try await gathering.answer(to: Passenger(call, item: item)) }
    }

    private func answer(to passenger: Passenger) async throws -> Answer {
        // Whoever comes last sends for all; its own answer is among those that it brings.
        await send(
            state.withLock { state in
                state.waiting.append(passenger)
                return state.departing()
            })
        return try await passenger.answer()
    }

    private func send(_ departing: [Passenger]) async {
        var rest = departing[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(Limits.batch))
            rest = rest.dropFirst(Limits.batch)
            for (passenger, result) in zip(part, await results(of: part.map(\.call))) { passenger.bring(result) }
        }
    }
}

/// One call on its way, and whoever waits for its answer.
private final class Passenger: Sendable {
    typealias Arrival = Result<Answer, any Error>

    private enum State {
        case travelling
        case awaited(CheckedContinuation<Arrival, Never>)
        case arrived(Arrival)
    }

    let call: Call
    let item: Int
    private let state = Mutex(State.travelling)

    init(_ call: Call, item: Int) {
        self.call = call
        self.item = item
    }

    func bring(_ arrival: Arrival) {
        let waiting: CheckedContinuation<Arrival, Never>? = state.withLock { state in
            defer { state = .arrived(arrival) }
            if case .awaited(let continuation) = state { return continuation }
            return nil
        }
        waiting?.resume(returning: arrival)
    }

    func answer() async throws -> Answer {
        let arrival = await withCheckedContinuation { continuation in
            let arrival: Arrival? = state.withLock { state in
                if case .arrived(let arrival) = state { return arrival }
                state = .awaited(continuation)
                return nil
            }
            if let arrival { continuation.resume(returning: arrival) }
        }
        return try arrival.get()
    }
}

// MARK: - One batch

extension Gathering {
    private func results(of calls: [Call]) async -> [Passenger.Arrival] {
        var results = await attempt(calls)
        // A session may end between two parts of one batch: those that came too late have done nothing, and go once more.
        let late = results.indices.filter { (try? results[$0].get()).map(connection.asksForLogin) == true }
        guard !late.isEmpty else { return results }
        let again: [Passenger.Arrival]
        do {
            try await connection.renew(isForbidden: late.contains { (try? results[$0].get())?.status == 403 })
            again = await attempt(late.map { calls[$0] })
        } catch {
            again = late.map { _ in .failure(error) }
        }
        for (index, result) in zip(late, again) { results[index] = result }
        return results
    }

    private func attempt(_ calls: [Call]) async -> [Passenger.Arrival] {
        if calls.count == 1 { return await oneByOne(calls) }
        if isTimeUp { return calls.map { _ in .failure(CRMError.unfinished) } }
        let batch = Call.batch(calls.enumerated().map { $1.part(String($0)) })
        do {
            let answer = try await connection.answer(to: batch)
            if let parts = answer.result(of: batch)?.arrayValue { return arrivals(of: calls, in: parts) }
            // Sites before 7.16.1 take no batches.
            if [404, 405, 501].contains(answer.status) { return await oneByOne(calls) }
            return calls.map { .failure(CRMError(answer, $0, connection.context)) }
        } catch {
            return calls.map { .failure(error.asOf($0)) }
        }
    }

    /// An answer that comes after the deadline is lost, and with it what became of the other items.
    private var isTimeUp: Bool { connection.context.remaining.map { $0 < Limits.reserve } ?? false }

    private func oneByOne(_ calls: [Call]) async -> [Passenger.Arrival] {
        var results: [Passenger.Arrival] = []
        for call in calls {
            if isTimeUp {
                results.append(.failure(CRMError.unfinished))
                continue
            }
            do {
                results.append(.success(try await connection.answer(to: call)))
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    /// By their ids: a site may answer in any order, and may leave parts out.
    private func arrivals(of calls: [Call], in parts: [JSONValue]) -> [Passenger.Arrival] {
        var byID: [String: JSONValue] = [:]
        for part in parts {
            guard let id = part["id"]?.stringValue ?? (part["id"]?.intValue).map(String.init), byID[id] == nil else { continue }
            byID[id] = part
        }
        let secrets = connection.secrets
        return calls.enumerated().map { index, call in
            guard let answer = byID[String(index)].flatMap({ Answer(part: $0, hiding: secrets) }) else {
                return .failure(CRMError.missingPart.asOf(call))
            }
            return .success(answer)
        }
    }
}

extension Conversation {
    fileprivate func outcome(of item: BatchItem) async -> BatchResult.Outcome {
        do {
            switch item.kind {
            case .contact(let contact): return .success(remoteID: try await createOrUpdate(contact).remoteID, warnings: warnings)
            case .event(let event):
                return .success(remoteID: try await send(event, key: item.idempotencyKey).remoteID, warnings: warnings)
            }
        } catch let error as CRMError {
            return .failure(error, warnings: warnings)
        } catch {
            return .failure(
                CRMError(.cancelled, code: "cancelled", message: "stopped because the host asked for it", flags: .retryable),
                warnings: warnings)
        }
    }
}

extension CRMError {
    fileprivate static let unfinished = CRMError(
        .deadlineExceeded, code: "creatio.batch_unfinished", message: "there was no time left for this item of the batch",
        flags: .retryable)
    fileprivate static let missingPart = CRMError(
        .upstream, code: "creatio.missing_part", message: "Creatio's answer to the batch leaves this item out",
        flags: [.retryable, .ambiguous])
}

extension Error {
    /// What befell a batch, as it befell one of its parts: a part that reads has written nothing.
    fileprivate func asOf(_ call: Call) -> any Error {
        guard var error = self as? CRMError, !call.writes else { return self }
        error.flags.remove(.ambiguous)
        return error
    }
}
