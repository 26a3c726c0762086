import CRMCore

/// An event in a request body that passed Klaviyo's checks, its profile apart.
struct KlaviyoEventInput {
    static let sizeLimit = 5_000_000
    static let stringLimit = 100_000
    private static let propertyLimit = 400
    private static let metricNameLimit = 128
    /// 1990-01-01T00:00:00Z.
    private static let earliest = Timestamp(seconds: 631_152_000)
    private static let members: Set<String> = ["properties", "time", "value", "value_currency", "unique_id", "backfill", "metric"]

    let properties: JSONObject
    /// Cut to the second.
    let time: Timestamp
    let value: JSONValue
    let currency: String?
    let uniqueID: String?
    let metric: String

    init(_ attributes: KlaviyoField, otherMembers: Set<String>, at now: Timestamp) throws(KlaviyoRefusal) {
        try attributes.onlyMembers(Self.members.union(otherMembers), of: "event")
        let properties = try attributes.required("properties")
        self.properties = try properties.object()
        guard self.properties.count <= Self.propertyLimit else {
            throw .invalid("An event holds at most \(Self.propertyLimit) properties.", at: properties.pointer)
        }
        time = try Self.time(attributes.optional("time"), at: now)
        uniqueID = try Self.uniqueID(attributes.optional("unique_id"))
        (value, currency) = try Self.value(attributes)
        _ = try attributes.optional("backfill")?.bool()
        metric = try Self.metric(attributes.required("metric"))
    }

    /// What an event is known by: its own id, or for want of one its second.
    var repetitionKey: String { uniqueID.map { "id:\($0)" } ?? "second:\(time.seconds)" }

    private static func time(_ field: KlaviyoField?, at now: Timestamp) throws(KlaviyoRefusal) -> Timestamp {
        guard let field else { return Timestamp(seconds: now.seconds) }
        guard let time = Timestamp(rfc3339: try field.string()) else {
            throw .invalid("'time' must be an ISO 8601 date-time with an offset.", at: field.pointer)
        }
        guard time > earliest, time <= now + .seconds(365 * 86_400) else {
            throw .invalid("'time' must be after 1990 and at most a year in the future.", at: field.pointer)
        }
        return Timestamp(seconds: time.seconds)
    }

    private static func uniqueID(_ field: KlaviyoField?) throws(KlaviyoRefusal) -> String? {
        guard let field else { return nil }
        let id = try field.string()
        guard !id.isEmpty else { throw .invalid("'unique_id' must not be empty.", at: field.pointer) }
        return id
    }

    private static func value(_ attributes: KlaviyoField) throws(KlaviyoRefusal) -> (JSONValue, String?) {
        let value = attributes.optional("value")
        if let value, value.value.doubleValue == nil { throw .invalid("'value' must be a number.", at: value.pointer) }
        guard let currency = attributes.optional("value_currency") else { return (value?.value ?? .null, nil) }
        let code = try currency.string()
        guard code.utf8.count == 3, code.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) else {
            throw .invalid("'value_currency' must be an ISO 4217 code such as EUR.", at: currency.pointer)
        }
        return (value?.value ?? .null, code)
    }

    private static func metric(_ field: KlaviyoField) throws(KlaviyoRefusal) -> String {
        try field.onlyMembers(["data"], of: "metric")
        let attributes = try field.required("data").resource("metric").required("attributes")
        try attributes.onlyMembers(["name", "service"], of: "metric")
        let name = try attributes.required("name")
        let text = try name.string()
        guard !text.isEmpty, text.count < metricNameLimit else {
            throw .invalid("A metric's name has 1 to \(metricNameLimit - 1) characters.", at: name.pointer)
        }
        return text
    }
}

extension KlaviyoField {
    /// No single string in an event's body may be longer than Klaviyo takes.
    func checkStrings() throws(KlaviyoRefusal) {
        guard value.longestString <= KlaviyoEventInput.stringLimit else {
            throw .invalid("A single string holds at most \(KlaviyoEventInput.stringLimit) bytes.", at: pointer)
        }
    }
}

extension JSONValue {
    fileprivate var longestString: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .array(let elements): elements.reduce(0) { max($0, $1.longestString) }
        case .object(let members): members.reduce(0) { max($0, $1.key.utf8.count, $1.value.longestString) }
        default: 0
        }
    }
}
