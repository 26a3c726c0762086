internal import CRMCore

extension Problem {
    init(_ error: StoreError) {
        self =
            switch error {
            case .unavailable(let pause): Problem(.serviceUnavailable, "The database does not answer.").retry(after: pause)
            case .undecryptable: Problem(.credentialsUnreadable, "The stored credentials of this connection do not decrypt.")
            case .conflict: Problem(.changedMeanwhile, "Somebody else changed the same thing at the same time.")
            case .refused: Problem(.internalError, "The request could not be stored.")
            }
    }
}

/// Asks a store, and turns what it throws into the problem that the client sees.
func asking<Answer>(_ ask: () async throws(StoreError) -> Answer) async throws(Problem) -> Answer {
    do {
        return try await ask()
    } catch {
        throw Problem(error)
    }
}
