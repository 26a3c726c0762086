/// One write among many that travel together (`schemas/batch.request.json`).
public struct BatchItem: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case contact(Contact)
        case event(Event)
    }

    public var kind: Kind
    public var idempotencyKey: String

    public init(_ kind: Kind, idempotencyKey: String) {
        self.kind = kind
        self.idempotencyKey = idempotencyKey
    }

    init(_ reader: PayloadReader) throws(CRMError) {
        let key = try reader.required("idempotency_key", try reader.string("idempotency_key").nonEmpty)
        switch try reader.string("kind") {
        case "contact": self.init(.contact(try Contact(try reader.required("contact", try reader.reader("contact")))), idempotencyKey: key)
        case "event": self.init(.event(try Event(try reader.required("event", try reader.reader("event")))), idempotencyKey: key)
        default: throw reader.refusal("kind", "is neither contact nor event")
        }
    }

    static func list(_ reader: PayloadReader) throws(CRMError) -> [BatchItem] {
        var items: [BatchItem] = []
        for (index, value) in try reader.required("items", try reader.array("items")).enumerated() {
            items.append(try BatchItem(try PayloadReader(value, at: "/items/\(index)")))
        }
        return items
    }
}

/// What became of each item, in their order. What ended the batch as a whole is thrown instead.
public struct BatchResult: Sendable {
    /// An item ends like an operation of its own: with the CRM's id, where it gave one, or with an error.
    public enum Outcome: Sendable {
        case success(remoteID: String?, warnings: [Warning] = [])
        case failure(CRMError, warnings: [Warning] = [])
    }

    public var items: [Outcome]
    /// The CRM's handle when it works on the batch later.
    public var job: JSONValue?

    public init(items: [Outcome], job: JSONValue? = nil) {
        self.items = items
        self.job = job
    }

    var json: JSONObject {
        var members: JSONObject = ["items": .array(items.map(\.json))]
        members.set("job", job)
        return members
    }
}

extension BatchResult.Outcome {
    var json: JSONValue {
        var members: JSONObject
        let warnings: [Warning]
        switch self {
        case .success(let remoteID, let noted):
            members = ["status": 0]
            members.set("remote_id", remoteID)
            warnings = noted
        case .failure(let error, let noted):
            members = ["status": .integer(error.status.rawValue), "code": .string(error.code), "message": .string(error.message)]
            if let pause = error.retryAfter { members["retry_after_ms"] = .integer(pause.abiMilliseconds) }
            if !error.flags.isEmpty { members["flags"] = .integer(error.flags.rawValue) }
            warnings = noted
        }
        if !warnings.isEmpty { members["warnings"] = .array(warnings.map(\.json)) }
        return .object(members)
    }
}
