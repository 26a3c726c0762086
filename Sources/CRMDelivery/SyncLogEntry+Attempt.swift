internal import CRMCore
internal import FoundationEssentials

extension SyncLogEntry {
    /// The row of one attempt at a delivery.
    init(
        _ outcome: Outcome, of answer: ProviderOutcome, for row: QueuedDelivery, in lane: Lane, at now: Timestamp, random: RandomBytes
    ) {
        self.init(
            answer, outcome, operation: row.kind == .contact ? .contact : .event, in: lane, at: now, attempt: row.attempts + 1,
            requestID: row.requestID, random: random)
        delivery = row.id
        contact = row.contactKey.hexadecimal
        remoteID = answer.remoteID.map { Self.storable($0, limit: 512) }
    }

    /// The row of a fresh login with the connection's credentials.
    init(validation answer: ProviderOutcome, in lane: Lane, at now: Timestamp, requestID: String, random: RandomBytes) {
        self.init(
            answer, answer.status == .ok ? .success : .failed, operation: .validate, in: lane, at: now, attempt: 1, requestID: requestID,
            random: random)
    }

    /// The row of a delivery that ends without a call.
    init(
        _ outcome: Outcome, because code: String, detail: String, for row: QueuedDelivery, in lane: Lane, at now: Timestamp,
        random: RandomBytes
    ) {
        let answer = ProviderOutcome(status: .cancelled, code: code, message: detail)
        self.init(outcome, of: answer, for: row, in: lane, at: now, random: random)
        attempt = row.attempts
    }

    private init(
        _ answer: ProviderOutcome, _ outcome: Outcome, operation: Operation, in lane: Lane, at now: Timestamp, attempt: Int,
        requestID: String, random: RandomBytes
    ) {
        self.init(
            id: LogID(.v7(at: now, random: random(10))), at: now, crmType: lane.crmType, integration: lane.integration,
            operation: operation, outcome: outcome, status: answer.status.name, code: Self.storable(answer.code, limit: 128),
            detail: Self.storable(answer.message, limit: 2_048), durationMilliseconds: Int(answer.duration.milliseconds),
            attempt: attempt, delivery: nil, requestID: requestID, providerVersion: Self.storable(answer.providerVersion, limit: 64),
            contact: nil, remoteID: nil, httpStatus: answer.httpStatus, warnings: answer.warnings)
    }

    /// A provider's text as a column takes it. Outcomes that cannot be recorded would be delivered for ever, so nothing may be refused.
    static func storable(_ text: String, limit: Int) -> String {
        var kept = String.UnicodeScalarView()
        var length = 0
        for scalar in text.unicodeScalars where scalar != "\0" {
            length += UTF8.width(scalar)
            if length > limit { break }
            kept.append(scalar)
        }
        return String(kept)
    }
}

extension [UInt8] {
    fileprivate var hexadecimal: String {
        let digits = [UInt8]("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }, as: UTF8.self)
    }
}
