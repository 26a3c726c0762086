internal import CPostgres
internal import CRMCore

// What PostgreSQL and libpq say, translated into our closed set. Message texts stay out: they may quote rows.

extension StoreError {
    // A row that is read in another way than it was selected: the SQLSTATEs that the server has for the same mistakes.
    static let unknownColumn = StoreError.refused(sqlState: "42703", constraint: nil)
    static let wrongType = StoreError.refused(sqlState: "42804", constraint: nil)
    static let unexpectedNull = StoreError.refused(sqlState: "22002", constraint: nil)

    static let retrySoon = StoreError.unavailable(retryAfter: .seconds(1))

    init(sqlState: String, constraint: String?) {
        self =
            switch (sqlState.prefix(2), sqlState) {
            case ("08", _), ("53", _), ("57", _), ("58", _): .retrySoon
            // A serialization failure, a deadlock; a lock that was not to be had in time.
            case (_, "40001"), (_, "40P01"), (_, "55P03"): .retrySoon
            // A server that is no longer the primary; a transaction that idled too long; a pooler that forgot our statement.
            case (_, "25006"), (_, "25P03"), (_, "26000"): .retrySoon
            // pgcrypto's "wrong key or corrupt data"
            case (_, "39000"): .undecryptable
            default: .refused(sqlState: sqlState, constraint: constraint)
            }
    }
}

/// The fields of an error or a notice that may be shown.
struct Diagnosis: Sendable {
    let sqlState: String
    let constraint: String?
    let table: String?
    private let message: String

    init(_ result: OpaquePointer) {
        func field(_ code: Unicode.Scalar) -> String? {
            PQresultErrorField(result, Int32(code.value)).map { String(cString: $0) }
        }
        // The letters of the wire protocol's error fields. Errors of libpq's own making have no SQLSTATE.
        sqlState = field("C") ?? "08000"
        constraint = field("n")
        table = field("t")
        message = field("M") ?? ""
    }

    /// For those who write SQL. The message only where it speaks of names and syntax, not of values.
    var detailForAuthors: String {
        let place = [table, constraint].compactMap { $0 }.joined(separator: ", ")
        return switch sqlState.prefix(2) {
        case "42", "3F", "55", "0A", "2B": message
        default: place.isEmpty ? "the server refused it" : place
        }
    }

    /// After these a connection is not used again: it leads to a server that cannot write, or lost our prepared statements, or holds
    /// plans for a schema that is gone.
    var spoilsConnection: Bool { ["25006", "26000", "0A000"].contains(sqlState) || sqlState.hasPrefix("57P") }

    /// The wait for a synchronous standby was broken off: the commit is here, and perhaps nowhere else.
    var makesCommitDoubtful: Bool { sqlState == "01000" || sqlState == "57P01" }
}

/// Why a connection could not be opened, as far as the log may know. libpq gives no SQLSTATE here, only a text that names people's hosts
/// and users, so known phrases are looked for in it.
enum ConnectFailure: String, Error, Sendable, CaseIterable {
    case refused = "Connection refused"
    case unresolved = "could not translate host name"
    case password = "password authentication failed"
    case passwordMissing = "no password supplied"
    case notAdmitted = "no pg_hba.conf entry"
    case role = "role \""
    case database = "database \""
    case full = "too many"
    case starting = "starting up"
    case stopping = "shutting down"
    case readOnly = "session is read-only"
    case certificate = "certificate"
    case tls = "SSL"
    case timeout = "timeout expired"
    case other = ""

    init(message: String) {
        self = Self.allCases.first { message.contains($0.rawValue) } ?? .other
    }

    var description: String {
        switch self {
        case .refused: "nothing listens there"
        case .unresolved: "the host's name does not resolve"
        case .password: "the password is wrong"
        case .passwordMissing: "a password is needed"
        case .notAdmitted: "the server's pg_hba.conf does not admit us"
        case .role: "the role does not exist or may not log in"
        case .database: "the database does not exist or does not admit us"
        case .full: "the server has no connection left"
        case .starting: "the server is starting"
        case .stopping: "the server is stopping"
        case .readOnly: "the server is read-only"
        case .certificate: "the server's certificate does not hold"
        case .tls: "TLS could not be agreed on"
        case .timeout: "no answer in time"
        case .other: "for another reason; see the server's log"
        }
    }
}
