package import CRMPluginSDK

extension KlaviyoProvider {
    /// Klaviyo takes 10,000 profiles; as many as an operation can wait for.
    static let largestImport = 500
    static let largestEventBatch = 1_000

    /// In bulk what Klaviyo takes in bulk, and by single calls what it refuses there: those tell what is wrong with which item.
    package func batch(_ items: [BatchItem], _ context: OperationContext) async throws -> BatchResult {
        var run = BatchRun(items)
        try await sendEvents(&run, context)
        try await importContacts(&run, context)
        try await writeSingly(run.singles, &run, context)
        return try run.result()
    }
}

/// Parts of a batch that go on without each other: each spends a budget or needs scopes of its own.
enum BatchPart: CaseIterable, Hashable {
    case bulk, contacts, consent, events

    /// Of an item that is written by single calls.
    init(_ item: BatchItem) {
        switch item.kind {
        case .contact: self = .contacts
        case .event: self = .events
        }
    }
}

/// The items of a batch and what became of them so far.
struct BatchRun {
    let items: [BatchItem]
    private(set) var outcomes: [BatchResult.Outcome?]
    /// What is left for single calls, in the order of the batch.
    private(set) var singles: [Int] = []
    var job: JSONValue?
    private var stops: [BatchPart: CRMError] = [:]

    init(_ items: [BatchItem]) {
        self.items = items
        outcomes = Array(repeating: nil, count: items.count)
    }

    mutating func finish(_ index: Int, _ outcome: BatchResult.Outcome) { outcomes[index] = outcome }

    mutating func fail(_ indices: some Sequence<Int>, _ error: CRMError) {
        for index in indices { outcomes[index] = .failure(error) }
    }

    mutating func leaveToSingleCalls(_ indices: some Sequence<Int>) { singles = (singles + indices).sorted() }

    /// What an error of one part of the batch keeps from being sent: all of it, the same part, or nothing.
    mutating func stop(_ part: BatchPart, after error: CRMError) {
        if error.stopsEverything {
            for part in BatchPart.allCases where stops[part] == nil { stops[part] = error }
        } else if error.stopsItsKind, stops[part] == nil {
            stops[part] = error
        }
    }

    func stop(of part: BatchPart) -> CRMError? { stops[part]?.forTheUnsent }

    /// What ended every item the same way ended the batch, unless there is a job whose handle would be lost.
    func result() throws -> BatchResult {
        let outcomes = outcomes.map { $0 ?? .failure(.unfinished) }
        let errors = outcomes.compactMap { if case .failure(let error, _) = $0 { error } else { nil } }
        if job == nil, let first = errors.first, first.stopsEverything || first.stopsItsKind || first.status == .upstream,
            errors.count == items.count,
            errors.allSatisfy({ $0.status == first.status && $0.code == first.code })
        {
            throw first
        }
        return BatchResult(items: outcomes, job: job)
    }
}

extension CRMError {
    /// Nothing was sent for the item.
    static let unfinished = CRMError(
        .deadlineExceeded, code: "klaviyo.batch_unfinished", message: "there was no time left for this item of the batch",
        flags: .retryable)

    /// The same for an item that was not sent because of another one.
    var forTheUnsent: CRMError {
        var error = self
        error.flags.remove(.ambiguous)
        error.details["remote_id"] = nil
        return error
    }
}

extension KlaviyoProvider {
    private static let concurrency = 8
    /// What a call needs at least; below it another one is not begun.
    private static let reserve = Duration.milliseconds(500)

    private func writeSingly(_ indices: [Int], _ run: inout BatchRun, _ context: OperationContext) async throws {
        let items = run.items
        try await withThrowingTaskGroup(of: (Int, BatchResult.Outcome).self) { group in
            var waiting = indices[...]
            var underWay = 0
            while true {
                while underWay < Self.concurrency, let index = waiting.popFirst() {
                    let part = BatchPart(items[index])
                    if let remaining = context.remaining, remaining < Self.reserve { run.stop(part, after: .unfinished) }
                    if let stop = run.stop(of: part) {
                        run.fail([index], stop)
                        continue
                    }
                    let consentStop = run.stop(of: .consent)
                    underWay += 1
                    group.addTask { (index, try await write(items[index], consentStop: consentStop, context)) }
                }
                guard let (index, outcome) = try await group.next() else { break }
                underWay -= 1
                run.finish(index, outcome)
                if case .failure(let error, _) = outcome {
                    run.stop(error.isAboutConsent ? .consent : BatchPart(items[index]), after: error)
                }
            }
        }
    }

    private func write(
        _ item: BatchItem, consentStop: CRMError?, _ context: OperationContext
    ) async throws -> BatchResult.Outcome {
        do {
            switch item.kind {
            case .contact(let contact):
                let (written, warnings) = try await write(contact, consentStop: consentStop, context)
                return .success(remoteID: written.remoteID, warnings: warnings)
            case .event(let event):
                return .success(remoteID: nil, warnings: try await write(event, key: item.idempotencyKey, context))
            }
        } catch let error as CRMError {
            return .failure(error)
        }
    }
}

/// Elements of a bulk request with the items that they stand for, cut where Klaviyo's limit of 5 MB is near.
struct BulkChunk {
    private(set) var indices: [Int] = []
    private(set) var elements: [JSONValue] = []
    private var bytes = 0

    /// Some room for what is around the elements.
    private static let byteLimit = 4_900_000

    static func cut(_ elements: [(index: Int, element: JSONValue)]) -> [BulkChunk] {
        var chunks: [BulkChunk] = []
        for (index, element) in elements {
            let size = element.serialized().count + 1
            if chunks.isEmpty || chunks[chunks.count - 1].bytes + size > byteLimit { chunks.append(BulkChunk()) }
            chunks[chunks.count - 1].append(index, element, size)
        }
        return chunks
    }

    private mutating func append(_ index: Int, _ element: JSONValue, _ size: Int) {
        indices.append(index)
        elements.append(element)
        bytes += size
    }

    /// The items that pointers below `prefix` name, such as `/data/attributes/profiles/data/17/attributes/email`.
    func items(named pointers: [String], below prefix: String) -> Set<Int> {
        Set(
            pointers.compactMap { pointer in
                guard pointer.hasPrefix(prefix + "/") else { return nil }
                let number = pointer.dropFirst(prefix.count + 1).prefix { $0 != "/" }
                return Int(number).flatMap { indices.indices.contains($0) ? indices[$0] : nil }
            })
    }

    func without(_ named: Set<Int>) -> BulkChunk {
        var rest = BulkChunk()
        for (index, element) in zip(indices, elements) where !named.contains(index) { rest.append(index, element, 0) }
        return rest
    }
}
