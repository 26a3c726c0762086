internal import CPostgres
internal import Glibc

/// A connection that runs whole scripts, blocking: for a thread of its own. The pool's pipelines take single statements only.
final class ScriptSession {
    /// What the server said, as far as it may be shown.
    struct Refusal: Error {
        let sqlState: String
        let detail: String
    }

    private let handle: ConnectionHandle

    init(_ connector: Connector) throws(ConnectFailure) {
        handle = try connector.connect()
        PQsetNoticeReceiver(handle.pointer, { _, _ in }, nil)
    }

    /// Any number of statements.
    func run(script: String) throws(Refusal) {
        try check(PQexec(handle.pointer, script))
    }

    /// One statement with text parameters. Rows come in the binary format.
    @discardableResult func run(_ sql: String, _ parameters: [String] = []) throws(Refusal) -> Rows {
        let texts = parameters.map { strdup($0) }
        defer { for text in texts { free(text) } }
        let values = texts.map { UnsafePointer($0) }
        return Rows(try check(PQexecParams(handle.pointer, sql, Int32(values.count), nil, values, nil, nil, 1)))
    }

    @discardableResult private func check(_ raw: OpaquePointer?) throws(Refusal) -> QueryResult {
        guard let raw else { throw Refusal(sqlState: "08000", detail: "the connection was lost") }
        let status = PQresultStatus(raw)
        let result = QueryResult(raw)
        if status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK { return result }
        throw Refusal(sqlState: result.diagnosis.sqlState, detail: result.diagnosis.detailForAuthors)
    }
}

extension DataSource {
    /// Runs a whole script as `psql -f` would with ON_ERROR_STOP, on a connection and a thread of its own.
    package func run(script: String, named name: String) async throws(MigrationError) {
        let connector = Connector(self, PoolOptions(applicationName: "crm-script"))
        try await onOwnThread(named: "crm-script") { () throws(MigrationError) in
            let session = try ScriptSession.open(connector)
            do throws(ScriptSession.Refusal) { try session.run(script: script) } catch {
                throw .failed(file: name, sqlState: error.sqlState, detail: error.detail)
            }
        }
    }
}

extension ScriptSession {
    static func open(_ connector: Connector) throws(MigrationError) -> ScriptSession {
        do throws(ConnectFailure) { return try ScriptSession(connector) } catch { throw .unreachable(reason: error.description) }
    }
}
