import CRMCore

extension Sandbox {
    /// What the imitations hold for whom, and the verbs that change it from outside.
    func answerAboutAccounts(_ request: Request) -> Answer {
        let path = Array(request.segments.dropFirst())
        switch (request.method, path.count) {
        case ("GET", 0): return accountList()
        case ("DELETE", 0): return forgetAccounts(request)
        case ("PUT", 2): return configure(request, crm: path[0], account: path[1])
        case ("DELETE", 3) where path[2] == "sessions": return endSessions(crm: path[0], account: path[1])
        default:
            return .problem(
                404, "not_found",
                "There are GET and DELETE /accounts, PUT /accounts/{crm}/{account} and DELETE /accounts/{crm}/{account}/sessions.")
        }
    }

    private func accountList() -> Answer {
        let entries = imitations.flatMap { imitation in
            imitation.accounts().map { account, counts -> JSONValue in
                var entry: JSONObject = ["crm": .string(imitation.name), "account": .string(account)]
                for (key, value) in counts { entry[key] = value }
                return .object(entry)
            }
        }
        return .json(["accounts": .array(entries)])
    }

    private func forgetAccounts(_ request: Request) -> Answer {
        for imitation in imitations where request.query["crm"] == nil || request.query["crm"] == imitation.name {
            imitation.forget(account: request.query["account"])
        }
        return .noContent
    }

    private func configure(_ request: Request, crm: String, account: String) -> Answer {
        guard let imitation = imitations.first(where: { $0.name == crm }), EmailAddressRule.accepts(account) else {
            return unknownAccount
        }
        guard let settings = try? request.json().objectValue else {
            return .problem(400, "invalid_settings", "The body is a JSON object of settings.")
        }
        do throws(SetupError) {
            try imitation.configure(account: account.lowercased(), settings)
            return .noContent
        } catch {
            return .problem(400, "invalid_settings", error.description)
        }
    }

    private func endSessions(crm: String, account: String) -> Answer {
        let imitation = imitations.first { $0.name == crm }
        return imitation?.endSessions(account: account.lowercased()) == true ? .noContent : unknownAccount
    }

    private var unknownAccount: Answer {
        .problem(404, "not_found", "There is no such CRM, or it has no such account or no sessions; GET /accounts names what it holds.")
    }
}
