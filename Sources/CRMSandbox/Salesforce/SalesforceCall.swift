import CRMCore

/// One admitted REST call. What each resource does with it is in the extensions.
struct SalesforceCall {
    let org: SalesforceOrg
    let serials: SalesforceSerials
    let version: Int
    let now: Timestamp

    var root: String { "/services/data/v\(version).0" }

    func answer(_ ask: SalesforceAsk) throws(SalesforceRefusal) -> Answer {
        switch ask.path.first {
        case nil: return try get(ask, resources)
        case "limits" where ask.path.count == 1: return try get(ask, limits)
        case "sobjects": return try answerAboutObjects(ask)
        case "query", "queryAll": return try query(ask)
        case "composite" where !ask.isPart: return try composite(ask)
        case "composite" where ask.path.count > 1: return try composite(ask)
        default: throw .notFound
        }
    }

    /// `sobjects/Contact/…`: the object, one of its records by id, or one by an external id.
    private func answerAboutObjects(_ ask: SalesforceAsk) throws(SalesforceRefusal) -> Answer {
        guard ask.path.count > 1 else { return try get(ask, globalDescription) }
        guard let object = org.object(ask.path[1]) else { throw .notFound }
        switch (ask.path.count, ask.method) {
        case (2, "GET"): return json(basics(of: object))
        case (2, "POST"): return try create(object, ask)
        case (2, _): throw .method(ask.method, allowed: "GET,POST,HEAD")
        case (3, _) where ask.path[2].lowercased() == "describe": return try get(ask, description(of: object))
        case (3, "GET"): return try read(object, try record(ask.path[2], of: object), ask)
        case (3, "PATCH"): return try update(object, try record(ask.path[2], of: object), ask)
        case (3, "DELETE"): return try delete(object, try record(ask.path[2], of: object))
        case (3, _): throw .method(ask.method, allowed: "GET,PATCH,DELETE,HEAD")
        case (4, "GET"):
            return try read(object, try onlyRecord(object, try key(ask.path[2], of: object), ask.path[3]), ask)
        case (4, "PATCH"): return try upsert(object, try key(ask.path[2], of: object), ask.path[3], ask)
        case (4, "DELETE"): return try delete(object, try onlyRecord(object, try key(ask.path[2], of: object), ask.path[3]))
        case (4, _): throw .method(ask.method, allowed: "GET,PATCH,DELETE,HEAD")
        default: throw .notFound
        }
    }

    func json(_ value: JSONValue, status: Int = 200, effects: [Effect] = []) -> Answer {
        .json(value, status: status, mediaType: Salesforce.mediaType).with(effects: effects)
    }

    func nextID(of object: SalesforceObject) -> SalesforceID { SalesforceID(prefix: object.prefix, serial: serials.next()) }

    private func get(_ ask: SalesforceAsk, _ value: @autoclosure () -> JSONValue) throws(SalesforceRefusal) -> Answer {
        guard ask.method == "GET" else { throw .method(ask.method, allowed: "GET,HEAD") }
        return json(value())
    }

    private var resources: JSONValue {
        .object(JSONObject(["composite", "limits", "query", "queryAll", "sobjects"].map { ($0, .string("\(root)/\($0)")) }))
    }

    private var limits: JSONValue {
        let limit = org.settings.dailyRequests ?? SalesforceUsage.dailyLimit
        func entry(_ most: Int, left: Int) -> JSONValue { ["Max": .integer(most), "Remaining": .integer(max(0, left))] }
        return [
            "DailyApiRequests": entry(limit, left: limit - org.usage.calls(at: now)),
            "HourlyPublishedPlatformEvents": entry(250_000, left: 250_000 - org.published), "DataStorageMB": entry(1_024, left: 1_000),
        ]
    }
}
