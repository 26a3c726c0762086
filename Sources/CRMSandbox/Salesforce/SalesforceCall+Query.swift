import CRMCore

extension SalesforceCall {
    /// A query, or the rest of one: `query?q=…` and `query/{cursor}`.
    func query(_ ask: SalesforceAsk) throws(SalesforceRefusal) -> Answer {
        guard ask.method == "GET" else { throw .method(ask.method, allowed: "GET,HEAD") }
        if ask.path.count == 2 { return json(try rest(of: ask.path[1])) }
        guard ask.path.count == 1, let text = ask.query["q"] else { throw .malformedQuery("The parameter q holds the query.") }
        let query = try SalesforceQuery(text)
        guard let object = org.object(query.object), !object.isEvent else {
            throw SalesforceRefusal("INVALID_TYPE", "sObject type '\(query.object.prefix(80))' is not supported.")
        }
        let search = SalesforceSearch(org: org, object: object, query: query)
        let found = try search.run()
        if query.countsOnly { return json(["totalSize": .integer(found.count), "done": true, "records": []]) }
        var records: [JSONValue] = []
        for id in found {
            var members: JSONObject = ["attributes": attributes(object, id)]
            for column in try search.columns { add(column[...], to: &members, object, id) }
            records.append(.object(members))
        }
        return json(page(records, of: ask.batchSize))
    }

    private func page(_ records: [JSONValue], of size: Int) -> JSONValue {
        guard records.count > size else { return document(records[...], total: records.count, next: nil) }
        let id = String(SalesforceID(prefix: "01g", serial: serials.next()).text)
        // As many as an organization's user may keep open.
        if org.cursors.count >= 10 { org.cursors.removeFirst() }
        org.cursors.append((id, records, size))
        return document(records[..<size], total: records.count, next: "\(id)-\(size)")
    }

    private func rest(of locator: String) throws(SalesforceRefusal) -> JSONValue {
        let parts = locator.split(separator: "-")
        guard parts.count == 2, let start = Int(parts[1]), let cursor = org.cursors.first(where: { $0.id == parts[0] }),
            (1..<cursor.records.count).contains(start)
        else { throw SalesforceRefusal("INVALID_QUERY_LOCATOR", "invalid query locator") }
        let end = min(start + cursor.size, cursor.records.count)
        return document(
            cursor.records[start..<end], total: cursor.records.count, next: end < cursor.records.count ? "\(cursor.id)-\(end)" : nil)
    }

    private func document(_ records: ArraySlice<JSONValue>, total: Int, next: String?) -> JSONValue {
        var members: JSONObject = ["totalSize": .integer(total), "done": .bool(next == nil)]
        members.set("nextRecordsUrl", next.map { "\(root)/query/\($0)" })
        members["records"] = .array(Array(records))
        return .object(members)
    }

    /// A column of the record itself, or of one that it points to; then the parent is an object within.
    private func add(_ column: ArraySlice<SalesforceField>, to members: inout JSONObject, _ object: SalesforceObject, _ id: SalesforceID) {
        guard let first = column.first else { return }
        let value = org.row(id, of: object.name)?[first.name] ?? .null
        guard let (relationship, targets) = first.relationship, column.count > 1 else {
            members[first.name] = value
            return
        }
        guard let parent = value.stringValue.flatMap({ SalesforceID($0) }),
            let owner = targets.compactMap({ org.object($0) }).first(where: { $0.prefix == parent.prefix })
        else {
            members[relationship] = .null
            return
        }
        var inner = members[relationship]?.objectValue ?? ["attributes": attributes(owner, parent)]
        add(column.dropFirst(), to: &inner, owner, parent)
        members[relationship] = .object(inner)
    }
}
