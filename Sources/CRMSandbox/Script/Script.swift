import CRMCore

/// Answers laid out for requests to come, one for each that matches.
struct Script {
    let id: Int
    let crm: String
    var method: String?
    var pathPrefix: String?
    var account: String?
    var email: String?
    let answers: [ScriptedAnswer]
    /// Starts over when the answers are used up.
    let repeats: Bool
    private(set) var used = 0

    private static let members: Set<String> = ["crm", "method", "path_prefix", "account", "email", "answers", "repeat"]

    init(id: Int, _ source: JSONValue, crms: [String]) throws(SetupError) {
        guard let object = source.objectValue else { throw SetupError("A script is an object.") }
        if let unknown = object.keys.first(where: { !Self.members.contains($0) }) {
            throw SetupError("A script has no member \"\(unknown.prefix(40))\"; it knows \(Self.members.sorted().joined(separator: ", ")).")
        }
        guard let crm = object["crm"]?.stringValue, crms.contains(crm) else {
            throw SetupError("`crm` is one of \(crms.joined(separator: ", ")).")
        }
        guard let sources = object["answers"]?.arrayValue, !sources.isEmpty, sources.count <= 10_000 else {
            throw SetupError("`answers` is an array of 1 to 10000 answers.")
        }
        self.id = id
        self.crm = crm
        method = object["method"]?.stringValue?.uppercased()
        pathPrefix = object["path_prefix"]?.stringValue
        account = object["account"]?.stringValue
        email = object["email"]?.stringValue?.lowercased()
        var answers: [ScriptedAnswer] = []
        for source in sources { answers.append(try ScriptedAnswer(source)) }
        self.answers = answers
        repeats = object["repeat"]?.boolValue ?? false
    }

    var isUsedUp: Bool { !repeats && used >= answers.count }

    /// `email` is asked for only when the rest matches: finding it means reading the body.
    func matches(_ request: Request, crm: String, account: String?, email: () -> String?) -> Bool {
        guard self.crm == crm else { return false }
        if let method, method != request.method { return false }
        if let pathPrefix, !request.path.hasPrefix(pathPrefix), !request.path.hasPrefix("/\(crm)\(pathPrefix)") { return false }
        if let wanted = self.account, wanted != account { return false }
        if let wanted = self.email, wanted != email()?.lowercased() { return false }
        return true
    }

    mutating func take() -> ScriptedAnswer {
        defer { used += 1 }
        return answers[used % answers.count]
    }

    var json: JSONValue {
        var members: JSONObject = ["id": .string(String(id)), "crm": .string(crm)]
        members.set("method", method)
        members.set("path_prefix", pathPrefix)
        members.set("account", account)
        members.set("email", email)
        members["answers"] = .array(answers.map(\.source))
        members["repeat"] = .bool(repeats)
        members["used"] = .integer(used)
        return .object(members)
    }
}
