import CRMIdentity

/// A key server that answers as told: one answer after the other, the last one for ever; held back while the gate is shut.
actor ScriptedSource: KeyFetching {
    enum Answer: Sendable {
        case document(KeyDocument)
        case failure
    }

    struct Unreachable: Error, CustomStringConvertible {
        let description = "the key server cannot be reached"
    }

    private(set) var fetches = 0
    private var answers: [Answer]
    private var isShut = false
    private var heldBack: [CheckedContinuation<Void, Never>] = []

    init(_ answers: Answer...) { self.answers = answers }

    func answer(_ answers: Answer...) { self.answers = answers }

    func shutGate() { isShut = true }

    func openGate() {
        isShut = false
        for fetch in heldBack { fetch.resume() }
        heldBack = []
    }

    func fetchKeys() async throws -> KeyDocument {
        fetches += 1
        if isShut { await withCheckedContinuation { heldBack.append($0) } }
        let answer = answers.count > 1 ? answers.removeFirst() : answers[0]
        switch answer {
        case .document(let document): return document
        case .failure: throw Unreachable()
        }
    }
}
