/// The rows of one object of one site, in the order in which they were inserted.
struct CreatioTable {
    typealias Row = [String: CreatioValue]

    /// Texts that callers search by: a demo's orders must not scan all contacts for each.
    private static let indexed: Set<String> = ["Email", "UsrExternalId", "UsrEventId", "Number", "Name"]

    let schema: CreatioSchema
    private(set) var rows: [CreatioID: Row] = [:]
    private var order: [CreatioID] = []
    private var places: [CreatioID: Int] = [:]
    private var lastPlace = 0
    /// Column, then the value in lower case, then the rows that hold it.
    private var index: [String: [String: Set<CreatioID>]] = [:]

    init(_ schema: CreatioSchema) { self.schema = schema }

    var count: Int { rows.count }
    var ids: [CreatioID] { order }

    static func isIndexed(_ column: String) -> Bool { indexed.contains(column) }

    /// Rows whose column holds the text in whatever case, in no order.
    func candidates(_ column: String, _ text: String) -> Set<CreatioID> { index[column]?[text.lowercased()] ?? [] }

    func inOrder(_ ids: Set<CreatioID>) -> [CreatioID] { ids.sorted { places[$0, default: 0] < places[$1, default: 0] } }

    mutating func insert(_ id: CreatioID, _ row: Row) {
        lastPlace += 1
        places[id] = lastPlace
        order.append(id)
        replace(id, row)
    }

    mutating func replace(_ id: CreatioID, _ row: Row) {
        updateIndex(id, old: rows[id] ?? [:], new: row)
        rows[id] = row
    }

    mutating func remove(_ id: CreatioID) {
        updateIndex(id, old: rows[id] ?? [:], new: [:])
        rows[id] = nil
        places[id] = nil
        order.removeAll { $0 == id }
    }

    private mutating func updateIndex(_ id: CreatioID, old: Row, new: Row) {
        for column in Self.indexed where old[column] != new[column] {
            if case .text(let text)? = old[column] { index[column]?[text.lowercased()]?.remove(id) }
            if case .text(let text)? = new[column] { index[column, default: [:]][text.lowercased(), default: []].insert(id) }
        }
    }
}
