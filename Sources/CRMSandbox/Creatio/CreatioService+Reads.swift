import CRMCore

extension CreatioService {
    func list(_ schema: CreatioSchema) throws(CreatioRefusal) -> Answer {
        let query = try CreatioQuery(request.query, in: schema, of: site)
        let ids = sorted(matching(query, schema), schema, query)
        let rows = ids.dropFirst(query.skip).prefix(query.top).compactMap { site.row(schema.name, $0) }
        var body: JSONObject = ["@odata.context": .string("\(root)/$metadata#\(schema.name)\(query.shape)")]
        if query.counts { body["@odata.count"] = .integer(ids.count) }
        body["value"] = .array(rows.map { .object(json($0, schema, query)) })
        return .json(.object(body), mediaType: Self.mediaType)
    }

    /// The bare number, as text.
    func count(_ schema: CreatioSchema) throws(CreatioRefusal) -> Answer {
        let query = try CreatioQuery(request.query, in: schema, of: site)
        return Answer(
            status: 200, headers: [("Content-Type", "text/plain; charset=utf-8")], body: Array(String(matching(query, schema).count).utf8))
    }

    func record(_ schema: CreatioSchema, _ id: CreatioID) throws(CreatioRefusal) -> Answer {
        let query = try CreatioQuery(request.query, in: schema, of: site, isRecord: true)
        guard let row = site.row(schema.name, id) else { throw .noRecord }
        return .json(recordJSON(row, schema, query), mediaType: Self.mediaType)
    }

    func recordJSON(_ row: CreatioTable.Row, _ schema: CreatioSchema, _ query: CreatioQuery) -> JSONValue {
        var body: JSONObject = ["@odata.context": .string("\(root)/$metadata#\(schema.name)\(query.shape)/$entity")]
        for (name, value) in json(row, schema, query) { body[name] = value }
        return .object(body)
    }

    /// In the order in which they were inserted.
    private func matching(_ query: CreatioQuery, _ schema: CreatioSchema) -> [CreatioID] {
        guard let table = site.tables[schema.name] else { return [] }
        guard let condition = query.condition else { return table.ids }
        let ids = condition.candidates(in: table).map(table.inOrder) ?? table.ids
        return ids.filter { id in table.rows[id].map { condition.holds(for: $0, of: site) } ?? false }
    }

    private func sorted(_ ids: [CreatioID], _ schema: CreatioSchema, _ query: CreatioQuery) -> [CreatioID] {
        guard !query.order.isEmpty, ids.count > 1 else { return ids }
        let keyed = ids.enumerated().map { place, id in
            let row = site.row(schema.name, id) ?? [:]
            return (id: id, place: place, keys: query.order.map { $0.path.value(in: row, of: site) })
        }
        let ordered = keyed.sorted { left, right in
            for (index, part) in query.order.enumerated() {
                if left.keys[index] == right.keys[index] { continue }
                return CreatioValue.isBefore(left.keys[index], right.keys[index]) != part.isDescending
            }
            return left.place < right.place
        }
        return ordered.map(\.id)
    }

    private func json(_ row: CreatioTable.Row, _ schema: CreatioSchema, _ query: CreatioQuery) -> JSONObject {
        var members = Self.members(row, query.columns ?? schema.columns, decimalsAsText: writesDecimalsAsText)
        for expansion in query.expansions {
            guard let name = expansion.navigation.navigation else { continue }
            members[name] = .null
            if case .guid(let id)? = row[expansion.navigation.name], let target = site.row(expansion.schema.name, id) {
                members[name] = .object(
                    Self.members(target, expansion.columns ?? expansion.schema.columns, decimalsAsText: writesDecimalsAsText))
            }
        }
        return members
    }

    private var writesDecimalsAsText: Bool { Self.isCompatible(request.header("accept")) }

    /// Whether a media type asks for decimals as texts.
    static func isCompatible(_ mediaType: String?) -> Bool { mediaType?.lowercased().contains("ieee754compatible=true") ?? false }

    private static func members(_ row: CreatioTable.Row, _ columns: [CreatioColumn], decimalsAsText: Bool) -> JSONObject {
        JSONObject(columns.map { ($0.name, $0.json(row[$0.name], decimalsAsText: decimalsAsText)) })
    }
}

extension CreatioValue {
    /// What is empty comes first.
    fileprivate static func isBefore(_ left: CreatioValue?, _ right: CreatioValue?) -> Bool {
        switch (left, right) {
        case (nil, _): right != nil
        case (_, nil): false
        case (.text(let left), .text(let right)): left < right
        case (.date(let left), .date(let right)): left < right
        case (.guid(let left), .guid(let right)): left < right
        case (.bool(let left), .bool(let right)): !left && right
        default: CreatioCondition.number(left) < CreatioCondition.number(right)
        }
    }
}
