package import CRMPluginSDK

extension SalesforceProvider {
    package func batch(_ items: [BatchItem], _ context: OperationContext) async throws -> BatchResult {
        let connection = try Connection(self, context)
        var run = BatchRun(connection, count: items.count)
        var contacts: [(Int, Contact)] = []
        var events: [(Int, Event, String)] = []
        for (index, item) in items.enumerated() {
            switch item.kind {
            case .contact(let contact): contacts.append((index, contact))
            case .event(let event): events.append((index, event, item.idempotencyKey))
            }
        }
        do {
            // Contacts first: an event of the same batch may be about one of them.
            if !contacts.isEmpty { try await run.write(contacts) }
            if !events.isEmpty { try await run.send(events) }
        } catch let error as CRMError where error.status != .cancelled {
            // What ends the calls ends the rest of the batch; what is written is written.
            guard run.hasOutcomes else { throw error }
            run.fail(error)
        }
        return BatchResult(items: run.result)
    }
}

/// One batch on its way: what is known of each item so far.
struct BatchRun {
    private let connection: Connection
    private var outcomes: [BatchResult.Outcome?]
    /// What a call may take that begins late.
    private let reserve: Duration

    init(_ connection: Connection, count: Int) {
        self.connection = connection
        reserve = min(.seconds(2), (connection.context.remaining ?? .zero) / 4)
        outcomes = Array(repeating: nil, count: count)
    }

    var hasOutcomes: Bool { outcomes.contains { $0 != nil } }

    /// Every item has an outcome by now; one that was forgotten would not be a success.
    var result: [BatchResult.Outcome] {
        outcomes.map { $0 ?? .failure(CRMError(.internal, code: "salesforce.no_outcome", message: "the item was not handled")) }
    }

    mutating func fail(_ error: CRMError) {
        // These were not sent: what may have become of another item is not theirs.
        var error = error
        error.flags.remove(.ambiguous)
        for index in outcomes.indices where outcomes[index] == nil { outcomes[index] = .failure(error) }
    }

    /// Leaves the host time to take the answer: what a batch has done would be lost with it.
    private func expectTime() throws(CRMError) {
        if let remaining = connection.context.remaining, remaining < reserve {
            throw CRMError(
                .deadlineExceeded, code: "salesforce.batch_unfinished", message: "there was no time left for the item: it was not sent",
                flags: .retryable)
        }
    }

    /// One item by itself: its error is its own, unless it says that the next call would fail the same way.
    private mutating func single(
        _ index: Int, _ draft: inout Draft, _ work: (inout Draft) async throws -> String?
    ) async throws {
        try expectTime()
        do {
            let id = try await work(&draft)
            outcomes[index] = .success(remoteID: id, warnings: draft.warnings)
        } catch let error as CRMError where error.status != .cancelled {
            // What this item may have done must not get lost among those that were not sent.
            if !error.endsBatch || error.flags.contains(.ambiguous) { outcomes[index] = .failure(error, warnings: draft.warnings) }
            if error.endsBatch { throw error }
        }
    }
}

extension CRMError {
    /// Says something about the connection and not about the item.
    fileprivate var endsBatch: Bool {
        switch status {
        case .invalidArgument, .notFound, .conflict: false
        case .upstream: code != "salesforce.row_locked"
        default: true
        }
    }
}

extension BatchRun {
    fileprivate mutating func write(_ contacts: [(Int, Contact)]) async throws {
        let writer = ContactWriter(connection, try await connection.contactDescription())
        guard let keyField = writer.keyField else {
            for (index, contact) in contacts { try await write(index, contact, writer) }
            return
        }
        let known = try await KnownContacts(contacts.map(\.1), writer)
        var rows: [BatchRow] = []
        for (index, contact) in contacts {
            var draft = writer.draft(contact)
            do {
                if let key = try known.key(of: contact, writer, &draft) {
                    rows.append(BatchRow(index: index, key: key, draft: draft))
                } else {
                    try await write(index, contact, writer)
                }
            } catch let error as CRMError where !error.endsBatch {
                outcomes[index] = .failure(error, warnings: draft.warnings)
            }
        }
        try await upsert(rows, "Contact", keyField, headers: writer.duplicateRuleHeaders) { _, _ in false }
    }

    private mutating func write(_ index: Int, _ contact: Contact, _ writer: ContactWriter) async throws {
        var draft = writer.draft(contact)
        try await single(index, &draft) { draft in try await writer.write(contact, &draft).remoteID }
    }

