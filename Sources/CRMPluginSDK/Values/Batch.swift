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

/// What became of each item, in their order.
public struct BatchResult: Sendable {
    /// An item ends like an operation of its own: with the CRM's id, where it gave one, or with an error.
    public typealias Outcome = Result<String?, CRMError>

    public var items: [Outcome]
    /// The CRM's handle when it works on the batch later.
    public var job: JSONValue?

    public init(items: [Outcome], job: JSONValue? = nil) {
        self.items = items
        self.job = job
    }

    var json: JSONObject {
        var members: JSONObject = ["items": .array(items.map(Self.json))]
        members.set("job", job)
        return members
    }

    private static func json(_ outcome: Outcome) -> JSONValue {
        var members = JSONObject()
        switch outcome {
        case .success(let remoteID):
            members["status"] = 0
            members.set("remote_id", remoteID)
        case .failure(let error):
            members["status"] = .integer(error.status.rawValue)
            members["code"] = .string(error.code)
            members["message"] = .string(error.message)
            if let pause = error.retryAfter { members["retry_after_ms"] = .integer(pause.abiMilliseconds) }
        }
        return .object(members)
    }
}
