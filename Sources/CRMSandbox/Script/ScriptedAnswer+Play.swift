import CRMCore

extension ScriptedAnswer {
    /// Does to a request what the script says. The answer is there also when the connection is cut after the deed, for the journal.
    func play(
        _ arrived: Request, _ path: [String], _ imitation: any Imitation, account: String?, at now: Timestamp
    ) -> (answer: Answer?, isCut: Bool) {
        if endsSession == .before, let account { _ = imitation.endSessions(account: account) }
        defer { if endsSession == .after, let account { _ = imitation.endSessions(account: account) } }
        var request = arrived
        request.interference = interference
        var answer: Answer
        switch action {
        case .cutBefore: return (nil, true)
        case .cutAfter: return (imitation.answer(request, path: path, at: now), true)
        case .real: answer = imitation.answer(request, path: path, at: now)
        case .fixed(let fixed):
            answer = fixed.answer(to: request, in: imitation)
            if fixed.isPerformed { answer.effects = imitation.answer(request, path: path, at: now).effects }
        }
        answer.manner = manner
        return (answer, false)
    }
}
