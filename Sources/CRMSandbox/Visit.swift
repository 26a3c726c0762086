import CRMCore

/// A request between its arrival and its answer.
struct Visit {
    let request: Request
    let imitation: (any Imitation)?
    let account: String?
    let script: (id: Int, answer: ScriptedAnswer)?

    var delay: Duration { script?.answer.delay ?? .zero }
}
