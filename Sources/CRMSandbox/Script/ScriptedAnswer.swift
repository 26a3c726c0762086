import CRMCore

/// One answer of a script: what happens to one request.
struct ScriptedAnswer {
    struct Fixed {
        var status: Int
        var retryAfter: Int?
        var headers: [(name: String, value: String)]
        /// Without one, the imitated service's own words for the status.
        var body: (content: [UInt8], mediaType: String)?

        func answer(in imitation: any Imitation) -> Answer {
            guard let body else {
                var answer = imitation.scriptedAnswer(status: status, retryAfter: retryAfter)
                answer.headers += headers
                return answer
            }
            var answer = Answer(status: status, headers: [("Content-Type", body.mediaType)] + headers, body: body.content)
            if let retryAfter { answer.headers.append(("Retry-After", String(retryAfter))) }
            return answer
        }
    }

    enum Action {
        case real
        case fixed(Fixed)
        /// Hang up and do nothing.
        case cutBefore
        /// Do what was asked, then hang up.
        case cutAfter
    }

    var delay: Duration
    var action: Action
    /// As it was sent, for `GET /script`.
    let source: JSONValue
}

extension ScriptedAnswer {
    private static let members: Set<String> = ["status", "retry_after", "headers", "body", "content_type", "delay_ms", "cut"]

    init(_ source: JSONValue) throws(SetupError) {
        self.source = source
        delay = .zero
        action = .real
        if source.stringValue == "real" { return }
        guard let object = source.objectValue else {
            throw SetupError("An answer is \"real\" or an object, such as {\"status\": 500}.")
        }
        if let unknown = object.keys.first(where: { !Self.members.contains($0) }) {
            throw SetupError(
                "An answer has no member \"\(unknown.prefix(40))\"; it knows \(Self.members.sorted().joined(separator: ", ")).")
        }
        if let milliseconds = object["delay_ms"] {
            guard let count = milliseconds.intValue, (0...600_000).contains(count) else {
                throw SetupError("`delay_ms` is a number from 0 to 600000.")
            }
            delay = .milliseconds(count)
        }
        switch object["cut"]?.stringValue {
        case "before": action = .cutBefore
        case "after": action = .cutAfter
        case nil where object["cut"] == nil:
            if object["status"] != nil || object["body"] != nil { action = .fixed(try Fixed(object)) }
        default: throw SetupError("`cut` is \"before\" or \"after\".")
        }
    }
}

extension ScriptedAnswer.Fixed {
    init(_ object: JSONObject) throws(SetupError) {
        guard let status = (object["status"] ?? 200).intValue, (200...599).contains(status) else {
            throw SetupError("`status` is a number from 200 to 599.")
        }
        self.status = status
        retryAfter = nil
        if let wait = object["retry_after"] {
            guard let seconds = wait.intValue, seconds >= 0 else { throw SetupError("`retry_after` is a number of seconds.") }
            retryAfter = seconds
        }
        headers = []
        for (name, value) in object["headers"]?.objectValue ?? [:] {
            guard let value = value.stringValue, !name.isEmpty, (name + value).utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
                throw SetupError("`headers` is an object of printable ASCII strings.")
            }
            headers.append((name, value))
        }
        body = nil
        if let content = object["body"] {
            let bytes = content.stringValue.map { Array($0.utf8) } ?? content.serialized()
            body = (bytes, object["content_type"]?.stringValue ?? "application/json")
        }
    }
}
