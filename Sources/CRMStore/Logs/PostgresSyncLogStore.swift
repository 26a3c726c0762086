package import CRMCore

/// The sync log of one merchant at a time.
package struct PostgresSyncLogStore: SyncLogStore {
    private let pool: PostgresPool
    private let hash: ContactHash

    package init(pool: PostgresPool, hash: ContactHash) {
        self.pool = pool
        self.hash = hash
    }

    package func record(_ entry: SyncLogEntry, of merchant: MerchantID, contactIdentity: String?) async throws(StoreError) {
        let contact = contactIdentity.map { hash.hexadecimal(of: $0) } ?? entry.contact
        _ = try await pool.run(
            """
            INSERT INTO crm.crm_sync_logs (
                merchant_id, at, log_id, crm_type, integration_id, operation, outcome, status, code, detail, duration_ms, attempt,
                delivery_id, request_id, provider_version, contact, remote_id, http_status, warnings)
            VALUES (
                \(merchant), \(entry.at), \(entry.id), \(entry.crmType), \(entry.integration), \(entry.operation.rawValue),
                \(entry.outcome.rawValue), \(entry.status), \(entry.code), \(entry.detail), \(Int32(clamping: entry.durationMilliseconds)),
                \(Int32(clamping: entry.attempt)), \(entry.delivery), \(entry.requestID), \(entry.providerVersion), \(contact),
                \(entry.remoteID), \(entry.httpStatus.map { Int32(clamping: $0) }), \(JSONValue.array(entry.warnings)))
            """, as: merchant)
    }

    package func syncLogs(
        of merchant: MerchantID, _ filter: SyncLogFilter, after cursor: PageCursor?, limit: Int
    ) async throws(StoreError) -> Page<SyncLogEntry> {
        // One more than asked for tells whether there is a next page.
        let rows = try await pool.run(
            """
            SELECT at, log_id, crm_type, integration_id, operation, outcome, status, code, detail, duration_ms, attempt, delivery_id,
                request_id, provider_version, contact, remote_id, http_status, warnings
            FROM crm.crm_sync_logs
            WHERE merchant_id = \(merchant)\(conditions(filter, after: cursor))
            ORDER BY at DESC, log_id DESC LIMIT \(limit + 1)
            """, as: merchant)
        var entries: [SyncLogEntry] = []
        for row in rows.prefix(limit) { entries.append(try SyncLogEntry(row)) }
        let last = rows.count > limit ? entries.last : nil
        return Page(elements: entries, next: last.map { PageCursor(at: $0.at, id: $0.id) })
    }

    private func conditions(_ filter: SyncLogFilter, after cursor: PageCursor?) -> Statement {
        var all: Statement = ""
        if let type = filter.crmType { all = "\(all) AND crm_type = \(type)" }
        if let operation = filter.operation { all = "\(all) AND operation = \(operation.rawValue)" }
        if let outcome = filter.outcome { all = "\(all) AND outcome = \(outcome.rawValue)" }
        if let identity = filter.contactIdentity { all = "\(all) AND contact = \(hash.hexadecimal(of: identity))" }
        if let since = filter.since { all = "\(all) AND at >= \(since)" }
        if let until = filter.until { all = "\(all) AND at <= \(until)" }
        if let delivery = filter.delivery { all = "\(all) AND delivery_id = \(delivery)" }
        // The first comparison says nothing new to us, but lets PostgreSQL leave out partitions.
        if let cursor { all = "\(all) AND at <= \(cursor.at) AND (at, log_id) < (\(cursor.at), \(cursor.id))" }
        return all
    }
}

extension ContactHash {
    /// As logs show it.
    func hexadecimal(of identity: String) -> String { contactKey(of: identity).hexadecimal }
}

extension SyncLogEntry {
    init(_ row: Row) throws(StoreError) {
        guard let operation = Operation(rawValue: try row.text("operation")), let outcome = Outcome(rawValue: try row.text("outcome"))
        else { throw .wrongType }
        self.init(
            id: try row.id("log_id"), at: try row.timestamp("at"), crmType: try row.crmType("crm_type"),
            integration: try row.id(ifAny: "integration_id"), operation: operation, outcome: outcome, status: try row.text("status"),
            code: try row.text("code"), detail: try row.text("detail"), durationMilliseconds: try row.int("duration_ms"),
            attempt: try row.int("attempt"), delivery: try row.id(ifAny: "delivery_id"), requestID: try row.text("request_id"),
            providerVersion: try row.text("provider_version"), contact: try row.text(ifAny: "contact"),
            remoteID: try row.text(ifAny: "remote_id"), httpStatus: try row.int(ifAny: "http_status"),
            warnings: try row.json("warnings").arrayValue ?? [])
    }
}
