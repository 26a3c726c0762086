package import CRMCore
internal import FoundationEssentials

// What became of a delivery, from rows alone: pending ones and dead letters have theirs, what is over is in the sync log.
extension PostgresDeliveryStore {
    package func delivery(_ merchant: MerchantID, _ id: DeliveryID) async throws(StoreError) -> Delivery? {
        if let pending = try await pool.run(Self.pending(merchant, id), as: merchant).first {
            return try Delivery(pending: pending, at: clock())
        }
        if let dead = try await pool.run(Self.dead(merchant, id), as: merchant).first { return try Delivery(dead: dead) }
        return try await pool.run(Self.lastLogRow(merchant, id), as: merchant).first.flatMap { row throws(StoreError) in
            try Delivery(finished: row)
        }
    }

    private static func pending(_ merchant: MerchantID, _ id: DeliveryID) -> Statement {
        """
        SELECT d.delivery_id, d.request_id, l.crm_type, d.kind, d.attempt, d.first_seen_at, d.not_before, d.last_error_code,
            d.last_error_detail, l.waits, l.breaker, l.unnamed_waits, i.state, i.state_reason, i.cred_ver,
            EXISTS (
                SELECT FROM crm.deliveries AS older
                WHERE older.merchant_id = \(merchant) AND older.lane_id = d.lane_id AND older.id < d.id
                    AND older.contact_key = d.contact_key
            ) AS has_older
        FROM crm.deliveries AS d
        JOIN crm.delivery_lanes AS l USING (merchant_id, lane_id)
        LEFT JOIN crm.crm_integrations AS i USING (merchant_id, integration_id)
        WHERE d.merchant_id = \(merchant) AND d.delivery_id = \(id)
        """
    }

    private static func dead(_ merchant: MerchantID, _ id: DeliveryID) -> Statement {
        """
        SELECT d.delivery_id, d.request_id, l.crm_type, d.kind, d.attempt, d.first_seen_at, d.died_at, d.last_error_code,
            d.last_error_detail
        FROM crm.delivery_dead AS d JOIN crm.delivery_lanes AS l USING (merchant_id, lane_id)
        WHERE d.merchant_id = \(merchant) AND d.delivery_id = \(id)
        """
    }

    private static func lastLogRow(_ merchant: MerchantID, _ id: DeliveryID) -> Statement {
        """
        SELECT delivery_id, request_id, crm_type, operation, outcome, attempt, at, remote_id, warnings, code, detail
        FROM crm.crm_sync_logs
        WHERE merchant_id = \(merchant) AND delivery_id = \(id) AND outcome IN ('success', 'dead', 'cancelled')
        -- What was being sent when somebody disconnected has two endings: what reached the CRM is done.
        ORDER BY outcome = 'success' DESC, at DESC, log_id DESC LIMIT 1
        """
    }
}

extension Delivery {
    fileprivate init(pending row: Row, at now: Timestamp) throws(StoreError) {
        try self.init(row, kind: "kind", acceptedAt: try row.timestamp("first_seen_at"), state: .queued)
        let situation = DeliverySituation(
            kind: kind, integrationState: try row.text(ifAny: "state").flatMap(IntegrationState.init),
            integrationReason: try row.text(ifAny: "state_reason"), credentialVersion: try row.int64(ifAny: "cred_ver"),
            lane: try LaneState(row), notBefore: try row.timestamp(ifAny: "not_before"),
            hasOlderOfSameContact: try row.bool("has_older"))
        waiting = situation.waiting(at: now)
        if waiting != nil { state = .waiting }
        lastErrorCode = try row.text(ifAny: "last_error_code")
        lastErrorDetail = try row.text(ifAny: "last_error_detail")
    }

    fileprivate init(dead row: Row) throws(StoreError) {
        try self.init(row, kind: "kind", acceptedAt: try row.timestamp("first_seen_at"), state: .dead)
        finishedAt = try row.timestamp("died_at")
        lastErrorCode = try row.text("last_error_code")
        lastErrorDetail = try row.text("last_error_detail")
    }

    fileprivate init(finished row: Row) throws(StoreError) {
        let outcome = try row.text("outcome")
        let id: DeliveryID = try row.id("delivery_id")
        try self.init(
            row, kind: "operation", acceptedAt: id.uuid.v7Time,
            state: outcome == "success" ? .done : outcome == "dead" ? .dead : .cancelled)
        finishedAt = try row.timestamp("at")
        remoteID = try row.text(ifAny: "remote_id")
        warnings = try row.json("warnings").arrayValue ?? []
        if state != .done {
            lastErrorCode = try row.text("code")
            lastErrorDetail = try row.text("detail")
        }
    }

    private init(_ row: Row, kind column: String, acceptedAt: Timestamp, state: DeliveryState) throws(StoreError) {
        guard let kind = DeliveryKind(rawValue: try row.text(column)) else { throw .wrongType }
        self.init(
            id: try row.id("delivery_id"), requestID: try row.text("request_id"), crmType: try row.crmType("crm_type"), kind: kind,
            state: state, attempts: try row.int("attempt"), acceptedAt: acceptedAt)
    }
}
