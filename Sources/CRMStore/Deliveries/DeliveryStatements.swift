package import CRMCore
internal import FoundationEssentials

// What connecting, disconnecting and a connection's status need of the deliveries, as statements for the caller's transaction.
//
// Connecting needs none: what a lane was told about credentials names their version, and its owner notices the new one.
package enum DeliveryStatements {
    /// Ends what is pending, each with a log row, and takes the lanes from their owners, who hold rows in memory. Returns one row with
    /// `cancelled`.
    package static func cancelPending(
        of integration: IntegrationID, _ merchant: MerchantID, at now: Timestamp, detail: String = "The CRM was disconnected."
    ) -> Statement {
        """
        WITH taken AS (
            UPDATE crm.delivery_lanes
            SET owner = NULL, lease_until = '-infinity', fence = fence + 1, waits = '[]', unnamed_waits = 0, breaker = NULL,
                not_before = NULL, unclean_count = 0
            WHERE merchant_id = \(merchant) AND integration_id = \(integration)
            RETURNING merchant_id, lane_id, integration_id, crm_type
        ), gone AS (
            DELETE FROM crm.deliveries AS d USING taken
            WHERE d.merchant_id = \(merchant) AND d.merchant_id = taken.merchant_id AND d.lane_id = taken.lane_id
            RETURNING d.merchant_id, d.delivery_id, d.request_id, d.kind, d.contact_key, d.attempt, taken.integration_id, taken.crm_type
        ), logged AS (
            INSERT INTO crm.crm_sync_logs (
                merchant_id, log_id, at, integration_id, crm_type, operation, outcome, status, code, detail, duration_ms, attempt,
                delivery_id, request_id, contact)
            SELECT merchant_id, gen_random_uuid(), \(now), integration_id, crm_type, kind, 'cancelled', 'cancelled', 'disconnected',
                \(detail), 0, attempt, delivery_id, request_id, encode(contact_key, 'hex')
            FROM gone
        )
        SELECT count(*) AS cancelled FROM gone
        """
    }

    /// One row, read with `summary(_:at:)`.
    package static func summary(of integration: IntegrationID, _ merchant: MerchantID) -> Statement {
        """
        WITH lanes AS (
            SELECT merchant_id, lane_id, waits, breaker, unnamed_waits, shard FROM crm.delivery_lanes
            WHERE merchant_id = \(merchant) AND integration_id = \(integration)
        ), present AS (
            SELECT waits, breaker, unnamed_waits FROM lanes ORDER BY shard LIMIT 1
        )
        SELECT
            (SELECT count(*) FROM crm.deliveries AS d JOIN lanes USING (merchant_id, lane_id) WHERE d.merchant_id = \(merchant)) AS pending,
            (SELECT count(*) FROM crm.delivery_dead AS d JOIN lanes USING (merchant_id, lane_id) WHERE d.merchant_id = \(merchant)) AS dead,
            coalesce((SELECT waits FROM present), '[]') AS waits,
            (SELECT breaker FROM present) AS breaker,
            coalesce((SELECT unnamed_waits FROM present), 0::smallint) AS unnamed_waits
        """
    }

    /// `integration` as it is stored: its state and the version of its credentials have a say.
    package static func summary(
        _ row: Row, of integration: Integration, at now: Timestamp
    ) throws(StoreError) -> (pending: Int, dead: Int, waiting: Waiting?) {
        let situation = DeliverySituation(
            kind: nil, integrationState: integration.state, integrationReason: integration.stateReason,
            credentialVersion: integration.credentialVersion, lane: try LaneState(row))
        return (try row.int("pending"), try row.int("dead"), situation.waiting(at: now))
    }
}
