import CRMCore

/// One thing that happened: a request, or one of the items of a request that carried several.
struct JournalEntry {
    /// Its number in the whole journal, from 1.
    var sequence: Int
    var time: Timestamp
    var crm: String
    var account: String?
    var method: String
    var path: String
    /// `nil` when a script cut the connection before anything was done.
    var status: Int?
    var script: Int?
    var isCut: Bool
    var effect: Effect

    var json: JSONValue {
        var members: JSONObject = [
            "seq": .integer(sequence), "at": .string(time.description), "crm": .string(crm), "account": .optional(account),
            "method": .string(method), "path": .string(path), "status": status.map { .integer($0) } ?? .null,
            "effect": .string(effect.kind.name),
        ]
        if effect.createdContact { members["contact_created"] = true }
        members.set("unique_id", effect.uniqueID)
        members.set("metric", effect.metric)
        members.set("email", effect.email)
        members.set("idempotency", effect.idempotency)
        members.set("script", script.map { .integer($0) })
        if isCut { members["cut"] = true }
        return .object(members)
    }
}
