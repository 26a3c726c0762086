/// One operation against a CRM, as the sync log keeps it.
package struct SyncLogEntry: Sendable, Hashable {
    package enum Operation: String, Sendable, CaseIterable {
        case validate, contact, event, batch, read, delete
    }

    package enum Outcome: String, Sendable, CaseIterable {
        case success, failed, retrying, dead, cancelled, merged, skipped
    }

    package var id: LogID
    package var at: Timestamp
    package var crmType: CRMType
    package var integration: IntegrationID?
    package var operation: Operation
    package var outcome: Outcome
    /// The ABI's status by name.
    package var status: String
    package var code: String
    package var detail: String
    package var durationMilliseconds: Int
    package var attempt: Int
    package var delivery: DeliveryID?
    package var requestID: String
    package var providerVersion: String
    /// Keyed hash of the contact in hexadecimal.
    package var contact: String?
    package var remoteID: String?
    package var httpStatus: Int?
    package var warnings: [JSONValue]

    package init(
        id: LogID, at: Timestamp, crmType: CRMType, integration: IntegrationID?, operation: Operation, outcome: Outcome, status: String,
        code: String, detail: String, durationMilliseconds: Int, attempt: Int, delivery: DeliveryID?, requestID: String,
        providerVersion: String, contact: String?, remoteID: String?, httpStatus: Int?, warnings: [JSONValue]
    ) {
        self.id = id
        self.at = at
        self.crmType = crmType
        self.integration = integration
        self.operation = operation
        self.outcome = outcome
        self.status = status
        self.code = code
        self.detail = detail
        self.durationMilliseconds = durationMilliseconds
        self.attempt = attempt
        self.delivery = delivery
        self.requestID = requestID
        self.providerVersion = providerVersion
        self.contact = contact
        self.remoteID = remoteID
        self.httpStatus = httpStatus
        self.warnings = warnings
    }
}

/// Which rows of the sync log a merchant asks for.
package struct SyncLogFilter: Sendable, Hashable {
    package var crmType: CRMType?
    package var operation: SyncLogEntry.Operation?
    package var outcome: SyncLogEntry.Outcome?
    /// A contact's identity as the client knows it; the store hashes it.
    package var contactIdentity: String?
    package var since: Timestamp?
    package var until: Timestamp?
    package var delivery: DeliveryID?

    package init() {}
}

/// A stretch of a list, and the cursor of the next one.
package struct Page<Element: Sendable>: Sendable {
    package var elements: [Element]
    package var next: PageCursor?

    package init(elements: [Element], next: PageCursor?) {
        self.elements = elements
        self.next = next
    }
}

/// The last row of a page: lists go from newest to oldest.
package struct PageCursor: Sendable, Hashable {
    package var at: Timestamp
    package var id: LogID

    package init(at: Timestamp, id: LogID) {
        self.at = at
        self.id = id
    }
}
