import CRMCore

extension SalesforceCall {
    private static let limit = 200

    /// `composite/sobjects`: up to 200 records in one call, each with a result of its own.
    func collection(_ ask: SalesforceAsk) throws(SalesforceRefusal) -> Answer {
        switch (ask.method, ask.path.count) {
        case ("POST", 2):
            return try write(ask) { object, body, _ throws(SalesforceRefusal) in
                try insert(object, body, allowsDuplicates: ask.allowsDuplicates)
            }
        case ("PATCH", 2):
            return try write(ask) { object, body, _ throws(SalesforceRefusal) in
                try changeNamed(object, body, allowsDuplicates: ask.allowsDuplicates)
            }
        case ("PATCH", 4) where version >= 46: return try upsertCollection(ask)
        case ("GET", 3), ("POST", 3): return try retrieve(ask)
        case ("DELETE", 2): return try deleteCollection(ask)
        default: throw .notFound
        }
    }

    private func upsertCollection(_ ask: SalesforceAsk) throws(SalesforceRefusal) -> Answer {
        guard let wanted = org.object(ask.path[2]) else { throw .notFound }
        let field = try key(ask.path[3], of: wanted)
        let keys = (try ask.object)["records"]?.arrayValue?.compactMap { $0[field.name]?.stringValue } ?? []
        let repeated = Set(Dictionary(grouping: keys) { $0 }.filter { $1.count > 1 }.keys)
        return try write(ask, onlyType: wanted.name, showsCreated: true) { object, body, _ throws(SalesforceRefusal) in
            if body.keys.contains(where: { $0.lowercased() == "id" }), field.name != "Id" {
                throw SalesforceRefusal(
                    "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an upsert by an external id", fields: ["Id"])
            }
            guard let value = body[field.name]?.stringValue, !value.isEmpty else {
                throw SalesforceRefusal("MISSING_ARGUMENT", "\(field.name) not specified", fields: [field.name])
            }
            if repeated.contains(value) {
                throw SalesforceRefusal("DUPLICATE_VALUE", "Duplicate external id specified: \(value)", fields: [field.name])
            }
            var rest = body
            rest[field.name] = nil
            return try upsert(object, field, value, rest, allowsDuplicates: ask.allowsDuplicates)
        }
    }

    private func changeNamed(
        _ object: SalesforceObject, _ body: JSONObject, allowsDuplicates: Bool
    ) throws(SalesforceRefusal) -> SalesforceOutcome {
        guard let name = body.keys.first(where: { $0.lowercased() == "id" }), let text = body[name]?.stringValue else {
            throw SalesforceRefusal("MISSING_ARGUMENT", "Id not specified in an update call")
        }
        var rest = body
        rest[name] = nil
        return try change(object, try record(text, of: object), rest, allowsDuplicates: allowsDuplicates)
    }

    /// `write` once for each record; with `allOrNone`, one failure undoes all.
    private func write(
        _ ask: SalesforceAsk, onlyType: String? = nil, showsCreated: Bool = false,
        _ write: (SalesforceObject, JSONObject, Int) throws(SalesforceRefusal) -> SalesforceOutcome
    ) throws(SalesforceRefusal) -> Answer {
        let request = try ask.object
        if let unknown = request.keys.first(where: { $0 != "allOrNone" && $0 != "records" }) {
            throw .unreadable("Unrecognized field \"\(unknown.prefix(40))\", only allOrNone and records are known")
        }
        guard let records = request["records"]?.arrayValue, !records.isEmpty else { throw .unreadable("records is a list of records") }
        guard records.count <= Self.limit else {
            throw SalesforceRefusal(
                "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than \(Self.limit) records into this call")
        }
        var rows: [(object: SalesforceObject, body: JSONObject)] = []
        for record in records { rows.append(try typed(record, onlyType: onlyType)) }
        let saved = (org.tables, org.published)
        var results: [JSONValue] = []
        var effects: [Effect] = []
        var failures: Set<Int> = []
        for (index, row) in rows.enumerated() {
            do throws(SalesforceRefusal) {
                if let refusal = scriptedRefusal(ask, item: index) { throw refusal }
                let done = try write(row.object, row.body, index)
                results.append(done.result(showsCreated: showsCreated))
                effects.append(done.effect)
            } catch {
                failures.insert(index)
                results.append(error.result)
                effects.append(Effect(kind: .refused))
            }
        }
        guard !failures.isEmpty, request["allOrNone"]?.boolValue == true else { return json(.array(results), effects: effects) }
        (org.tables, org.published) = saved
        let undone = SalesforceRefusal(
            "ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid and the request was using AllOrNone"
        )
        for index in results.indices where !failures.contains(index) { results[index] = undone.result }
        return json(.array(results), effects: results.map { _ in Effect(kind: .refused) })
    }

