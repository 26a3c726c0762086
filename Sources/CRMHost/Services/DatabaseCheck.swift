import ArgumentParser
import CRMCore
import CRMServer
import CRMStore
import Logging

/// What the API and the worker connect as.
enum DatabaseRole: String {
    case api, worker

    /// The setting that says where and as whom.
    var setting: String { self == .api ? "DB_DSN" : "DB_WORKER_DSN" }
}

extension PostgresPool {
    convenience init(_ configuration: HostConfiguration, _ role: DatabaseRole, logger: Logger) throws(StartError) {
        let database = configuration.database
        let options = PoolOptions(
            size: role == .api ? database.poolSize : max(2, database.poolSize / 2), namedStatements: database.namedStatements,
            applicationName: "crm-" + role.rawValue)
        let name = role.setting
        let source: DataSource
        do {
            source = try DataSource(role == .api ? database.api : database.worker)
        } catch {
            throw StartError("\(name) cannot be used: \(error)", exit: .configuration)
        }
        if configuration.environment == .production, !source.isLocalOrVerified {
            throw StartError("\(name) leads to another machine without sslmode=verify-full", exit: .configuration)
        }
        self.init(source, options: options, logger: logger)
    }
}

/// Why the host does not start, in words for whoever started it.
struct StartError: Error, CustomStringConvertible {
    let description: String
    let exit: ExitCode

    init(_ description: String, exit: ExitCode = .failure) {
        self.description = description
        self.exit = exit
    }
}

/// Waits for a database that is up to date before anything is served.
struct DatabaseCheck {
    private let migrations: [Migration]
    private let pool: PostgresPool
    private let role: DatabaseRole
    private let isProduction: Bool
    private let logger: Logger
    /// Beside a database that is starting too, the host waits this long before its supervisor is told.
    private let patience: Duration = .seconds(30)

    init(_ configuration: HostConfiguration, _ role: DatabaseRole, _ pool: PostgresPool, _ migrations: [Migration], logger: Logger) {
        self.migrations = migrations
        self.pool = pool
        self.role = role
        isProduction = configuration.environment == .production
        self.logger = logger
    }

    func wait() async throws {
        let end = ContinuousClock.now + patience
        var pending = await answer()
        while case .failure(.unavailable) = pending, ContinuousClock.now < end {
            logger.warning("the database cannot be reached; trying again")
            try await Task.sleep(for: .seconds(1))
            pending = await answer()
        }
        switch pending {
        case .success([]): try await judge()
        case .success(let missing):
            throw StartError("the database lacks \(missing.map(\.name).joined(separator: ", ")); run: crm-host migrate")
        case .failure(.unavailable):
            throw StartError("the database cannot be reached; \(role.setting) says where it is", exit: .unavailable)
        case .failure(let error): throw StartError("the database cannot be used as \(role.setting) says: \(error)")
        }
    }

    /// What would leak keys or lose acknowledged deliveries is a warning on a developer's machine and the end in production.
    private func judge() async throws {
        if role == .worker, try await !pool.seesAllMerchants() {
            throw StartError(
                "DB_WORKER_DSN (DB_DSN where it is not set) connects as a role that sees one merchant at a time, so nothing would be "
                    + "delivered; it must connect as crm_worker", exit: .configuration)
        }
        let findings = try await ServerCheck.findings(pool)
        if isProduction, !findings.isEmpty {
            throw StartError("the database is not safe for production:\n" + findings.map { "  \($0)" }.joined(separator: "\n"))
        }
        for finding in findings { logger.warning("not safe for production", metadata: ["finding": "\(finding)"]) }
    }

    private func answer() async -> Result<[Migration], StoreError> {
        do throws(StoreError) { return .success(try await pool.pending(migrations)) } catch { return .failure(error) }
    }
}

/// Whether requests can be served, asked of the database at most once a second however many ask.
actor ReadinessCheck {
    private let pools: [PostgresPool]
    private let migrations: [Migration]
    private var last: (at: ContinuousClock.Instant, answer: Task<Readiness, Never>)?

    init(pools: [PostgresPool], migrations: [Migration]) {
        self.pools = pools
        self.migrations = migrations
    }

    func now() async -> Readiness {
        if let last, ContinuousClock.now - last.at < .seconds(1) { return await last.answer.value }
        let answer = Task { [pools, migrations] in await Self.ask(pools, migrations) }
        last = (ContinuousClock.now, answer)
        return await answer.value
    }

    private static func ask(_ pools: [PostgresPool], _ migrations: [Migration]) async -> Readiness {
        for pool in pools {
            do throws(StoreError) {
                let pending = try await pool.pending(migrations)
                if !pending.isEmpty { return .failing(part: "migrations", detail: "\(pending.count) migrations are pending.") }
            } catch {
                return .failing(part: "database", detail: "The database cannot be reached.")
            }
        }
        return .ready
    }
}
