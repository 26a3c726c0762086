import CRMCore

/// The scripts in force. Of those that match a request, the oldest answers.
final class ScriptBook {
    private let crms: [String]
    private var scripts: [Script] = []
    private var lastID = 0

    init(crms: [String]) { self.crms = crms }

    func next(for request: Request, crm: String, account: String?) -> (id: Int, answer: ScriptedAnswer)? {
        guard !scripts.isEmpty else { return nil }
        let match = scripts.firstIndex { script in
            script.matches(request, crm: crm, account: account) { Self.email(in: request) }
        }
        guard let match else { return nil }
        let taken = (scripts[match].id, scripts[match].take())
        if scripts[match].isUsedUp { scripts.remove(at: match) }
        return taken
    }

    func answer(_ request: Request) -> Answer {
        let id = request.segments.dropFirst().first
        return switch (request.method, id) {
        case ("GET", nil): .json(["scripts": .array(scripts.map(\.json))])
        case ("POST", nil): add(request)
        case ("DELETE", let id): remove(id)
        default: .problem(404, "not_found", "Scripts have POST /script, GET /script, DELETE /script and DELETE /script/{id}.")
        }
    }

    private func add(_ request: Request) -> Answer {
        do {
            let script = try Script(id: lastID + 1, try request.json(), crms: crms)
            lastID = script.id
            scripts.append(script)
            return .json(["id": .string(String(script.id))], status: 201)
        } catch let error as SetupError {
            return .problem(400, "invalid_script", error.description)
        } catch {
            return .problem(400, "malformed_json", "The body is not JSON.")
        }
    }

    private func remove(_ id: String?) -> Answer {
        guard let id else {
            scripts = []
            return .noContent
        }
        guard let index = scripts.firstIndex(where: { String($0.id) == id }) else {
            return .problem(404, "not_found", "There is no script \(id.prefix(20)), or it is used up.")
        }
        scripts.remove(at: index)
        return .noContent
    }

    /// The first member `email` in the body, or the address that the query asks for.
    private static func email(in request: Request) -> String? {
        if let body = try? request.json(), let email = firstEmail(in: body) { return email }
        if let email = request.query["email"] { return email }
        guard let filter = request.query["filter"], let start = filter.firstRange(of: "email,\"")?.upperBound else { return nil }
        return String(filter[start...].prefix { $0 != "\"" })
    }

    private static func firstEmail(in value: JSONValue) -> String? {
        switch value {
        case .object(let members):
            for (key, member) in members where key.lowercased() == "email" { if let email = member.stringValue { return email } }
            for (_, member) in members { if let email = firstEmail(in: member) { return email } }
            return nil
        case .array(let elements):
            for element in elements { if let email = firstEmail(in: element) { return email } }
            return nil
        default: return nil
        }
    }
}
