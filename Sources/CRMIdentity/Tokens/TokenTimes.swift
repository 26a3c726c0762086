import CRMCore

/// The times in an ID token, in seconds since 1970: clauses V8 and V9.
struct TokenTimes {
    /// Google issues for an hour; a token that lives longer is not Google's.
    static let longestLifetime: Int64 = 3_600 + 60

    let expiresAt: Int64
    let authenticatedAt: Int64

    init(_ members: JSONObject, skew: Duration, at now: Timestamp) throws(IdentityError) {
        guard let expiresAt = Self.seconds(members["exp"]) else { throw .invalid(clause: "V8 exp") }
        guard let issuedAt = Self.seconds(members["iat"]) else { throw .invalid(clause: "V8 iat") }
        guard let authenticatedAt = Self.seconds(members["auth_time"]) else { throw .invalid(clause: "V8 auth_time") }
        // The claims are whole seconds, so comparing with the second in which `now` lies is exact.
        let latest = (now + skew).seconds
        guard expiresAt > (now - skew).seconds else { throw .expired }
        guard issuedAt <= latest else { throw .invalid(clause: "V8 iat in the future") }
        guard authenticatedAt <= latest else { throw .invalid(clause: "V8 auth_time in the future") }
        guard authenticatedAt <= issuedAt + skew.components.seconds else { throw .invalid(clause: "V8 auth_time after iat") }
        guard expiresAt - issuedAt <= Self.longestLifetime else { throw .invalid(clause: "V8 lifetime") }
        if let claim = members["nbf"] {
            guard let notBefore = Self.seconds(claim) else { throw .invalid(clause: "V9 nbf") }
            guard notBefore <= latest else { throw .invalid(clause: "V9 nbf in the future") }
        }
        self.expiresAt = expiresAt
        self.authenticatedAt = authenticatedAt
    }

    /// Bounded, so that no sum of two of them overflows.
    private static func seconds(_ claim: JSONValue?) -> Int64? {
        guard let value = claim?.intValue, (1...9_007_199_254_740_992).contains(value) else { return nil }
        return Int64(value)
    }
}
