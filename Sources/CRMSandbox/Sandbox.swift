import CRMCore

/// Everything behind the sockets: the imitations, and around them the scripts that may answer instead and the journal that sees all.
final class Sandbox {
    private let imitations: [any Imitation]
    private let journal: Journal
    private let scripts: ScriptBook
    private let clock: SandboxClock

    init(imitations: [any Imitation], journal: Journal, clock: SandboxClock) {
        self.imitations = imitations
        self.journal = journal
        scripts = ScriptBook(crms: imitations.map(\.name))
        self.clock = clock
    }

    func receive(_ request: Request) -> Visit {
        let imitation = imitations.first { $0.name == request.segments.first }
        let account = imitation?.account(of: request)
        let script = imitation.flatMap { scripts.next(for: request, crm: $0.name, account: account) }
        return Visit(request: request, imitation: imitation, account: account, script: script)
    }

    /// `nil` when a script wants the connection cut.
    func conclude(_ visit: Visit) -> Answer? {
        guard let imitation = visit.imitation else { return ownAnswer(visit.request) }
        let time = clock.now
        let path = Array(visit.request.segments.dropFirst())
        let answer: Answer?
        let isCut: Bool
        switch visit.script?.answer.action {
        case nil, .real:
            answer = imitation.answer(visit.request, path: path, at: time)
            isCut = false
        case .cutBefore:
            answer = nil
            isCut = true
        case .cutAfter:
            answer = imitation.answer(visit.request, path: path, at: time)
            isCut = true
        case .fixed(let fixed):
            answer = fixed.answer(in: imitation)
            isCut = false
        }
        journal.record(
            answer, request: visit.request, crm: imitation.name, account: visit.account, script: visit.script?.id, isCut: isCut, at: time)
        return isCut ? nil : answer
    }

    private func ownAnswer(_ request: Request) -> Answer {
        switch (request.method, request.segments.first) {
        case ("GET", nil): frontPage(request)
        case ("GET", "healthz"): .json(["status": "ok"])
        case (_, "journal"): journal.answer(request)
        case (_, "script"): scripts.answer(request)
        case (_, "clock"): clock.answer(request)
        case ("GET", "accounts"): accountList()
        case ("DELETE", "accounts"): forgetAccounts(request)
        default: .problem(404, "not_found", "There is nothing at this path; GET / names what there is.")
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
}
