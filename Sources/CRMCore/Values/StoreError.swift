/// Why the database did not do what was asked.
package enum StoreError: Error, Sendable, Hashable {
    /// It cannot be reached, is overloaded, or did not answer in time; whether a write happened may be unknown.
    case unavailable(retryAfter: Duration)
    /// Credentials that do not decrypt: a copied row, a wrong key.
    case undecryptable
    /// Somebody else changed the row meanwhile.
    case conflict
    /// A statement was refused: our mistake. The SQLSTATE says why; the server's message may hold data and stays out.
    case refused(sqlState: String, constraint: String?)
}
