/// How many connections a pool keeps and how long anybody waits.
package struct PoolOptions: Sendable {
    package var size: Int
    /// For each address of the data source.
    package var connectTimeout: Duration
    /// The server's limit for one statement, set with the role (`sql/roles.sql`). A second later the connection is closed.
    package var statementTimeout: Duration
    /// How long a caller waits for a connection.
    package var acquireTimeout: Duration
    /// More callers than this do not wait at all.
    package var maximumWaiting: Int
    /// Off behind a PgBouncer older than 1.21 in transaction mode.
    package var namedStatements: Bool
    /// What `pg_stat_activity` shows.
    package var applicationName: String

    package init(
        size: Int = 8, connectTimeout: Duration = .seconds(3), statementTimeout: Duration = .seconds(5),
        acquireTimeout: Duration = .seconds(2), maximumWaiting: Int = 4_096, namedStatements: Bool = true, applicationName: String = "crm"
    ) {
        self.size = max(1, size)
        self.connectTimeout = connectTimeout
        self.statementTimeout = statementTimeout
        self.acquireTimeout = acquireTimeout
        self.maximumWaiting = maximumWaiting
        self.namedStatements = namedStatements
        self.applicationName = applicationName
    }
}
