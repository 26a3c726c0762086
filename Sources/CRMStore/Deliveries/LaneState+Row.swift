internal import CRMCore

// How a lane's waits and its breaker are kept in columns.
extension LaneState {
    /// Columns `waits`, `breaker`, `unnamed_waits`.
    init(_ row: Row) throws(StoreError) {
        self.init(
            waits: (try row.json("waits").arrayValue ?? []).compactMap { LaneWait($0) },
            breaker: try row.json(ifAny: "breaker").flatMap { CircuitBreaker.Opening($0) },
            unnamedWaits: try row.int("unnamed_waits"))
    }

    var waitsColumn: JSONValue { .array(waits.map(\.column)) }
}

extension LaneWait {
    fileprivate var column: JSONValue {
        var object: JSONObject = ["reason": .string(waiting.reason.rawValue), "detail": .string(waiting.detail)]
        object.set("kind", kind?.rawValue)
        object.set("until", waiting.until.map { .integer($0.microseconds) })
        object.set("credentials", credentialVersion.map { .integer($0) })
        return .object(object)
    }

    /// `nil` for what a newer version of this service wrote and we do not understand.
    fileprivate init?(_ column: JSONValue) {
        guard let reason = column["reason"]?.stringValue.flatMap(Waiting.Reason.init) else { return nil }
        let kind = column["kind"]?.stringValue
        if let kind, DeliveryKind(rawValue: kind) == nil { return nil }
        self.init(
            kind: kind.flatMap(DeliveryKind.init),
            waiting: Waiting(
                reason: reason, until: column["until"]?.intValue.map { Timestamp(microseconds: Int64($0)) },
                detail: column["detail"]?.stringValue ?? ""),
            credentialVersion: column["credentials"]?.intValue.map(Int64.init))
    }
}

extension CircuitBreaker.Opening {
    var column: JSONValue { ["until": .integer(until.microseconds), "step": .integer(step)] }

    fileprivate init?(_ column: JSONValue) {
        guard let until = column["until"]?.intValue, let step = column["step"]?.intValue else { return nil }
        self.init(until: Timestamp(microseconds: Int64(until)), step: step)
    }
}
