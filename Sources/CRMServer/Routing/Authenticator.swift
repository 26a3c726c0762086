internal import CRMCore
internal import Synchronization

/// Finds out whose request it is.
struct Authenticator: Sendable {
    let api: APIDependencies
    private let sessions = KnownSessions()

    init(_ api: APIDependencies) { self.api = api }

    func identity(_ authorization: [String]) async throws(Problem) -> VerifiedIdentity {
        guard let token = Self.bearerToken(authorization) else {
            throw Self.refusal(.tokenInvalid, "Send one header Authorization: Bearer <ID token>.")
        }
        do {
            return try await api.tokens.verify(bearer: token)
        } catch {
            switch error {
            case .expired: throw Self.refusal(.tokenExpired, "The token has expired.")
            case .invalid: throw Self.refusal(.tokenInvalid, "The token is not valid.")
            case .refused: throw Problem(.signInRefused, "This kind of sign-in is not admitted here.")
            case .keysUnavailable(let pause):
                throw Problem(.keysUnavailable, "The keys to check tokens with are missing for now.").retry(after: pause)
            }
        }
    }

    /// The active merchant of a user. The first request of a session leaves a login row.
    func merchant(of identity: VerifiedIdentity, _ context: RequestContext) async throws(Problem) -> Merchant {
        let api = api
        let found = try await asking { () async throws(StoreError) in try await api.merchants.merchant(ofUser: identity.uid) }
        guard let merchant = found else { throw Problem(.notAMerchant, "This user has no merchant yet.") }
        guard !merchant.isDisabled else { throw Problem(.merchantDisabled, "This merchant is disabled.") }
        if !sessions.contains(identity) {
            try await asking { () async throws(StoreError) in try await api.merchants.noteSession(of: merchant.id, identity, context) }
            sessions.insert(identity)
        }
        return merchant
    }

    /// What follows `Bearer` and one space in the only Authorization header.
    static func bearerToken(_ headers: [String]) -> String? {
        guard headers.count == 1 else { return nil }
        let parts = headers[0].split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bearer", !parts[1].isEmpty else { return nil }
        return String(parts[1])
    }

    private static func refusal(_ code: ProblemCode, _ detail: String) -> Problem {
        var problem = Problem(code, detail)
        problem.headers.append(("WWW-Authenticate", "Bearer error=\"invalid_token\""))
        return problem
    }
}

/// Sessions whose login row is known to be written, so that not every request asks the database.
private final class KnownSessions: Sendable {
    private struct Session: Hashable {
        var uid: String
        var authenticatedAt: Timestamp

        init(_ identity: VerifiedIdentity) {
            uid = identity.uid
            authenticatedAt = identity.authenticatedAt
        }
    }

    private let known = Mutex<Set<Session>>([])

    func contains(_ identity: VerifiedIdentity) -> Bool { known.withLock { $0.contains(Session(identity)) } }

    func insert(_ identity: VerifiedIdentity) {
        known.withLock { sessions in
            // Forgetting costs one question per session to the store, which knows them all.
            if sessions.count >= 10_000 { sessions.removeAll() }
            sessions.insert(Session(identity))
        }
    }
}