    fileprivate mutating func send(_ events: [(Int, Event, String)]) async throws {
        let sender = try await EventSender(connection)
        guard case .customObject(let object, let description, let keyField) = sender.target else {
            for (index, event, key) in events {
                var draft = Draft(object: sender.target.object)
                try await single(index, &draft) { draft in try await sender.send(event, key: key, &draft).remoteID }
            }
            return
        }
        var ids = try await KnownContacts(events.map(\.1.contact).filter { $0.externalID == nil }, sender.writer)
        var rows: [BatchRow] = []
        for (index, event, key) in events {
            var draft = Draft(object: object)
            do {
                let id = try sender.uniqueID(event, key)
                sender.fill(&draft, event, description)
                let link = try await ids.link(event.contact, sender, &draft)
                draft.link(link, description, connection.settings, sender.writer.keyField)
                rows.append(
                    BatchRow(index: index, key: EventSender.key(id, description[keyField]), draft: draft, contact: event.contact))
            } catch let error as CRMError where !error.endsBatch {
                outcomes[index] = .failure(error, warnings: draft.warnings)
            }
        }
        let settings = connection.settings
        try await upsert(rows, object, keyField, headers: []) { row, refusal in
            guard let contact = row.contact, refusal.isAbout(link: settings.eventFields[.contact], description) else { return false }
            // The contact is not there: made now, and named by its id.
            row.contact = nil
            let id = try await sender.ensure(contact, &row.draft)
            row.draft.link(.id(id), description, settings, sender.writer.keyField)
            return true
        }
    }
}

extension BatchRun {
    /// Upserts rows until each has an outcome. `mend` changes a refused row so that it may go again.
    private mutating func upsert(
        _ rows: [BatchRow], _ object: String, _ keyField: String, headers: [HTTPHeader],
        _ mend: (inout BatchRow, Refusal) async throws -> Bool
    ) async throws {
        var waiting = rows
        while !waiting.isEmpty {
            let wave = Self.takeWave(&waiting)
            waiting += try await upsert(wave: wave, object, keyField, headers, mend)
        }
    }

    /// Two rows with one key in a call would both fail: the second waits for the next. Keys that differ in case only are one.
    private static func takeWave(_ waiting: inout [BatchRow]) -> [BatchRow] {
        var keys: Set<String> = []
        var wave: [BatchRow] = []
        var rest: [BatchRow] = []
        for row in waiting {
            if wave.count < Collections.largest, keys.insert(row.key.lowercased()).inserted {
                wave.append(row)
            } else {
                rest.append(row)
            }
        }
        waiting = rest
        return wave
    }

    /// The rows that are to go again.
    private mutating func upsert(
        wave: [BatchRow], _ object: String, _ keyField: String, _ headers: [HTTPHeader],
        _ mend: (inout BatchRow, Refusal) async throws -> Bool
    ) async throws -> [BatchRow] {
        try expectTime()
        switch try await connection.upsert(wave, object, keyField, headers: headers) {
        case .rows(let results):
            var again: [BatchRow] = []
            for (row, result) in zip(wave, results) {
                switch result {
                case .success(let id, let isNew):
                    var draft = row.draft
                    if isNew != true { draft.keepWithdrawals() }
                    outcomes[row.index] = .success(remoteID: id, warnings: draft.warnings)
                case .refused(let refusal): if let row = try await retried(row, refusal, mend) { again.append(row) }
                }
            }
            return again
        case .refused(let refusal):
            guard !refusal.error.endsBatch else { throw refusal.error }
            guard wave.count > 1 else {
                if let row = wave.first, let again = try await retried(row, refusal, mend) { return [again] }
                return []
            }
            // One record that cannot be read fails the call for all: halves find it.
            let middle = wave.count / 2
            let first = try await upsert(wave: Array(wave[..<middle]), object, keyField, headers, mend)
            return try await first + upsert(wave: Array(wave[middle...]), object, keyField, headers, mend)
        }
    }

    private mutating func retried(
        _ row: BatchRow, _ refusal: Refusal, _ mend: (inout BatchRow, Refusal) async throws -> Bool
    ) async throws -> BatchRow? {
        var row = row
        row.attempts += 1
        var error = refusal.error
        if row.attempts <= ContactWriter.maximumReductions {
            do {
                if try await mend(&row, refusal) { return row }
                if refusal.has("DUPLICATE_VALUE"), !row.draft.hasMetDuplicate {
                    row.draft.hasMetDuplicate = true
                    return row
                }
                if row.draft.reduce(after: refusal) { return row }
            } catch let failure as CRMError where !failure.endsBatch {
                error = failure
            }
        }
        outcomes[row.index] = .failure(error, warnings: row.draft.warnings)
        return nil
    }
}
