import CRMCore

/// A CRM as simple as one can be, for the provider example in C: contacts by e-mail address, events by idempotency key.
final class Echo: Imitation {
    let name = "echo"

    private struct Account {
        var contacts: [String: (id: String, fields: JSONObject)] = [:]
        var events: [String: String] = [:]
        var eventCount = 0
    }

    private static let key = "echo_sandbox"
    private var state: [String: Account] = [:]
    private var lastID = 0

    /// One key for all, or one with a merchant's address behind it: `echo_sandbox_ada@shop.test`.
    func account(of request: Request) -> String? {
        guard let key = request.header("x-echo-key") else { return nil }
        if key == Self.key { return "sandbox" }
        guard key.hasPrefix(Self.key + "_") else { return nil }
        let address = String(key.dropFirst(Self.key.count + 1))
        return EmailAddressRule.accepts(address) ? address : nil
    }

    func accounts() -> [(account: String, counts: JSONObject)] {
        state.sorted { $0.key < $1.key }.map { account, state in
            (account, ["contacts": .integer(state.contacts.count), "events": .integer(state.eventCount)])
        }
    }

    func forget(account: String?) {
        if let account { state[account] = nil } else { state = [:] }
    }

    func scriptedAnswer(to request: Request, status: Int, code: String?, retryAfter: Int?) -> Answer {
        let answer = Answer.json(["error": .string(code ?? "scripted")], status: status)
        return retryAfter.map { answer.with(header: "Retry-After", String($0)) } ?? answer
    }

    func answer(_ request: Request, path: [String], at now: Timestamp) -> Answer {
        guard let account = account(of: request) else { return refusal(401, "unknown key") }
        switch (request.method, path) {
        case ("POST", ["validate"]): return .json(["id": .string(account)])
        case ("POST", ["contacts"]): return putContact(request, account)
        case ("GET", ["contacts"]): return getContact(request, account)
        case ("POST", ["events"]): return addEvent(request, account)
        case (_, ["validate"]), (_, ["contacts"]), (_, ["events"]): return refusal(405, "method not allowed")
        default: return refusal(404, "not found")
        }
    }

    private func putContact(_ request: Request, _ account: String) -> Answer {
        guard let fields = try? request.json().objectValue else { return refusal(400, "the body is not a JSON object") }
        guard let email = fields["email"]?.stringValue, EmailAddressRule.accepts(email) else {
            return refusal(400, "email is missing or wrong")
        }
        let key = email.lowercased()
        let known = state[account]?.contacts[key]
        var merged = known?.fields ?? [:]
        for (name, value) in fields { merged[name] = value }
        let id = known?.id ?? nextID("contact")
        state[account, default: Account()].contacts[key] = (id, merged)
        let effect = Effect(
            kind: known == nil ? .contactCreated : .contactUpdated, email: email, idempotency: request.header("idempotency-key"))
        return Answer.json(["id": .string(id)], status: known == nil ? 201 : 200).with(effects: [effect])
    }

    private func getContact(_ request: Request, _ account: String) -> Answer {
        guard let email = request.query["email"] else { return refusal(400, "the parameter email is missing") }
        guard let contact = state[account]?.contacts[email.lowercased()] else { return refusal(404, "no such contact") }
        var fields: JSONObject = ["id": .string(contact.id)]
        for (name, value) in contact.fields where name != "id" { fields[name] = value }
        return .json(.object(fields))
    }

    private func addEvent(_ request: Request, _ account: String) -> Answer {
        guard let fields = try? request.json().objectValue else { return refusal(400, "the body is not a JSON object") }
        let idempotency = request.header("idempotency-key")
        let metric = fields["name"]?.stringValue ?? fields["event"]?.stringValue ?? fields["metric"]?.stringValue
        let effect = { (kind: Effect.Kind) in
            Effect(
                kind: kind, email: (fields["contact"]?["email"] ?? fields["email"])?.stringValue, metric: metric,
                uniqueID: fields["unique_id"]?.stringValue ?? idempotency, idempotency: idempotency)
        }
        if let idempotency, let id = state[account]?.events[idempotency] {
            return Answer.json(["id": .string(id)]).with(effects: [effect(.eventDuplicate)])
        }
        let id = nextID("event")
        if let idempotency { state[account, default: Account()].events[idempotency] = id }
        state[account, default: Account()].eventCount += 1
        return Answer.json(["id": .string(id)], status: 201).with(effects: [effect(.eventRecorded)])
    }

    private func nextID(_ kind: String) -> String {
        lastID += 1
        return "\(kind)-\(lastID)"
    }

    private func refusal(_ status: Int, _ reason: String) -> Answer { .json(["error": .string(reason)], status: status) }
}