    /// What a script wants of one item of a request.
    func scriptedRefusal(_ ask: SalesforceAsk, item: Int) -> SalesforceRefusal? {
        if let end = ask.interference.endsSessionBeforeItem, item >= end {
            org.losesSessions = true
            return .badSession
        }
        guard ask.interference.fails(item: item) else { return nil }
        let error = ask.interference.batchError
        let code = error?.stringValue ?? Salesforce.code(of: error?.intValue ?? 400)
        return SalesforceRefusal(code, "The sandbox was told to answer this.", status: error?.intValue ?? 400)
    }

    private func typed(_ record: JSONValue, onlyType: String?) throws(SalesforceRefusal) -> (SalesforceObject, JSONObject) {
        guard let body = record.objectValue, let type = body["attributes"]?["type"]?.stringValue else {
            throw .unreadable("A record is an object with attributes, and they name its type")
        }
        guard let object = org.object(type) else {
            throw SalesforceRefusal("INVALID_TYPE", "sObject type '\(type.prefix(80))' is not supported.")
        }
        guard onlyType == nil || object.name == onlyType else {
            throw SalesforceRefusal("INVALID_TYPE", "The records of an upsert are all of the type in the URL.")
        }
        return (object, body)
    }

    /// Records by their ids; `null` for those that are not there.
    private func retrieve(_ ask: SalesforceAsk) throws(SalesforceRefusal) -> Answer {
        guard let object = org.object(ask.path[2]) else { throw .notFound }
        let ids: [String]
        let fields: [String]
        if ask.method == "GET" {
            ids = ask.query["ids"]?.split(separator: ",").map(String.init) ?? []
            fields = ask.query["fields"]?.split(separator: ",").map(String.init) ?? []
        } else {
            let body = try ask.object
            ids = body["ids"]?.arrayValue?.compactMap(\.stringValue) ?? []
            fields = body["fields"]?.arrayValue?.compactMap(\.stringValue) ?? []
        }
        guard !ids.isEmpty, !fields.isEmpty else { throw .unreadable("ids and fields are required") }
        guard ids.count <= 2_000 else { throw SalesforceRefusal("EXCEEDED_ID_LIMIT", "At most 2000 records are read in one call.") }
        var found: [JSONValue] = []
        for text in ids {
            let id = SalesforceID(text)
            let isThere = id.map { org.row($0, of: object.name) != nil } ?? false
            found.append(isThere ? try resource(object, try record(text, of: object), fields: fields) : .null)
        }
        return json(.array(found))
    }

    private func deleteCollection(_ ask: SalesforceAsk) throws(SalesforceRefusal) -> Answer {
        let ids = ask.query["ids"]?.split(separator: ",").map(String.init) ?? []
        guard (1...Self.limit).contains(ids.count) else {
            throw SalesforceRefusal("EXCEEDED_ID_LIMIT", "ids names 1 to \(Self.limit) records.")
        }
        var results: [JSONValue] = []
        for text in ids {
            do throws(SalesforceRefusal) {
                guard let object = org.objects.values.first(where: { text.hasPrefix($0.prefix) }) else {
                    throw SalesforceRefusal("MALFORMED_ID", "malformed id \(text.prefix(40))")
                }
                try remove(object, try record(text, of: object))
                results.append(["id": .string(text), "success": true, "errors": []])
            } catch {
                results.append(error.result)
            }
        }
        return json(.array(results))
    }
}
