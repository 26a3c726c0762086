internal import CRMCore

extension Delivery {
    /// The rows do not know which providers this process has: without one, what is pending waits for it before all else.
    func held(by providers: any ProviderCatalog) -> Delivery {
        guard [.queued, .waiting].contains(state), !providers.isInService(crmType) else { return self }
        var held = self
        held.state = .waiting
        held.waiting = Waiting(reason: .providerUnavailable, detail: "The provider of \(crmType) is out of service.")
        return held
    }

    var json: JSONValue {
        var members: JSONObject = [
            "delivery_id": .string(id.description), "request_id": .string(requestID), "crm_type": .string(crmType.name),
            "operation": .string(kind.rawValue), "state": .string(state.rawValue), "attempts": .integer(attempts),
            "accepted_at": .string(acceptedAt.description),
        ]
        members.set("finished_at", finishedAt?.description)
        members.set("remote_id", remoteID)
        members["warnings"] = .array(warnings)
        members.set("waiting", waiting?.json)
        if let lastErrorCode { members["last_error"] = ["code": .string(lastErrorCode), "detail": .string(lastErrorDetail ?? "")] }
        return .object(members)
    }
}

extension SyncLogEntry {
    var json: JSONValue {
        var members: JSONObject = [
            "log_id": .string(id.description), "at": .string(at.description), "crm_type": .string(crmType.name),
            "operation": .string(operation.rawValue), "outcome": .string(outcome.rawValue), "status": .string(status),
            "code": .string(code), "detail": .string(detail), "duration_ms": .integer(durationMilliseconds), "attempt": .integer(attempt),
        ]
        members.set("delivery_id", delivery?.description)
        members["request_id"] = .string(requestID)
        members["provider_version"] = .string(providerVersion)
        members["contact"] = .optional(contact)
        members.set("remote_id", remoteID)
        members.set("http_status", httpStatus.map { .integer($0) })
        members["warnings"] = .array(warnings)
        return .object(members)
    }
}

/// A list as the API answers one.
func list(_ elements: some Sequence<JSONValue>, next: String? = nil) -> JSONValue {
    ["data": .array(Array(elements)), "next_cursor": .optional(next)]
}
