internal import CRMCore

/// What one caller wants of one connection: statements sent at once, answered at once.
struct Request: Sendable {
    typealias ID = UInt64

    /// How the connection is used before and after.
    enum Session: Sendable, Hashable {
        /// Any free connection, free again afterwards.
        case none
        /// Any free connection, which belongs to this transaction when all has gone well.
        case begins(TransactionID)
        case continues(TransactionID)
        /// The transaction's connection, free again afterwards.
        case ends(TransactionID)

        var transaction: TransactionID? {
            switch self {
            case .none, .begins: nil
            case .continues(let id), .ends(let id): id
            }
        }
    }

    let id: ID
    let session: Session
    let statements: [Statement]
    /// The position of the statement whose rows the caller gets.
    let answer: Int
    let timeout: Duration
    let continuation: CheckedContinuation<Result<Rows, StoreError>, Never>
}

typealias TransactionID = UInt64

/// A request on its way through a connection.
struct Exchange {
    /// One result that the server owes us, in order.
    enum Expected {
        case prepared(sql: String)
        case rows(statement: Int)
    }

    /// `nil`: the connection's own tidying up.
    let request: Request?
    let deadline: ContinuousClock.Instant
    var expected: [Expected]
    var received = 0
    var rows: Rows?
    var failure: StoreError?

    var answer: Result<Rows, StoreError> {
        if let failure { return .failure(failure) }
        return rows.map(Result.success) ?? .failure(.retrySoon)
    }
}
