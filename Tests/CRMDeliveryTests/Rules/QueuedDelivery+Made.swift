import CRMCore
import FoundationEssentials

extension QueuedDelivery {
    /// A delivery as a test needs it.
    static func made(
        _ sequence: Int64 = 1, contact: UInt8 = 1, kind: DeliveryKind = .event, attempts: Int = 0, backoff: Duration = .zero,
        crashMarks: Int = 0, isAmbiguous: Bool = false, notBefore: Timestamp? = nil, payload: JSONObject = [:]
    ) -> QueuedDelivery {
        QueuedDelivery(
            sequence: sequence, id: DeliveryID(UUID(bytes: Array(repeating: UInt8(truncatingIfNeeded: sequence), count: 16))),
            requestID: "request", kind: kind, contactKey: Array(repeating: contact, count: 16),
            idempotencyKey: UUID(bytes: Array(repeating: 7, count: 16)), payload: payload, attempts: attempts, backoff: backoff,
            crashMarks: crashMarks, isAmbiguous: isAmbiguous, notBefore: notBefore, acceptedAt: Timestamp(seconds: 0))
    }
}
