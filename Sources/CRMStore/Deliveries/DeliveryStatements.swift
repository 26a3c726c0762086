package import CRMCore
internal import FoundationEssentials

// What connecting, disconnecting and a connection's status need of the deliveries, as statements for the caller's transaction.
//
// Connecting needs none: what a lane was told about credentials names their version, and its owner notices the new one.
package enum DeliveryStatements {
    /// More is left to whoever delivers: a merchant waits for the answer, and the lane's row is locked meanwhile.
    private static let cancelledAtOnce = 1_000
    /// Counting more may take longer than a statement may.
    private static let counted = 1_000_000

    /// How much is pending. Returns one row with `pending`.
    package static func pending(of integration: IntegrationID, _ merchant: MerchantID) -> Statement {
        """
        SELECT count(*) AS pending FROM (
            SELECT FROM crm.deliveries AS d JOIN crm.delivery_lanes AS l USING (merchant_id, lane_id)
            WHERE d.merchant_id = \(merchant) AND l.integration_id = \(integration)
            LIMIT \(counted)
        ) AS d
        """
    }

    /// Takes the lanes from their owners, who hold rows in memory.
    package static func takeAway(_ integration: IntegrationID, _ merchant: MerchantID) -> Statement {
        """
        UPDATE crm.delivery_lanes
        SET owner = NULL, lease_until = '-infinity', fence = fence + 1, waits = '[]', unnamed_waits = 0, breaker = NULL, not_before = NULL,
            unclean_count = 0
        WHERE merchant_id = \(merchant) AND integration_id = \(integration)
        """
    }

    /// Ends some of what is pending, each with a log row. Returns one row with `cancelled`.
    package static func cancelPending(
        of integration: IntegrationID, _ merchant: MerchantID, at now: Timestamp, detail: String = "The CRM was disconnected."
    ) -> Statement {
        """
        WITH chosen AS (
            SELECT d.lane_id, d.id, l.integration_id, l.crm_type
            FROM crm.deliveries AS d JOIN crm.delivery_lanes AS l USING (merchant_id, lane_id)
            WHERE d.merchant_id = \(merchant) AND l.integration_id = \(integration)
            LIMIT \(cancelledAtOnce)
        ), gone AS (
            DELETE FROM crm.deliveries AS d USING chosen
            WHERE d.merchant_id = \(merchant) AND d.lane_id = chosen.lane_id AND d.id = chosen.id
            RETURNING d.merchant_id, d.delivery_id, d.request_id, d.kind, d.contact_key, d.attempt, chosen.integration_id, chosen.crm_type
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
