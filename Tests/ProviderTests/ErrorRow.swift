import CRMCore
import Testing

/// One row of a provider's error table: what the CRM answers, and what the host learns from it.
struct ErrorRow: Sendable {
    let name: String
    /// What the sandbox answers to the requests that the operation makes, one by one; empty: it answers by itself.
    let answers: [JSONValue]
    /// Only requests whose path begins so are answered by script; what a provider does before, a login, stays real.
    let path: String?
    let method: String?
    let operation: ProviderOperation
    /// Absent: a sample.
    let payload: JSONValue?
    let credentials: JSONValue?
    let settings: JSONObject?
    let timeout: Duration
    /// Of a batch: which of its items the expectations are about.
    let item: Int?

    let status: ProviderStatus
    let code: String
    let isRetryable: Bool
    let isAmbiguous: Bool
    let shouldRevalidate: Bool
    let retryAfter: Duration?
    let location: SourceLocation

    init(
        _ name: String, answers: [JSONValue] = [], path: String? = nil, method: String? = nil,
        operation: ProviderOperation = .createOrUpdateContact, payload: JSONValue? = nil, credentials: JSONValue? = nil,
        settings: JSONObject? = nil, timeout: Duration = .seconds(20), item: Int? = nil, status: ProviderStatus, code: String,
        retryable: Bool = false, ambiguous: Bool = false, revalidate: Bool = false, retryAfter: Duration? = nil,
        location: SourceLocation = #_sourceLocation
    ) {
        self.name = name
        self.answers = answers
        self.path = path
        self.method = method
        self.operation = operation
        self.payload = payload
        self.credentials = credentials
        self.settings = settings
        self.timeout = timeout
        self.item = item
        self.status = status
        self.code = code
        isRetryable = retryable
        isAmbiguous = ambiguous
        shouldRevalidate = revalidate
        self.retryAfter = retryAfter
        self.location = location
    }
}

extension ProviderGround {
    /// Performs the operation of each row, in an account of its own, and compares what comes back.
    func expect(_ rows: [ErrorRow]) async throws {
        for (number, row) in rows.enumerated() {
            let account = "row\(number)@shop.test"
            if !row.answers.isEmpty { try await script(row.answers, account: account, method: row.method, path: row.path) }
            let outcome = try await perform(
                row.operation, row.payload ?? Self.sample(row.operation), account: account, credentials: row.credentials,
                settings: row.settings, idempotencyKey: "row-\(number)", timeout: row.timeout)
            expect(row.item.map { outcome.item($0) } ?? outcome, row)
            try await removeScripts()
        }
    }

    private func expect(_ outcome: ProviderOutcome, _ row: ErrorRow) {
        let said = "\(row.name): \(outcome.status.name) \(outcome.code) \(outcome.message)"
        #expect(outcome.status == row.status, "\(said)", sourceLocation: row.location)
        #expect(outcome.code == row.code, "\(said)", sourceLocation: row.location)
        #expect(outcome.isRetryable == row.isRetryable, "\(said)", sourceLocation: row.location)
        #expect(outcome.isAmbiguous == row.isAmbiguous, "\(said)", sourceLocation: row.location)
        #expect(outcome.shouldRevalidate == row.shouldRevalidate, "\(said)", sourceLocation: row.location)
        #expect(outcome.retryAfter == row.retryAfter, "\(said)", sourceLocation: row.location)
        if row.status != .ok { #expect(!outcome.message.isEmpty, "\(said)", sourceLocation: row.location) }
    }

    static let contact: JSONValue = [
        "email": "grace@example.test", "external_id": "customer-7", "first_name": "Grace", "last_name": "Hopper",
    ]

    static let event: JSONValue = [
        "name": "Order Placed", "unique_id": "order-1001", "occurred_at": "2026-11-01T10:00:00Z",
        "value": ["amount": "19.98", "currency": "EUR"], "contact": contact, "properties": ["sku": "A1"],
    ]

    private static func sample(_ operation: ProviderOperation) -> JSONValue {
        switch operation {
        case .validateCredentials: [:]
        case .createOrUpdateContact: ["contact": contact]
        case .sendEvent: ["event": event]
        case .getContact: ["email": "grace@example.test"]
        case .batch: ["items": [["kind": "contact", "idempotency_key": "item-0", "contact": contact]]]
        }
    }
}

extension ProviderOutcome {
    /// What became of one item of a batch, as if it had been an operation of its own.
    func item(_ index: Int) -> ProviderOutcome {
        guard let items = payload["items"]?.arrayValue, items.indices.contains(index) else { return self }
        let item = items[index]
        let flags = item["flags"]?.intValue ?? 0
        return ProviderOutcome(
            status: ProviderStatus(rawValue: Int32(item["status"]?.intValue ?? -1)) ?? .internal, code: item["code"]?.stringValue ?? "",
            message: item["message"]?.stringValue ?? "", retryAfter: item["retry_after_ms"]?.intValue.map { .milliseconds($0) },
            isRetryable: flags & 1 != 0, isAmbiguous: flags & 2 != 0, shouldRevalidate: flags & 4 != 0, payload: item)
    }
}
