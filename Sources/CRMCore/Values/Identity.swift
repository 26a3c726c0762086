/// What a verified ID token says about a user.
package struct VerifiedIdentity: Sendable, Hashable {
    package var uid: String
    package var email: String?
    package var emailVerified: Bool
    package var name: String?
    package var signInProvider: String
    /// When the user last signed in: with the uid, what makes a session.
    package var authenticatedAt: Timestamp
    package var expiresAt: Timestamp

    package init(
        uid: String, email: String?, emailVerified: Bool, name: String?, signInProvider: String, authenticatedAt: Timestamp,
        expiresAt: Timestamp
    ) {
        self.uid = uid
        self.email = email
        self.emailVerified = emailVerified
        self.name = name
        self.signInProvider = signInProvider
        self.authenticatedAt = authenticatedAt
        self.expiresAt = expiresAt
    }
}

/// Why a request is nobody's.
package enum IdentityError: Error, Sendable, Hashable {
    /// Not a valid token. The clause is for the log; callers learn nothing finer.
    case invalid(clause: String)
    case expired
    /// A valid token whose kind of sign-in or tenant is not admitted.
    case refused(code: String)
    /// The keys to check with are missing for now.
    case keysUnavailable(retryAfter: Duration)
}
