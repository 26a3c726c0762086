import CRMCore
package import CRMStore
import FoundationEssentials
import Glibc
package import Logging

/// A database of a test's own on the test cluster, migrated, with the three roles; dropped when nobody holds it any more.
package final class TestDatabase: Sendable {
    /// There is no cluster to test on.
    package struct Missing: Error, CustomStringConvertible {
        package var description: String { "CRM_TEST_DSN is not set: these tests need PostgreSQL; ./dev test starts one and sets it" }
    }

    package enum Role: String, Sendable {
        case owner = "crm_owner"
        case app = "crm_app"
        case worker = "crm_worker"
    }

    package let name: String
    /// As a superuser, in this database.
    package let superuser: DataSource

    /// The files in `sql/`.
    package static let migrationDirectory = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/sql"

    private init(_ name: String, in cluster: DataSource) {
        self.name = name
        superuser = cluster.with(database: name)
    }

    // Nobody waits for its end; what a process leaves behind, one of the next hour's sweeps away.
    deinit {
        Task.detached { [name] in
            try? await Self.administer { admin in _ = try await admin.run(Statement("DROP DATABASE IF EXISTS \(name) WITH (FORCE)", [])) }
        }
    }

    package static func make(migrated: Bool = true) async throws -> TestDatabase {
        guard migrated else { return try await create() }
        let template = try await template.value
        let database = TestDatabase(freshName(), in: try cluster())
        try await administer { admin in
            _ = try await admin.run(Statement("CREATE DATABASE \(database.name) TEMPLATE \(template.name)", []))
            // Privileges of the database itself are not copied.
            _ = try await admin.run(Statement("GRANT CREATE ON DATABASE \(database.name) TO crm_owner", []))
        }
        return database
    }

    /// Migrated once for all tests of a process: copying is quicker than migrating.
    private static let template = Task {
        try await sweep()
        let database = try await create()
        _ = try await Migrator(database.source(.owner), Migration.all(in: migrationDirectory)).migrate()
        return database
    }

    private static func create() async throws -> TestDatabase {
        let database = TestDatabase(freshName(), in: try cluster())
        guard let bytes = FileManager.default.contents(atPath: migrationDirectory + "/roles.sql") else {
            throw MigrationError.unreadable("roles.sql")
        }
        try await administer { admin in
            _ = try await admin.run(Statement("CREATE DATABASE \(database.name)", []))
            // Roles belong to the cluster; changing one from two places at once is an error.
            try await admin.transaction(as: nil) { transaction throws(StoreError) in
                _ = try await transaction.run("SELECT pg_advisory_xact_lock(7177)")
                do throws(MigrationError) {
                    try await database.superuser.run(script: String(decoding: bytes, as: UTF8.self), named: "roles.sql")
                } catch {
                    throw .refused(sqlState: error.description, constraint: nil)
                }
            }
        }
        return database
    }

    /// The time is in the name, so that leftovers are known by it.
    private static func freshName() -> String {
        "crm_test_\(time(nil))_" + String(UInt64.random(in: .min ... .max), radix: 36)
    }

    private static func sweep() async throws {
        try await administer { admin in
            let names = try await admin.run("SELECT datname::text AS name FROM pg_database WHERE datname LIKE 'crm\\_test\\_%'")
            for name in try names.map({ try $0.text("name") }) {
                let made = name.split(separator: "_").dropFirst(2).first.flatMap { Int($0) } ?? 0
                guard made < time(nil) - 3_600 else { continue }
                _ = try await admin.run(Statement("DROP DATABASE IF EXISTS \(name) WITH (FORCE)", []))
            }
        }
    }

    package func source(_ role: Role) -> DataSource { superuser.with(user: role.rawValue) }

    /// For another process's environment.
    package func dsn(_ role: Role) -> String { source(role).keywords }

    package func pool(_ role: Role, _ options: PoolOptions = TestDatabase.patience) -> PostgresPool {
        PostgresPool(source(role), options: options, logger: Self.quietLogger)
    }

    /// Runs something as a superuser of the cluster, in a database that stays.
    package static func administer(_ body: (PostgresPool) async throws -> Void) async throws {
        let admin = PostgresPool(try cluster(), options: patience, logger: quietLogger)
        try await body(admin)
        await admin.close()
    }

    /// Dozens of tests share the machine: few connections each, and time to get them.
    package static let patience = PoolOptions(size: 4, statementTimeout: .seconds(60), acquireTimeout: .seconds(60))

    package static let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    package static func cluster() throws -> DataSource {
        guard let dsn = getenv("CRM_TEST_DSN").map({ String(cString: $0) }), !dsn.isEmpty else { throw Missing() }
        return try DataSource(dsn)
    }
}
