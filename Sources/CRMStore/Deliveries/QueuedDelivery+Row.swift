internal import CRMCore

extension QueuedDelivery {
    /// The columns that `init(_:)` reads.
    static let columns: Statement = """
        id, delivery_id, request_id, kind, contact_key, idem_key, payload::text AS payload, attempt, backoff_ms, crash_marks, ambiguous,
        not_before, first_seen_at, payload_bytes
        """

    /// The rows that a condition on `d` leaves, in order, as many as a read may bring.
    static func rows(_ condition: Statement, limit: Int) -> Statement {
        """
        SELECT \(columns) FROM (
            SELECT *, coalesce(sum(payload_bytes) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
            FROM (
                SELECT *, octet_length(d.payload::text) AS payload_bytes FROM crm.deliveries AS d WHERE \(condition)
                ORDER BY d.id LIMIT \(limit)
            ) AS first
        ) AS measured
        WHERE before < \(bytesPerRead)
        ORDER BY id
        """
    }

    init(_ row: Row) throws(StoreError) {
        guard let kind = DeliveryKind(rawValue: try row.text("kind")),
            let payload = (try? JSONValue(parsing: Array(try row.text("payload").utf8)))?.objectValue
        else { throw .wrongType }
        self.init(
            sequence: try row.int64("id"), id: try row.id("delivery_id"), requestID: try row.text("request_id"), kind: kind,
            contactKey: try row.bytes("contact_key"), idempotencyKey: try row.uuid("idem_key"), payload: payload,
            attempts: try row.int("attempt"), backoff: .milliseconds(try row.int64("backoff_ms")), crashMarks: try row.int("crash_marks"),
            isAmbiguous: try row.bool("ambiguous"), notBefore: try row.timestamp(ifAny: "not_before"),
            acceptedAt: try row.timestamp("first_seen_at"), payloadBytes: try row.int("payload_bytes"))
    }
}
