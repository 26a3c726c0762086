package import CRMCore

/// What operators may want to know about keys and tokens. Never holds a token, nor a claim's value.
package enum IdentityEvent: Sendable, Hashable {
    case keysRefreshed(count: Int, lifetime: Duration)
    /// `readiness` is what is left to work with.
    case keyRefreshFailed(reason: String, readiness: KeyReadiness)
    case keysNotSaved(reason: String)
    case savedKeysUnusable(reason: String)
    case tokenRefused(TokenTrace, IdentityError)
}

/// As much about a refused token as a log may hold.
package struct TokenTrace: Sendable, Hashable {
    /// The first eight hexadecimal digits of the token's SHA-256.
    package var hash: String
    /// Only an id of the right form.
    package var keyID: String?
    package var audienceMatches: Bool?
}
