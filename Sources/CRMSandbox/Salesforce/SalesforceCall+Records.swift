import CRMCore

extension SalesforceCall {
    func create(_ object: SalesforceObject, _ ask: SalesforceAsk) throws(SalesforceRefusal) -> Answer {
        let done = try insert(object, try ask.object, allowsDuplicates: ask.allowsDuplicates)
        return json(done.result(showsCreated: false), status: 201, effects: [done.effect])
    }

    func update(_ object: SalesforceObject, _ id: SalesforceID, _ ask: SalesforceAsk) throws(SalesforceRefusal) -> Answer {
        let done = try change(object, id, try ask.object, allowsDuplicates: ask.allowsDuplicates)
        return Answer(status: 204, effects: [done.effect])
    }

    /// The key stands in the URL and must not stand in the body again.
    func upsert(
        _ object: SalesforceObject, _ field: SalesforceField, _ value: String, _ ask: SalesforceAsk
    ) throws(SalesforceRefusal) -> Answer {
        let body = try ask.object
        if body.keys.contains(where: { $0.lowercased() == field.name.lowercased() }) {
            throw SalesforceRefusal(
                "INVALID_FIELD", "The \(field.name) field should not be specified in the sobject data.", fields: [field.name])
        }
        let updateOnly = ask.query["updateOnly"]?.lowercased() == "true"
        let done = try upsert(object, field, value, body, allowsDuplicates: ask.allowsDuplicates, updateOnly: updateOnly)
        // Before 46.0 an update had nothing to say.
        if !done.isNew, version < 46 { return Answer(status: 204, effects: [done.effect]) }
        return json(done.result(showsCreated: version >= 46), status: done.isNew ? 201 : 200, effects: [done.effect])
    }

    func read(_ object: SalesforceObject, _ id: SalesforceID, _ ask: SalesforceAsk) throws(SalesforceRefusal) -> Answer {
        json(try resource(object, id, fields: ask.query["fields"]?.split(separator: ",").map(String.init)))
    }

    func delete(_ object: SalesforceObject, _ id: SalesforceID) throws(SalesforceRefusal) -> Answer {
        try remove(object, id)
        return Answer(status: 204)
    }

    func remove(_ object: SalesforceObject, _ id: SalesforceID) throws(SalesforceRefusal) {
        guard object.isWritable else { throw Self.noAccess }
        org.tables[object.name]?.delete(id)
    }

    /// The whole record, or the named columns and nothing else.
    func resource(_ object: SalesforceObject, _ id: SalesforceID, fields: [String]?) throws(SalesforceRefusal) -> JSONValue {
        var wanted = object.fields.filter { !org.isHidden($0, of: object) }
        if let fields {
            wanted = []
            for name in fields {
                guard let field = object.field(name), !org.isHidden(field, of: object) else { throw .noColumn(name, of: object.name) }
                wanted.append(field)
            }
        }
        let row = org.row(id, of: object.name) ?? [:]
        var members: JSONObject = ["attributes": attributes(object, id)]
        for field in wanted { members[field.name] = row[field.name] ?? .null }
        return .object(members)
    }

    func attributes(_ object: SalesforceObject, _ id: SalesforceID) -> JSONValue {
        ["type": .string(object.name), "url": .string(link(object, id))]
    }

    func link(_ object: SalesforceObject, _ id: SalesforceID) -> String { "\(root)/sobjects/\(object.name)/\(id.text)" }

    // MARK: Finding

    func record(_ text: String, of object: SalesforceObject) throws(SalesforceRefusal) -> SalesforceID {
        guard SalesforceID.looksLike(text), !object.isEvent else { throw .notFound }
        guard let id = SalesforceID(text), id.prefix == object.prefix else {
            throw SalesforceRefusal("MALFORMED_ID", "malformed id \(text)")
        }
        guard org.row(id, of: object.name) != nil else { throw .notFound }
        return id
    }

    /// Only columns that are declared as external ids, and the id itself, find records by their value.
    func key(_ name: String, of object: SalesforceObject) throws(SalesforceRefusal) -> SalesforceField {
        guard let field = object.field(name), field.isExternalID || field.name == "Id", !object.isEvent, !org.isHidden(field, of: object)
        else { throw .notFound }
        return field
    }

    func onlyRecord(_ object: SalesforceObject, _ field: SalesforceField, _ value: String) throws(SalesforceRefusal) -> SalesforceID {
        guard let id = try recordIfAny(object, field, value) else { throw .notFound }
        return id
    }

    func recordIfAny(_ object: SalesforceObject, _ field: SalesforceField, _ value: String) throws(SalesforceRefusal) -> SalesforceID? {
        if field.name == "Id" { return try record(value, of: object) }
        let found = org.tables[object.name]?.ids(where: field, equals: value) ?? []
        guard found.count > 1 else { return found.first }
        var refusal = SalesforceRefusal(
            "DUPLICATE_EXTERNAL_ID", "More than one record found for external id field: \(field.name)", fields: [field.name], status: 300)
        refusal.matches = found.map { .string(link(object, $0)) }
        throw refusal
    }

    static let noAccess = SalesforceRefusal(
        "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", status: 403)
}
