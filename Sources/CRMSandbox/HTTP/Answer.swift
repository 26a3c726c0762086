import CRMCore

/// What goes back to the caller, and what the request did, for the journal.
struct Answer {
    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    var effects: [Effect] = []
    var manner = Manner.whole

    static func json(_ value: JSONValue, status: Int = 200, mediaType: String = "application/json") -> Answer {
        Answer(status: status, headers: [("Content-Type", mediaType)], body: value.serialized())
    }

    /// RFC 9457, for the sandbox's own routes; the imitations have error shapes of their own.
    static func problem(_ status: Int, _ code: String, _ detail: String) -> Answer {
        .json(
            ["status": .integer(status), "code": .string(code), "detail": .string(detail)], status: status,
            mediaType: "application/problem+json")
    }

    static let noContent = Answer(status: 204)

    func with(header name: String, _ value: String) -> Answer {
        var answer = self
        answer.headers.append((name, value))
        return answer
    }

    func with(effects: [Effect]) -> Answer {
        var answer = self
        answer.effects = effects
        return answer
    }
}
