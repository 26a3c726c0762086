internal import CRMCore

extension Route.Parameter {
    /// Of every list.
    static let paging = [
        Route.Parameter(
            name: "limit", place: .query, description: "How many at most.",
            schema: ["type": "integer", "minimum": 1, "maximum": 200, "default": 50]),
        Route.Parameter(name: "cursor", place: .query, description: "The next_cursor of the page before; everything else as it was then."),
    ]
}

extension Call {
    func limit() throws(Problem) -> Int {
        let limit = try query.value("limit", "a whole number from 1 to 200") { text in
            Int(text).flatMap { (1...200).contains($0) ? $0 : nil }
        }
        return limit ?? 50
    }

    /// Where the page begins, when the client says so.
    func cursor<Row>(_ read: (String) -> Row?) throws(Problem) -> Row? {
        guard let text = query["cursor"] else { return nil }
        guard let row = read(text) else { throw Problem(.invalidCursor, "The cursor does not belong to this list and filter.") }
        return row
    }

    /// A page of what has at most one element for each CRM, sorted by it: an element that comes or goes meanwhile moves no other.
    func page<Element>(
        _ name: String, of elements: [Element], by type: (Element) -> CRMType, for merchant: Merchant, _ json: (Element) -> JSONValue
    ) throws(Problem) -> Reply {
        let limit = try limit()
        let cursors = CursorText(signer: api.cursors, merchant: merchant.id, list: name, filter: .null)
        let after = try cursor { cursors.row($0).flatMap { CRMType(String(decoding: $0, as: UTF8.self)) } }
        let rest = elements.filter { element in after.map { type(element) > $0 } ?? true }.sorted { type($0) < type($1) }
        let page = rest.prefix(limit)
        let next = rest.count > limit ? page.last.map { cursors.text(Array(type($0).name.utf8)) } : nil
        return Reply(200, list(page.map(json), next: next))
    }
}
