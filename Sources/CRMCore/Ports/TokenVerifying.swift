/// Finds out whose token a request carries.
package protocol TokenVerifying: Sendable {
    /// `token` is what follows `Bearer `, unchecked.
    func verify(bearer token: String) async throws(IdentityError) -> VerifiedIdentity
}
