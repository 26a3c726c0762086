internal import CRMCore

/// What happened to what was sent.
enum LogRoutes {
    private static let moment: JSONValue = ["type": "string", "format": "date-time"]
    private static let id: JSONValue = ["type": "string", "format": "uuid"]

    static let all: [Route] = [
        Route(
            method: .get, path: "/crm/sync-logs", operation: "listSyncLogs", tag: .logs, summary: "List operations against CRMs",
            description: "Newest first: every attempt, every validation and every read.",
            parameters: [
                query("crm_type", "Of this CRM.", ["type": "string"]),
                query("operation", "Of this kind.", choices(SyncLogEntry.Operation.allCases.map(\.rawValue))),
                query("outcome", "That ended so.", choices(SyncLogEntry.Outcome.allCases.map(\.rawValue))),
                query("contact", "About this contact: its external_id, e-mail address or phone number.", ["type": "string"]),
                query("since", "At this time or later.", moment), query("until", "Before this time.", moment),
                query("delivery_id", "Of this delivery.", id),
            ] + Route.Parameter.paging,
            answers: [Route.Answer(status: 200, description: "A page of the log.", schema: "SyncLogList", example: Examples.syncLogs)],
            problems: [.invalidCursor], handler: .merchant(syncLogs)),
        Route(
            method: .get, path: "/crm/deliveries/{delivery_id}", operation: "readDelivery", tag: .logs,
            summary: "See what became of a delivery",
            parameters: [Route.Parameter(name: "delivery_id", place: .path, description: "From the answer that accepted it.", schema: id)],
            answers: [Route.Answer(status: 200, description: "The delivery.", schema: "Delivery", example: Examples.delivery)],
            problems: [.deliveryNotFound], handler: .merchant(delivery)),
    ]

    private static func query(_ name: String, _ description: String, _ schema: JSONValue) -> Route.Parameter {
        Route.Parameter(name: name, place: .query, description: description, schema: schema)
    }

    private static func choices(_ values: [String]) -> JSONValue { ["type": "string", "enum": .array(values.map(JSONValue.string))] }

    private static func delivery(_ call: Call, _ merchant: Merchant) async throws(Problem) -> Reply {
        let missing = Problem(.deliveryNotFound, "There is no such delivery.")
        guard let id = DeliveryID(call.parameters["delivery_id"] ?? "") else { throw missing }
        let found = try await asking { () async throws(StoreError) in try await call.api.deliveries.delivery(merchant.id, id) }
        guard let found else { throw missing }
        return Reply(200, found.held(by: call.api.providers).json)
    }

    private static func syncLogs(_ call: Call, _ merchant: Merchant) async throws(Problem) -> Reply {
        let filter = try filter(call.query)
        let limit = try call.limit()
        let cursors = CursorText(signer: call.api.cursors, merchant: merchant.id, list: "sync-logs", filter: filter.json)
        let after = try call.cursor { cursors.row($0).flatMap(PageCursor.init(row:)) }
        let page = try await asking { () async throws(StoreError) in
            try await call.api.syncLogs.syncLogs(of: merchant.id, filter, after: after, limit: limit)
        }
        return Reply(200, list(page.elements.map(\.json), next: page.next.map { cursors.text($0.row) }))
    }

    private static func filter(_ query: QueryString) throws(Problem) -> SyncLogFilter {
        var filter = SyncLogFilter()
        filter.crmType = try query.value("crm_type", "the name of a CRM", CRMType.init)
        filter.operation = try query.value("operation", "one of \(names(SyncLogEntry.Operation.self))", SyncLogEntry.Operation.init)
        filter.outcome = try query.value("outcome", "one of \(names(SyncLogEntry.Outcome.self))", SyncLogEntry.Outcome.init)
        filter.contactIdentity = query["contact"].map(ContactInput.identity(inSearch:))
        filter.since = try query.value("since", "a time as RFC 3339 writes it", Timestamp.init(rfc3339:))
        filter.until = try query.value("until", "a time as RFC 3339 writes it", Timestamp.init(rfc3339:))
        filter.delivery = try query.value("delivery_id", "a delivery's id") { DeliveryID($0) }
        return filter
    }

    private static func names<Choice: CaseIterable & RawRepresentable<String>>(_: Choice.Type) -> String {
        Choice.allCases.map(\.rawValue).joined(separator: ", ")
    }
}

extension SyncLogFilter {
    /// For the cursor, which belongs to one filter.
    fileprivate var json: JSONValue {
        [
            .optional(crmType?.name), .optional(operation?.rawValue), .optional(outcome?.rawValue), .optional(contactIdentity),
            .optional(since.map { String($0.microseconds) }), .optional(until.map { String($0.microseconds) }),
            .optional(delivery?.description),
        ]
    }
}
