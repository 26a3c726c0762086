import CRMCore

/// Everything that arrived at the imitations, in one global order; the newest million entries are kept.
final class Journal {
    static let limit = 1_000_000

    private var chunks: [JournalChunk] = []
    private var summary = JournalSummary()
    private var next = 1
    private let file: JournalFile?

    init(file: JournalFile?) { self.file = file }

    /// `answer` is `nil` when nothing was done.
    func record(_ answer: Answer?, request: Request, crm: String, account: String?, script: Int?, isCut: Bool, at time: Timestamp) {
        summary.countRequest(crm: crm, account: account)
        var effects = answer?.effects ?? []
        if effects.isEmpty { effects.append(Effect(kind: (answer?.status ?? 0) >= 400 ? .refused : .none)) }
        for effect in effects {
            append(
                JournalEntry(
                    sequence: next, time: time, crm: crm, account: account, method: request.method, path: request.path,
                    status: answer?.status, script: script, isCut: isCut, effect: effect))
        }
    }

    /// Entries after number `since`, and the number to ask with next time.
    func entries(since: Int, limit: Int, crm: String?, account: String?) -> (entries: [JournalEntry], next: Int) {
        var found: [JournalEntry] = []
        for chunk in chunks where chunk.first + chunk.count > since + 1 {
            found += chunk.entries(from: since + 1, limit: limit - found.count, crm: crm, account: account)
            if found.count == limit { return (found, found.last?.sequence ?? since) }
        }
        return (found, max(since, next - 1))
    }

    private func append(_ entry: JournalEntry) {
        if chunks.last?.isFull ?? true {
            chunks.append(JournalChunk(first: next))
            if chunks.count * JournalChunk.capacity > Self.limit + JournalChunk.capacity { chunks.removeFirst() }
        }
        chunks[chunks.count - 1].append(entry)
        summary.count(entry)
        file?.append(entry)
        next += 1
    }

    /// The numbers go on, so that a reader who asks with an old one does not see entries twice.
    func clear() {
        chunks = []
        summary = JournalSummary()
    }
}

extension Journal {
    func answer(_ request: Request) -> Answer {
        switch (request.method, request.segments.dropFirst().first) {
        case ("GET", nil): list(request.query)
        case ("GET", "summary"): .json(summary.json)
        case ("DELETE", nil):
            {
                clear()
                return .noContent
            }()
        default: .problem(404, "not_found", "The journal has GET /journal, GET /journal/summary and DELETE /journal.")
        }
    }

    private func list(_ query: Query) -> Answer {
        guard let since = Int(query["since"] ?? "0"), since >= 0, let limit = Int(query["limit"] ?? "100"), (1...10_000).contains(limit)
        else {
            return .problem(400, "invalid_parameter", "`since` is a number from 0 on, `limit` one from 1 to 10000.")
        }
        let page = entries(since: since, limit: limit, crm: query["crm"], account: query["account"])
        return .json(["entries": .array(page.entries.map(\.json)), "next": .integer(page.next)])
    }
}
