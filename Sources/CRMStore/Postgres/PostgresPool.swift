package import CRMCore
package import Logging
internal import Synchronization

/// Connections to one database under one role, shared by everybody who runs statements there.
///
/// They open when they are needed, on a thread of the pool's own, and come back by themselves after an outage.
package final class PostgresPool: Sendable {
    private let inbox = PoolInbox()
    private let options: PoolOptions
    private let lastID = Atomic<UInt64>(0)

    package init(dsn: String, options: PoolOptions = PoolOptions(), logger: Logger) throws(DataSource.Unreadable) {
        self.options = options
        start(try DataSource(dsn), logger)
    }

    package init(_ source: DataSource, options: PoolOptions = PoolOptions(), logger: Logger) {
        self.options = options
        start(source, logger)
    }

    deinit { inbox.post(.close(nil)) }

    private func start(_ source: DataSource, _ logger: Logger) {
        startThread(named: "crm-postgres") { [inbox, options] in
            PoolDriver(inbox: inbox, source: source, options: options, logger: logger).run()
        }
    }

    /// Runs one statement by itself, for no merchant: under row-level security it sees no merchant's rows.
    package func run(_ statement: Statement, timeout: Duration? = nil) async throws(StoreError) -> Rows {
        guard let timeout else { return try await send([statement]) }
        return try await send([.begin, .limit(timeout), statement, .commit], answer: 2, timeout: timeout)
    }

    /// Runs one statement in a transaction of its own that sees this merchant's rows, in one round trip. The rows come back when the
    /// commit was answered. `timeout` is a shorter limit than the role's.
    package func run(_ statement: Statement, as merchant: MerchantID, timeout: Duration? = nil) async throws(StoreError) -> Rows {
        let head: [Statement] = [.begin, .act(as: merchant)] + (timeout.map { [.limit($0)] } ?? [])
        return try await send(head + [statement, .commit], answer: head.count, timeout: timeout)
    }

    /// Several statements that depend on each other's rows. What throws rolls back. `merchant` `nil`: for a role that sees all.
    package func transaction<Result>(
        as merchant: MerchantID?, _ body: (Transaction) async throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        let transaction = nextID()
        _ = try await send([.begin] + (merchant.map { [.act(as: $0)] } ?? []), session: .begins(transaction))
        do throws(StoreError) {
            let result = try await body(Transaction(pool: self, id: transaction))
            _ = try await send([.commit], session: .ends(transaction))
            return result
        } catch {
            // After a failed commit the transaction is gone, and so is its connection or its hold on it: then this does nothing.
            _ = try? await send([.rollback], session: .ends(transaction))
            throw error
        }
    }

    /// Refuses new requests, lets those finish that the server has seen, and closes all connections.
    package func close() async {
        await withCheckedContinuation { continuation in
            if !inbox.post(.close(continuation)) { continuation.resume() }
        }
    }

    func send(
        _ statements: [Statement], answer: Int = 0, session: Request.Session = .none, timeout: Duration? = nil
    ) async throws(StoreError) -> Rows {
        let id = nextID()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let request = Request(
                    id: id, session: session, statements: statements, answer: answer, timeout: timeout ?? options.statementTimeout,
                    continuation: continuation)
                if !inbox.post(.submit(request)) { continuation.resume(returning: .failure(.retrySoon)) }
                // The handler may have run before there was anything to cancel.
                if Task.isCancelled { inbox.post(.cancel(id)) }
            }
        } onCancel: {
            inbox.post(.cancel(id))
        }
        return try result.get()
    }

    private func nextID() -> UInt64 { lastID.add(1, ordering: .relaxed).newValue }
}

/// One transaction under way. Valid inside the closure that got it.
package struct Transaction: Sendable {
    fileprivate let pool: PostgresPool
    fileprivate let id: TransactionID

    package func run(_ statement: Statement) async throws(StoreError) -> Rows {
        try await pool.send([statement], session: .continues(id))
    }
}

extension Statement {
    static let begin: Statement = "BEGIN"
    static let commit: Statement = "COMMIT"
    static let rollback: Statement = "ROLLBACK"

    /// A literal, since SET takes no parameters; that a merchant's id is a parsed UUID makes it safe. Not `set_config()`, which Citus
    /// does not pass on.
    static func act(as merchant: MerchantID) -> Statement { Statement("SET LOCAL crm.merchant = '\(merchant.description)'", []) }

    static func limit(_ timeout: Duration) -> Statement { Statement("SET LOCAL statement_timeout = \(timeout.milliseconds)", []) }
}
