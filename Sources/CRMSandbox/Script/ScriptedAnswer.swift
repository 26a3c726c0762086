import CRMCore

/// One answer of a script: what happens to one request.
struct ScriptedAnswer {
    enum Action {
        case real
        case fixed(Fixed)
        /// Hang up and do nothing.
        case cutBefore
        /// Do what was asked, then hang up.
        case cutAfter
    }

    enum SessionEnd: String { case before, after }

    var delay = Duration.zero
    var action = Action.real
    /// Whoever sends the request is logged out everywhere, before it is looked at or after it is done.
    var endsSession: SessionEnd?
    var interference = Interference()
    var manner = Manner.whole
    /// As it was sent, for `GET /script`.
    let source: JSONValue
}

extension ScriptedAnswer {
    private static let ownMembers: Set<String> = [
        "delay_ms", "cut", "end_session", "batch_failures", "batch_error", "end_session_at_item", "drip_ms", "truncate_at",
    ]

    init(_ source: JSONValue) throws(SetupError) {
        self.source = source
        if source.stringValue == "real" { return }
        if let status = source.intValue {
            guard (200...299).contains(status) || (400...599).contains(status) else {
                throw SetupError("A number alone is a status: 200 to 299 for the real answer, 400 to 599 for the service's own words.")
            }
            if status >= 400 { action = .fixed(Fixed(status: status)) }
            return
        }
        guard let object = source.objectValue else {
            throw SetupError("An answer is \"real\", a status, or an object such as {\"status\": 429, \"retry_after\": 3}.")
        }
        let members = Self.ownMembers.union(Fixed.members)
        if let unknown = object.keys.first(where: { !members.contains($0) }) {
            throw SetupError(
                "An answer has no member \"\(unknown.prefix(40))\"; it knows \(members.sorted().joined(separator: ", ")).")
        }
        delay = try Self.milliseconds("delay_ms", object) ?? .zero
        interference = try Interference(object)
        endsSession = try Self.sessionEnd(object)
        manner = try Self.manner(object)
        switch object["cut"]?.stringValue {
        case "before": action = .cutBefore
        case "after": action = .cutAfter
        case nil where object["cut"] == nil: if let fixed = try Fixed(object) { action = .fixed(fixed) }
        default: throw SetupError("`cut` is \"before\" or \"after\".")
        }
    }

    private static func sessionEnd(_ object: JSONObject) throws(SetupError) -> SessionEnd? {
        guard let value = object["end_session"] else { return nil }
        if value == true { return .before }
        guard let end = value.stringValue.flatMap(SessionEnd.init(rawValue:)) else {
            throw SetupError("`end_session` is \"before\", \"after\" or true, which means before.")
        }
        return end
    }

    private static func manner(_ object: JSONObject) throws(SetupError) -> Manner {
        if let time = try milliseconds("drip_ms", object) {
            guard object["truncate_at"] == nil else { throw SetupError("`drip_ms` and `truncate_at` exclude each other.") }
            return .dripped(over: time)
        }
        guard let end = object["truncate_at"] else { return .whole }
        guard let count = end.intValue, count >= 0 else { throw SetupError("`truncate_at` is a number of bytes.") }
        return .truncated(after: count)
    }

    private static func milliseconds(_ name: String, _ object: JSONObject) throws(SetupError) -> Duration? {
        guard let value = object[name] else { return nil }
        guard let count = value.intValue, (0...600_000).contains(count) else { throw SetupError("`\(name)` is a number from 0 to 600000.") }
        return .milliseconds(count)
    }
}

extension Interference {
    fileprivate init(_ object: JSONObject) throws(SetupError) {
        if let items = object["batch_failures"] {
            guard let places = items.arrayValue?.map(\.intValue), places.allSatisfy({ $0.map { $0 >= 0 } ?? false }) else {
                throw SetupError("`batch_failures` is an array of places in the request, counted from 0.")
            }
            batchFailures = Set(places.compactMap(\.self))
        }
        if let error = object["batch_error"] {
            guard error.intValue.map({ (400...599).contains($0) }) ?? (error.stringValue != nil) else {
                throw SetupError("`batch_error` is a status from 400 to 599, or the service's own code of an error.")
            }
            batchError = error
        }
        if let item = object["end_session_at_item"] {
            guard let place = item.intValue, place >= 0 else {
                throw SetupError("`end_session_at_item` is a place in the request, counted from 0.")
            }
            endsSessionBeforeItem = place
        }
    }
}
