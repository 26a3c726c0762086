package import CRMCore
import CRMCrypto

/// Decides whether a token is an ID token that Google issued for this project, and to whom. The clauses run cheapest first; only
/// a token that is right in everything but its signature costs a key lookup.
package final class FirebaseTokenVerifier: TokenVerifying {
    private let rules: FirebaseRules
    private let keys: FirebaseKeyCache
    private let now: WallClock
    private let report: @Sendable (IdentityEvent) -> Void
    private let verified = VerifiedTokens()

    package init(
        rules: FirebaseRules, keys: FirebaseKeyCache, now: @escaping WallClock, report: @escaping @Sendable (IdentityEvent) -> Void
    ) {
        self.rules = rules
        self.keys = keys
        self.now = now
        self.report = report
    }

    package func verify(bearer token: String) async throws(IdentityError) -> VerifiedIdentity {
        let hash = SHA256.hash(Array(token.utf8.prefix(BearerToken.lengths.upperBound + 1)))
        if let identity = verified.identity(hash, at: now()) { return identity }
        var trace = TokenTrace(hash: Self.hexadecimal(hash.prefix(4)))
        do {
            let identity = try await check(token, hash: hash, trace: &trace)
            verified.remember(identity, for: hash, at: now())
            return identity
        } catch {
            report(.tokenRefused(trace, error))
            throw error
        }
    }

    private func check(_ token: String, hash: [UInt8], trace: inout TokenTrace) async throws(IdentityError) -> VerifiedIdentity {
        try BearerToken.check(token)
        guard !verified.hasBadSignature(hash, at: now()) else { throw .invalid(clause: "V11 remembered") }
        let parts = try TokenParts(token)
        let header = try TokenHeader(parts.header)
        trace.keyID = header.keyID
        let claims = try TokenClaims(parts.payload)
        trace.audienceMatches = claims.audienceMatches(rules)
        let identity = try claims.identity(rules, at: now())
        guard let key = try await keys.key(header.keyID) else { throw .invalid(clause: "V10") }
        guard key.isValidRS256(signature: parts.signature, message: parts.signed) else {
            verified.rememberBadSignature(hash, at: now())
            throw .invalid(clause: "V11")
        }
        try claims.admit(rules)
        return identity
    }

    private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
