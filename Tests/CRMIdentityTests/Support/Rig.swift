import CRMCore
import CRMIdentity

/// One verifier with everything around it in the test's hands. Its project is `shop-1`, its key server knows the first key.
struct Rig: Sendable {
    let clock = ManualClock()
    let events = EventRecorder()
    let source: ScriptedSource
    let keys: FirebaseKeyCache
    let verifier: FirebaseTokenVerifier
    let signer: SigningKey

    init(rules: FirebaseRules = FirebaseRules(projectID: "shop-1"), source: ScriptedSource? = nil, store: MemoryStore? = nil) throws {
        signer = try SigningKey.first.get()
        self.source = source ?? ScriptedSource(.document(KeyDocument(signer.jwk)))
        keys = FirebaseKeyCache(
            source: self.source, store: store, now: clock.wallClock, jitter: { 0.5 }, report: events.report)
        verifier = FirebaseTokenVerifier(rules: rules, keys: keys, now: clock.wallClock, report: events.report)
    }

    var seconds: Int64 { clock.now.seconds }

    var header: JSONObject { ["alg": "RS256", "kid": .string(signer.id), "typ": "JWT"] }

    var claims: JSONObject {
        [
            "iss": "https://securetoken.google.com/shop-1", "aud": "shop-1", "sub": "uid-Ada", "user_id": "uid-Ada",
            "auth_time": .integer(seconds - 600), "iat": .integer(seconds - 300), "exp": .integer(seconds + 3_300),
            "email": "ada@example.test", "email_verified": true, "name": "Ada",
            "firebase": ["sign_in_provider": "password", "identities": ["email": ["ada@example.test"]]],
        ]
    }

    func token(header: JSONObject? = nil, claims: JSONObject? = nil, signer: SigningKey? = nil) throws -> String {
        try (signer ?? self.signer).token(
            header: JSONValue.object(header ?? self.header).text, payload: JSONValue.object(claims ?? self.claims).text)
    }

    /// A token that differs from a good one in one claim.
    func token(claim name: String, _ value: JSONValue?, signer: SigningKey? = nil) throws -> String {
        var changed = claims
        changed[name] = value
        return try token(claims: changed, signer: signer)
    }

    func token(header name: String, _ value: JSONValue?) throws -> String {
        var changed = header
        changed[name] = value
        return try token(header: changed)
    }

    /// How the verifier refuses; `nil` when it does not.
    func refusal(of token: String) async -> IdentityError? {
        do {
            _ = try await verifier.verify(bearer: token)
            return nil
        } catch {
            return error
        }
    }
}
