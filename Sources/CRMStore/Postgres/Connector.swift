internal import CPostgres
internal import CRMCore
internal import Glibc

/// Owns one `PGconn`, which one thread at a time uses.
final class ConnectionHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit { PQfinish(pointer) }
}

/// Opens connections, each attempt on a thread that lives as long as it. libpq resolves names blocking, and only its blocking way to
/// connect goes on to the next address when one does not answer; neither may stop the connections that work.
struct Connector: Sendable {
    private let settings: [String: String]

    init(_ source: DataSource, _ options: PoolOptions) {
        let defaults = [
            "connect_timeout": "\(max(2, options.connectTimeout.secondsRoundedUp))",  // libpq knows nothing shorter
            "keepalives_idle": "10", "keepalives_interval": "3", "keepalives_count": "3", "tcp_user_timeout": "9000",
            "target_session_attrs": "read-write", "application_name": options.applicationName,
        ]
        var settings = source.settings.merging(defaults) { given, _ in given }
        settings["client_encoding"] = "UTF8"
        self.settings = settings
    }

    func open(_ done: @escaping @Sendable (Result<ConnectionHandle, ConnectFailure>) -> Void) {
        startThread(named: "crm-pg-connect") {
            done(
                Result { () throws(ConnectFailure) in
                    let handle = try connect()
                    guard PQsetnonblocking(handle.pointer, 1) == 0, PQenterPipelineMode(handle.pointer) == 1 else { throw .other }
                    return handle
                })
        }
    }

    /// Blocks.
    func connect() throws(ConnectFailure) -> ConnectionHandle {
        let names = settings.map { strdup($0.key) }
        let values = settings.map { strdup($0.value) }
        defer { for text in names + values { free(text) } }
        let keywords = names.map { UnsafePointer($0) } + [nil]
        guard let pointer = PQconnectdbParams(keywords, values.map { UnsafePointer($0) } + [nil], 0) else { throw .other }
        let handle = ConnectionHandle(pointer)
        guard PQstatus(pointer) == CONNECTION_OK else {
            throw ConnectFailure(message: PQerrorMessage(pointer).map { String(cString: $0) } ?? "")
        }
        return handle
    }
}
