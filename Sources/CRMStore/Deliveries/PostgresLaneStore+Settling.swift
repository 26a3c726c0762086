internal import CRMCore
internal import FoundationEssentials

extension PostgresLaneStore {
    /// Fence, end, postpone, bury, log: one statement, of which everything hangs on the lane's row. Returns that row, or nothing.
    static func settling(_ settlement: Settlement, lease: Duration) -> Statement {
        let claim = settlement.claim
        let merchant = claim.key.merchant
        return """
            WITH lane AS (
                UPDATE crm.delivery_lanes
                SET lease_until = now() + \(lease.milliseconds) * interval '1 millisecond', last_served_at = now(),
                    waits = \(settlement.state.waitsColumn), unnamed_waits = \(Int16(clamping: settlement.state.unnamedWaits)),
                    breaker = \(settlement.state.breaker?.column),
                    unclean_count = CASE WHEN \(settlement.isProvenClean) THEN 0 ELSE unclean_count END
                WHERE merchant_id = \(merchant) AND lane_id = \(claim.key.lane) AND owner = \(claim.owner) AND fence = \(claim.fence)
                    AND lease_until > now()
                RETURNING merchant_id, lane_id, integration_id
            ), ended AS (
                DELETE FROM crm.deliveries AS d USING lane
                WHERE d.merchant_id = \(merchant) AND d.lane_id = lane.lane_id AND d.id = ANY(\(settlement.finished))
            ), \(postponed(settlement.again, merchant)), \(buried(settlement.dead, merchant)),
            \(logged(settlement.log, merchant)), \(refused(settlement.refusedCredentials, merchant))
            SELECT lane_id FROM lane
            """
    }

    private static func postponed(_ again: [PostponedDelivery], _ merchant: MerchantID) -> Statement {
        """
        postponed AS (
            UPDATE crm.deliveries AS d
            SET attempt = a.attempt, backoff_ms = a.backoff_ms, crash_marks = a.crash_marks, ambiguous = a.ambiguous,
                not_before = a.not_before, last_error_code = a.code, last_error_detail = a.detail
            FROM lane, unnest(
                \(again.map(\.sequence)), \(again.map { Int16(clamping: $0.attempts) }), \(again.map(\.backoff.milliseconds)),
                \(again.map { Int16(clamping: $0.crashMarks) }), \(again.map(\.isAmbiguous)), \(again.map(\.notBefore)),
                \(again.map(\.errorCode)), \(again.map(\.errorDetail))
            ) AS a (id, attempt, backoff_ms, crash_marks, ambiguous, not_before, code, detail)
            WHERE d.merchant_id = \(merchant) AND d.lane_id = lane.lane_id AND d.id = a.id
        )
        """
    }

    private static func buried(_ dead: [DeadDelivery], _ merchant: MerchantID) -> Statement {
        """
        died AS (
            DELETE FROM crm.deliveries AS d
            USING lane, unnest(
                \(dead.map(\.sequence)), \(dead.map { Int16(clamping: $0.attempts) }), \(dead.map(\.reason.rawValue)),
                \(dead.map(\.diedAt)), \(dead.map(\.errorCode)), \(dead.map(\.errorDetail))
            ) AS x (id, attempt, reason, died_at, code, detail)
            WHERE d.merchant_id = \(merchant) AND d.lane_id = lane.lane_id AND d.id = x.id
            RETURNING d.merchant_id, d.lane_id, d.id, d.delivery_id, d.request_id, d.contact_key, d.kind, d.idem_key, d.payload,
                x.attempt, d.ambiguous, d.first_seen_at, x.code, x.detail, x.reason, x.died_at
        ), buried AS (
            INSERT INTO crm.delivery_dead (
                merchant_id, lane_id, id, delivery_id, request_id, contact_key, kind, idem_key, payload, attempt, ambiguous,
                first_seen_at, last_error_code, last_error_detail, reason, died_at)
            SELECT merchant_id, lane_id, id, delivery_id, request_id, contact_key, kind, idem_key, payload, attempt, ambiguous,
                first_seen_at, code, detail, reason, died_at
            FROM died
        )
        """
    }

    private static func logged(_ log: [SyncLogEntry], _ merchant: MerchantID) -> Statement {
        """
        logged AS (
            \(logging(log, merchant, "lane, "))
        )
        """
    }

    /// The same rows once more change nothing: a settlement whose fate is unknown is repeated. `with` is joined, so that without a row of
    /// it nothing is written.
    static func logging(_ log: [SyncLogEntry], _ merchant: MerchantID, _ with: Statement = "") -> Statement {
        """
        INSERT INTO crm.crm_sync_logs (
            merchant_id, log_id, at, integration_id, crm_type, operation, outcome, status, code, detail, duration_ms, attempt, delivery_id,
            request_id, provider_version, contact, remote_id, http_status, warnings)
        SELECT \(merchant), r.*
        FROM \(with)unnest(
            \(log.map(\.id)), \(log.map(\.at)), \(log.map(\.integration)), \(log.map(\.crmType)), \(log.map(\.operation.rawValue)),
            \(log.map(\.outcome.rawValue)), \(log.map(\.status)), \(log.map(\.code)), \(log.map(\.detail)),
            \(log.map { Int32(clamping: $0.durationMilliseconds) }), \(log.map { Int32(clamping: $0.attempt) }), \(log.map(\.delivery)),
            \(log.map(\.requestID)), \(log.map(\.providerVersion)), \(log.map(\.contact)), \(log.map(\.remoteID)),
            \(log.map { $0.httpStatus.map { Int32(clamping: $0) } }), \(log.map { JSONValue.array($0.warnings) })
        ) AS r
        ON CONFLICT DO NOTHING
        """
    }

    /// Not when the credentials are others by now: the verdict was about the old ones.
    private static func refused(_ refusal: RefusedCredentials?, _ merchant: MerchantID) -> Statement {
        """
        refused AS (
            UPDATE crm.crm_integrations AS i
            SET state = 'reauth_required', state_reason = \(refusal?.reason), updated_at = \(refusal?.at)
            FROM lane
            WHERE i.merchant_id = \(merchant) AND i.integration_id = \(refusal?.integration) AND i.cred_ver = \(refusal?.version)
                AND i.integration_id = lane.integration_id AND i.state <> 'paused'
        )
        """
    }
}
