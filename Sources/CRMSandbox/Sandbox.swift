import CRMCore

/// Everything behind the sockets: the imitations, and around them the scripts that may answer instead and the journal that sees all.
final class Sandbox {
    let imitations: [any Imitation]
    private let journal: Journal
    private let scripts: ScriptBook
    private let clock: SandboxClock

    init(imitations: [any Imitation], journal: Journal, clock: SandboxClock) {
        self.imitations = imitations
        self.journal = journal
        scripts = ScriptBook(crms: imitations.map(\.name))
        self.clock = clock
    }

    func receive(_ arrived: Request) -> Visit {
        let request = routedByHost(arrived)
        let imitation = imitations.first { $0.name == request.segments.first }
        let account = imitation?.account(of: request)
        let script = imitation.flatMap { scripts.next(for: request, crm: $0.name, account: account) }
        return Visit(request: request, imitation: imitation, account: account, script: script)
    }

    /// Real clients have their service's host name built in: with it, everything stands at the root.
    private func routedByHost(_ request: Request) -> Request {
        guard let host = request.hostName, let imitation = imitations.first(where: { $0.hosts.contains { HostPattern.matches(host, $0) } })
        else { return request }
        return request.routed(to: imitation.name, host: host)
    }

    /// `nil` when a script wants the connection cut.
    func conclude(_ visit: Visit) -> Answer? {
        guard let imitation = visit.imitation else { return ownAnswer(visit.request) }
        let time = clock.now
        let path = Array(visit.request.segments.dropFirst())
        let (answer, isCut) =
            visit.script?.answer.play(visit.request, path, imitation, account: visit.account, at: time)
            ?? (imitation.answer(visit.request, path: path, at: time), false)
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
        case (_, "accounts"): answerAboutAccounts(request)
        default: .problem(404, "not_found", "There is nothing at this path; GET / names what there is.")
        }
    }
}
