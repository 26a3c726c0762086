package import CRMCore

extension PostgresConnectionStore {
    package func status(_ merchant: MerchantID, _ type: CRMType) async throws(StoreError) -> ConnectionStatus? {
        let now = clock()
        guard let integration = try await integration(merchant, type) else { return nil }
        let deliveries = try await pool.run(DeliveryStatements.summary(of: integration.id, merchant), as: merchant)
        let logs = try await pool.run(history(of: integration, at: now), as: merchant)
        guard let deliveries = deliveries.first, let logs = logs.first else { throw .unexpectedNull }
        let summary = try DeliveryStatements.summary(deliveries, of: integration, at: now)
        let failedAt = try logs.timestamp(ifAny: "failed_at")
        let (code, detail) = (try logs.text(ifAny: "code") ?? "", try logs.text(ifAny: "detail") ?? "")
        return ConnectionStatus(
            integration: integration, lastSuccessAt: try logs.timestamp(ifAny: "succeeded_at"),
            lastFailure: failedAt.map { ($0, code, detail) }, pending: summary.pending, dead: summary.dead, waiting: summary.waiting,
            succeeded24h: try logs.int("successes"), failed24h: try logs.int("failures"))
    }

    /// How many merchants are connected to each CRM. Under a role that sees all of them.
    package func connectionCounts() async throws(StoreError) -> [CRMType: Int] {
        var counts: [CRMType: Int] = [:]
        for row in try await pool.run("SELECT crm_type, count(*) AS connections FROM crm.crm_integrations GROUP BY crm_type") {
            counts[try row.crmType("crm_type")] = try row.int("connections")
        }
        return counts
    }

    /// Since this connection was made: an earlier one of the same CRM had other credentials.
    private func history(of integration: Integration, at now: Timestamp) -> Statement {
        let own: Statement = """
            merchant_id = \(integration.merchant) AND crm_type = \(integration.crmType) AND at >= \(integration.connectedAt)
            """
        return """
            SELECT
                (SELECT at FROM crm.crm_sync_logs WHERE \(own) AND outcome = 'success' ORDER BY at DESC LIMIT 1) AS succeeded_at,
                failure.at AS failed_at, failure.code, failure.detail, counts.successes, counts.failures
            FROM (
                SELECT count(*) FILTER (WHERE outcome = 'success') AS successes,
                    count(*) FILTER (WHERE outcome IN ('failed', 'retrying', 'dead')) AS failures
                FROM crm.crm_sync_logs WHERE \(own) AND at > \(now - .seconds(86_400))
            ) AS counts LEFT JOIN LATERAL (
                SELECT at, coalesce(nullif(code, ''), status) AS code, detail FROM crm.crm_sync_logs
                WHERE \(own) AND outcome IN ('failed', 'retrying', 'dead') ORDER BY at DESC LIMIT 1
            ) AS failure ON true
            """
    }
}
