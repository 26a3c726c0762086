import CRMCore

/// A query against one organization's records.
struct SalesforceSearch {
    let org: SalesforceOrg
    let object: SalesforceObject
    let query: SalesforceQuery

    /// Each column as the way to it: through parents to the field.
    var columns: [[SalesforceField]] {
        get throws(SalesforceRefusal) {
            var columns: [[SalesforceField]] = []
            for name in query.columns { columns.append(try path(name)) }
            return columns
        }
    }

    func run() throws(SalesforceRefusal) -> [SalesforceID] {
        _ = try columns
        let test = try query.condition.map { condition throws(SalesforceRefusal) in try self.test(condition) }
        var found = try candidates().filter { test?($0) ?? true }
        var keys: [(path: [SalesforceField], order: SalesforceQuery.Order)] = []
        for order in query.order {
            let path = try path(order.column)
            guard path.last?.isFilterable == true else { throw Self.notPossible(order.column, "sorted") }
            keys.append((path, order))
        }
        if !keys.isEmpty { found = sorted(found, by: keys) }
        return Array(found.dropFirst(query.offset).prefix(query.limit ?? Int.max))
    }

    /// What the index knows when a condition that must hold names a value of it; otherwise everything.
    private func candidates() throws(SalesforceRefusal) -> [SalesforceID] {
        guard let table = org.tables[object.name] else { return [] }
        let conditions: [SalesforceQuery.Condition]
        if case .all(let all) = query.condition { conditions = all } else { conditions = query.condition.map { [$0] } ?? [] }
        for case .comparison(let column, let comparison, let values) in conditions {
            guard comparison == .equal || comparison == .isIn, let field = object.field(column) else { continue }
            let texts = values.compactMap { if case .text(let text) = $0 { text } else { nil } }
            guard texts.count == values.count else { continue }
            if field.name == "Id" { return Set(texts.compactMap { SalesforceID($0) }).filter { table.rows[$0] != nil }.sorted() }
            if field.isIndexed, field.relationship == nil { return Set(texts.flatMap { table.ids(where: field, equals: $0) }).sorted() }
        }
        return table.order
    }

    // MARK: Columns

    private func path(_ name: String) throws(SalesforceRefusal) -> [SalesforceField] {
        var steps = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)[...]
        var current = object
        var path: [SalesforceField] = []
        while steps.count > 1, let step = steps.popFirst() {
            guard let field = current.reference(through: step), let target = field.relationship?.targets.first,
                let parent = org.object(target), path.count < 5
            else {
                throw SalesforceRefusal("INVALID_FIELD", "Didn't understand relationship '\(step.prefix(80))' in field path.")
            }
            path.append(field)
            current = parent
        }
        guard let last = steps.first, let field = current.field(last), !org.isHidden(field, of: current) else {
            throw SalesforceRefusal("INVALID_FIELD", "No such column '\(name.prefix(80))' on entity '\(current.name)'.")
        }
        return path + [field]
    }

    private func value(_ path: ArraySlice<SalesforceField>, of id: SalesforceID, in object: String) -> JSONValue {
        guard let field = path.first else { return .null }
        let value = org.row(id, of: object)?[field.name] ?? .null
        guard path.count > 1 else { return value }
        guard let parent = value.stringValue.flatMap({ SalesforceID($0) }), let target = field.relationship?.targets.first,
            let owner = org.object(target)
        else { return .null }
        return self.value(path.dropFirst(), of: parent, in: owner.name)
    }

    // MARK: Conditions

    private func test(_ condition: SalesforceQuery.Condition) throws(SalesforceRefusal) -> (SalesforceID) -> Bool {
        switch condition {
        case .all(let parts):
            let tests = try tests(parts)
            return { id in tests.allSatisfy { $0(id) } }
        case .any(let parts):
            let tests = try tests(parts)
            return { id in tests.contains { $0(id) } }
        case .not(let inner):
            let test = try test(inner)
            return { !test($0) }
        case .comparison(let column, let comparison, let literals):
            let path = try path(column)
            guard let field = path.last, field.isFilterable else { throw Self.notPossible(column, "filtered") }
            let match = try SalesforceMatch(field, comparison, literals)
            return { match.accepts(value(path[...], of: $0, in: object.name)) }
        }
    }

    private func tests(_ parts: [SalesforceQuery.Condition]) throws(SalesforceRefusal) -> [(SalesforceID) -> Bool] {
        var tests: [(SalesforceID) -> Bool] = []
        for part in parts { tests.append(try test(part)) }
        return tests
    }

    private func sorted(
        _ ids: [SalesforceID], by keys: [(path: [SalesforceField], order: SalesforceQuery.Order)]
    ) -> [SalesforceID] {
        let rows = ids.map { id in (id, keys.map { value($0.path[...], of: id, in: object.name) }) }
        let sorted = rows.sorted { left, right in
            for (index, key) in keys.enumerated() {
                let (a, b) = (left.1[index], right.1[index])
                if a == b { continue }
                if a.isNull || b.isNull { return a.isNull != key.order.nullsLast }
                return SalesforceMatch.isBefore(a, b) != key.order.isDescending
            }
            return left.0 < right.0
        }
        return sorted.map(\.0)
    }

    private static func notPossible(_ column: String, _ what: String) -> SalesforceRefusal {
        SalesforceRefusal("INVALID_FIELD", "field '\(column.prefix(80))' can not be \(what) in a query call")
    }
}
