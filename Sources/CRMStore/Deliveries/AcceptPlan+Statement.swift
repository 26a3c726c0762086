internal import CRMCore
internal import FoundationEssentials

extension AcceptPlan {
    /// One statement. Its rows: `is_request`, `key`, `first_id`, `request_hash`, of the request's key and of the events' keys.
    ///
    /// `DO UPDATE` rather than `DO NOTHING`, although nothing changes: a session that waited for the first one's commit gets the row back.
    /// All else hangs on the request being the first under its key.
    func statement(_ hash: ContactHash) -> Statement {
        """
        WITH request AS (
            INSERT INTO crm.accept_keys AS k (merchant_id, key, request_hash, first_id, created_at)
            SELECT \(merchant), \(request?.key), \(request?.hash), \(request?.marker), \(now) WHERE \(request != nil)
            ON CONFLICT (merchant_id, key) DO UPDATE SET created_at = k.created_at
            RETURNING k.key, k.first_id, k.request_hash
        ), admitted AS (
            SELECT 1 WHERE NOT EXISTS (SELECT FROM request WHERE first_id <> \(request?.marker))
        ), known AS (
            INSERT INTO crm.accept_keys AS k (merchant_id, key, request_hash, first_id, created_at)
            SELECT \(merchant), g.key, g.hash, g.id, \(now)
            FROM admitted, unnest(\(guards.map(\.key)), \(guards.map(\.hash)), \(guards.map(\.id)))
                WITH ORDINALITY AS g (key, hash, id, position)
            ORDER BY g.position
            ON CONFLICT (merchant_id, key) DO UPDATE SET created_at = k.created_at
            RETURNING k.key, k.first_id, k.request_hash
        ), \(lanes), \(queued(hash)), \(answered)
        SELECT true AS is_request, key, first_id, request_hash FROM request
        UNION ALL
        SELECT false, key, first_id, request_hash FROM known
        """
    }

    private var lanes: Statement {
        let types = Dictionary(rows.map { ($0.item.integration, $0.item.crmType) }, uniquingKeysWith: { first, _ in first })
        let integrations = types.keys.sorted { $0.uuid.bytes.lexicographicallyPrecedes($1.uuid.bytes) }
        return """
            lanes AS (
                INSERT INTO crm.delivery_lanes (merchant_id, lane_id, integration_id, crm_type)
                SELECT \(merchant), i.id, i.id, i.crm_type
                FROM admitted, unnest(\(integrations), \(integrations.compactMap { types[$0] })) AS i (id, crm_type)
                ON CONFLICT (merchant_id, lane_id) DO NOTHING
            )
            """
    }

    private func queued(_ hash: ContactHash) -> Statement {
        """
        queued AS (
            INSERT INTO crm.deliveries (
                merchant_id, lane_id, delivery_id, request_id, contact_key, kind, idem_key, payload, first_seen_at)
            SELECT \(merchant), r.lane_id, r.delivery_id, \(requestID), r.contact_key, r.kind, r.idem_key, r.payload::json, \(now)
            FROM admitted CROSS JOIN unnest(
                \(rows.map(\.item.integration)), \(rows.map(\.delivery)),
                \(rows.map { hash.contactKey(of: $0.item.contactIdentity) }), \(rows.map(\.item.kind.rawValue)),
                \(rows.map(\.idempotencyKey)), \(rows.map { JSONValue.object($0.payload).text }), \(rows.map(\.guardKey)),
                \(rows.map(\.guardID))
            ) WITH ORDINALITY AS r (lane_id, delivery_id, contact_key, kind, idem_key, payload, guard_key, guard_id, position)
            LEFT JOIN known ON known.key = r.guard_key
            WHERE r.guard_key IS NULL OR known.first_id = r.guard_id
            ORDER BY r.position
        )
        """
    }

    private var answered: Statement {
        """
        answered AS (
            INSERT INTO crm.accept_answers (merchant_id, key, request_id, deliveries, created_at)
            SELECT \(merchant), \(request?.key), \(requestID), coalesce(
                jsonb_agg(jsonb_build_object(
                    'index', p.index, 'crm_type', p.crm_type, 'id', coalesce(known.first_id, p.proposed),
                    'duplicate', coalesce(known.first_id <> p.proposed, false)) ORDER BY p.position),
                '[]'), \(now)
            FROM admitted CROSS JOIN unnest(
                \(principals.map(\.index)), \(principals.map(\.crmType)), \(principals.map(\.proposed)), \(principals.map(\.guardKey))
            ) WITH ORDINALITY AS p (index, crm_type, proposed, guard_key, position)
            LEFT JOIN known ON known.key = p.guard_key
            HAVING \(request != nil) AND EXISTS (SELECT FROM admitted)
        )
        """
    }
}
