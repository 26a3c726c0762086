import CRMCore

/// What the places of a template stand for while one request is answered.
struct TemplateScope {
    let request: Request
    let parameters: [String: String]
    let account: String?
    let body: JSONValue
    let now: Timestamp
    let counter: SerialCounter
    var item: JSONValue?
    var record: ScriptedRecord?
    var listed: [ScriptedRecord] = []
    /// What the answer's own parts come to: `records`, `count`, `items`, `failures`, `status`, `code`, `message`.
    var parts: [String: JSONValue] = [:]

    func value(at place: Place) -> JSONValue? {
        let whole: JSONValue? =
            switch (place.root, place.member) {
            case ("path", let name?): parameters[name].map(JSONValue.string)
            case ("query", let name?): request.query[name].map(JSONValue.string)
            case ("header", let name?): request.header(name).map(JSONValue.string)
            case ("record", "id"): record.map { .string($0.id) }
            case ("record", "key"): record?.key.map(JSONValue.string)
            case ("record", "created"): record.map { .string($0.created.description) }
            case ("record", "updated"): record.map { .string($0.updated.description) }
            case ("record", nil): record?.value
            case ("body", nil): body
            case ("item", nil): item
            case ("account", nil): account.map(JSONValue.string)
            case ("now", nil): .string(now.description)
            case ("now_ms", nil): .integer(now.milliseconds)
            case ("counter", nil): .string(String(counter.next()))
            default: parts[place.root]
            }
        return whole.flatMap { place.pointer.value(in: $0) }
    }
}

/// Numbers that never repeat while the sandbox runs.
final class SerialCounter {
    private var last = 1_000

    func next() -> Int {
        last += 1
        return last
    }
}
