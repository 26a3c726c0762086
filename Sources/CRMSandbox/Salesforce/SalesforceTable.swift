import CRMCore

/// The records of one object, found by id and by the columns that have an index.
struct SalesforceTable {
    /// By the column's own name; what is absent is null.
    typealias Row = [String: JSONValue]

    private(set) var rows: [SalesforceID: Row] = [:]
    /// In the order in which they came into being.
    private(set) var order: [SalesforceID] = []
    private var index: [String: [String: [SalesforceID]]] = [:]
    private let indexed: [SalesforceField]

    init(_ object: SalesforceObject) { indexed = object.fields.filter(\.isIndexed) }

    var count: Int { rows.count }

    func ids(where field: SalesforceField, equals text: String) -> [SalesforceID] {
        index[field.name]?[Self.key(text, field)] ?? []
    }

    mutating func insert(_ row: Row, _ id: SalesforceID) {
        rows[id] = row
        order.append(id)
        for field in indexed { add(row[field.name], field, id) }
    }

    mutating func update(_ id: SalesforceID, with changes: Row) {
        guard let old = rows[id] else { return }
        rows[id]?.merge(changes) { $1 }
        for field in indexed {
            guard let new = changes[field.name], new != old[field.name] else { continue }
            remove(old[field.name], field, id)
            add(new, field, id)
        }
    }

    mutating func delete(_ id: SalesforceID) {
        guard let old = rows.removeValue(forKey: id) else { return }
        order.removeAll { $0 == id }
        for field in indexed { remove(old[field.name], field, id) }
    }

    private mutating func add(_ value: JSONValue?, _ field: SalesforceField, _ id: SalesforceID) {
        guard let text = value?.stringValue else { return }
        index[field.name, default: [:]][Self.key(text, field), default: []].append(id)
    }

    private mutating func remove(_ value: JSONValue?, _ field: SalesforceField, _ id: SalesforceID) {
        guard let text = value?.stringValue else { return }
        index[field.name]?[Self.key(text, field)]?.removeAll { $0 == id }
    }

    private static func key(_ text: String, _ field: SalesforceField) -> String { field.isCaseSensitive ? text : text.lowercased() }
}
