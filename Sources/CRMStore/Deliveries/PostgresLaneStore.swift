package import CRMCore
internal import FoundationEssentials

/// Lanes and their rows, under a role that sees all merchants.
package struct PostgresLaneStore: LaneStore {
    private let pool: PostgresPool

    package init(pool: PostgresPool) { self.pool = pool }

    package func scout(_ types: [CRMType], at now: Timestamp, limit: Int) async throws(StoreError) -> [Lane.Key] {
        // One index probe for each lane that has rows, however many rows it has.
        let rows = try await pool.run(
            """
            WITH RECURSIVE found AS (
                (SELECT merchant_id, lane_id FROM crm.deliveries ORDER BY merchant_id, lane_id LIMIT 1)
                UNION ALL
                SELECT following.merchant_id, following.lane_id
                FROM found CROSS JOIN LATERAL (
                    SELECT d.merchant_id, d.lane_id FROM crm.deliveries AS d
                    WHERE (d.merchant_id, d.lane_id) > (found.merchant_id, found.lane_id)
                    ORDER BY d.merchant_id, d.lane_id LIMIT 1
                ) AS following
            )
            SELECT l.merchant_id, l.lane_id
            FROM found
            JOIN crm.delivery_lanes AS l USING (merchant_id, lane_id)
            LEFT JOIN crm.crm_integrations AS i USING (merchant_id, integration_id)
            WHERE l.lease_until < now() AND (l.crm_type = ANY(\(types)) OR i.integration_id IS NULL)
                AND (l.not_before IS NULL OR l.not_before <= \(now))
                AND (i.state IS NULL OR i.state NOT IN ('paused', 'reauth_required'))
            ORDER BY l.last_served_at
            LIMIT \(limit)
            """)
        return try rows.map { row throws(StoreError) in try Lane.Key(row) }
    }

    package func take(_ lanes: [Lane.Key], as owner: LaneOwner, lease: Duration) async throws(StoreError) -> [Lane] {
        // An owner that is still there when its lease is over did not give the lane back. In the order of their keys, so that two hosts that
        // want the same lanes do not wait for each other crosswise.
        let wanted = lanes.sorted { $0.isBefore($1) }
        let rows = try await pool.run(
            """
            UPDATE crm.delivery_lanes AS l
            SET owner = \(owner), fence = l.fence + 1, lease_until = now() + \(lease.milliseconds) * interval '1 millisecond',
                unclean_count = l.unclean_count + (l.owner IS NOT NULL)::integer, last_served_at = now(), not_before = NULL
            FROM unnest(\(wanted.map(\.merchant)), \(wanted.map(\.lane))) AS wanted (merchant_id, lane_id)
            WHERE l.merchant_id = wanted.merchant_id AND l.lane_id = wanted.lane_id
                AND l.lease_until < now() AND (l.not_before IS NULL OR l.not_before <= now())
            RETURNING l.merchant_id, l.lane_id, l.integration_id, l.crm_type, l.fence, l.unclean_count, l.waits, l.breaker,
                l.unnamed_waits
            """)
        return try rows.map { row throws(StoreError) in
            Lane(
                claim: LaneClaim(key: try Lane.Key(row), owner: owner, fence: try row.int64("fence")),
                integration: try row.id("integration_id"), crmType: try row.crmType("crm_type"),
                uncleanCount: try row.int("unclean_count"), state: try LaneState(row))
        }
    }

    package func heartbeat(_ lanes: [LaneClaim], lease: Duration) async throws(StoreError) -> [HeldLane] {
        let ours = lanes.sorted { $0.key.isBefore($1.key) }
        let rows = try await pool.run(
            """
            WITH kept AS (
                UPDATE crm.delivery_lanes AS l
                SET lease_until = now() + \(lease.milliseconds) * interval '1 millisecond'
                FROM unnest(\(ours.map(\.key.merchant)), \(ours.map(\.key.lane)), \(ours.map(\.owner)), \(ours.map(\.fence)))
                    AS ours (merchant_id, lane_id, owner, fence)
                WHERE l.merchant_id = ours.merchant_id AND l.lane_id = ours.lane_id AND l.owner = ours.owner AND l.fence = ours.fence
                    AND l.lease_until > now()
                RETURNING l.merchant_id, l.lane_id, l.integration_id
            )
            SELECT kept.merchant_id, kept.lane_id, i.cred_ver, i.state, i.updated_at
            FROM kept LEFT JOIN crm.crm_integrations AS i USING (merchant_id, integration_id)
            """)
        return try rows.map { row throws(StoreError) in
            HeldLane(
                key: try Lane.Key(row), credentialVersion: try row.int64(ifAny: "cred_ver"),
                integrationState: try row.text(ifAny: "state").flatMap(IntegrationState.init),
                updatedAt: try row.timestamp(ifAny: "updated_at"))
        }
    }

    package func read(_ lane: Lane.Key, after: Int64, limit: Int) async throws(StoreError) -> [QueuedDelivery] {
        let rows = try await pool.run(
            QueuedDelivery.rows(
                "d.merchant_id = \(lane.merchant) AND d.lane_id = \(lane.lane) AND d.id > \(after)", limit: limit))
        return try rows.map { row throws(StoreError) in try QueuedDelivery(row) }
    }

    package func sweep(
        _ lane: Lane.Key, through: Int64, known: [Int64], limit: Int
    ) async throws(StoreError) -> [QueuedDelivery] {
        let rows = try await pool.run(
            QueuedDelivery.rows(
                "d.merchant_id = \(lane.merchant) AND d.lane_id = \(lane.lane) AND d.id <= \(through) AND d.id <> ALL(\(known))",
                limit: limit))
        return try rows.map { row throws(StoreError) in try QueuedDelivery(row) }
    }

    package func mark(_ sequence: Int64, crashMarks: Int, under claim: LaneClaim) async throws(StoreError) -> Bool {
        let rows = try await pool.run(
            """
            WITH lane AS (
                SELECT merchant_id, lane_id FROM crm.delivery_lanes
                WHERE merchant_id = \(claim.key.merchant) AND lane_id = \(claim.key.lane) AND owner = \(claim.owner)
                    AND fence = \(claim.fence) AND lease_until > now()
            ), marked AS (
                UPDATE crm.deliveries AS d SET crash_marks = \(Int16(clamping: crashMarks))
                FROM lane
                WHERE d.merchant_id = \(claim.key.merchant) AND d.lane_id = lane.lane_id AND d.id = \(sequence)
            )
            SELECT lane_id FROM lane
            """)
        return !rows.isEmpty
    }

    package func release(_ claim: LaneClaim, notBefore: Timestamp?) async throws(StoreError) {
        _ = try await pool.run(
            """
            UPDATE crm.delivery_lanes
            SET owner = NULL, lease_until = '-infinity', last_served_at = now(), not_before = \(notBefore)
            WHERE merchant_id = \(claim.key.merchant) AND lane_id = \(claim.key.lane) AND owner = \(claim.owner) AND fence = \(claim.fence)
            """)
    }

    package func log(_ calls: [SyncLogEntry], of merchant: MerchantID) async throws(StoreError) {
        _ = try await pool.run(Self.logging(calls, merchant))
    }

    package func settle(_ settlement: Settlement, lease: Duration) async throws(StoreError) -> Bool {
        !(try await pool.run(Self.settling(settlement, lease: lease))).isEmpty
    }
}

extension Lane.Key {
    fileprivate init(_ row: Row) throws(StoreError) {
        self.init(merchant: try row.id("merchant_id"), lane: try row.id("lane_id"))
    }
}

extension Lane.Key {
    /// One order for all hosts: statements lock the rows of several lanes as they come.
    fileprivate func isBefore(_ other: Lane.Key) -> Bool {
        (merchant.description, lane.description) < (other.merchant.description, other.lane.description)
    }
}
