package import CRMCore
internal import FoundationEssentials

/// Brings the schema up to date, file by file, and refuses a database that is not what the applied files made.
package struct Migrator: Sendable {
    private let connector: Connector
    private let migrations: [Migration]

    /// `source` leads to the database as `crm_owner`, or as somebody who may become it.
    package init(_ source: DataSource, _ migrations: [Migration]) {
        connector = Connector(source, PoolOptions(applicationName: "crm-migrate"))
        self.migrations = migrations
    }

    /// Applies what is missing and returns it. `progress` hears of each file before it runs.
    package func migrate(
        progress: @escaping @Sendable (Migration) -> Void = { _ in }
    ) async throws(MigrationError) -> [Migration] {
        try await onOwnThread(named: "crm-migrate") { () throws(MigrationError) in try apply(progress) }
    }

    /// Records all files as applied without running them: somebody ran them by hand, all of them and as they are.
    package func adopt() async throws(MigrationError) -> [Migration] {
        try await onOwnThread(named: "crm-migrate") { () throws(MigrationError) in
            let session = try open()
            var (recorded, tables) = (0, 0)
            try orFail("crm.schema_migrations") { () throws(ScriptSession.Refusal) in
                recorded = try session.run("SELECT FROM crm.schema_migrations LIMIT 1").count
                tables = try session.run(
                    "SELECT FROM pg_tables WHERE schemaname = 'crm' AND tablename <> 'schema_migrations' LIMIT 1"
                ).count
            }
            guard recorded == 0 else { throw .recorded }
            guard tables > 0 else { throw .nothingToAdopt }
            try orFail("crm.schema_migrations") { () throws(ScriptSession.Refusal) in
                try inTransaction(session) { () throws(ScriptSession.Refusal) in
                    for migration in migrations { try record(migration, session) }
                }
            }
            return migrations
        }
    }

    private func apply(_ progress: (Migration) -> Void) throws(MigrationError) -> [Migration] {
        let session = try open()
        let missing = try missingMigrations(session)
        for migration in missing {
            progress(migration)
            try orFail(migration.name) { () throws(ScriptSession.Refusal) in try apply(migration, session) }
        }
        try orFail("crm.maintain_partitions") { () throws(ScriptSession.Refusal) in
            try session.run("SELECT crm.maintain_partitions()")
        }
        return missing
    }

    /// As the owner, and alone: a second migrator waits here.
    private func open() throws(MigrationError) -> ScriptSession {
        let session = try ScriptSession.open(connector)
        do { try session.run("SET ROLE crm_owner") } catch { throw .roleMissing }
        try orFail("crm.schema_migrations") { () throws(ScriptSession.Refusal) in
            try session.run(
                script: """
                    SET search_path = pg_catalog, pg_temp;
                    SET statement_timeout = 0;
                    SET lock_timeout = '60s';
                    SELECT pg_advisory_lock(\(Self.lock));
                    SET lock_timeout = '5s';
                    """)
            try session.run(script: Self.ledger)
        }
        return session
    }

    private func missingMigrations(_ session: ScriptSession) throws(MigrationError) -> [Migration] {
        var applied: [(version: Int, name: String, checksum: String)] = []
        var lastSnapshot: SchemaSnapshot?
        try orFail("crm.schema_migrations") { () throws(ScriptSession.Refusal) in
            for row in try session.run("SELECT version, name, checksum, objects FROM crm.schema_migrations ORDER BY version") {
                guard let version = try? row.int("version"), let name = try? row.text("name"), let checksum = try? row.text("checksum"),
                    let objects = try? row.object("objects")
                else { continue }
                applied.append((version, name, checksum))
                lastSnapshot = SchemaSnapshot(stored: objects)
            }
        }
        for row in applied {
            guard let file = migrations.first(where: { $0.version == row.version }) else {
                throw .unknown(version: row.version, name: row.name)
            }
            if file.checksum != row.checksum { throw .changed(file.name) }
        }
        let missing = migrations.filter { file in !applied.contains { $0.version == file.version } }
        if let last = applied.last, let late = missing.first(where: { $0.version < last.version }) { throw .outOfOrder(late.name) }
        if let lastSnapshot {
            var differences: [String] = []
            try orFail("pg_catalog") { () throws(ScriptSession.Refusal) in
                differences = try SchemaSnapshot(session).differences(from: lastSnapshot)
            }
            if !differences.isEmpty { throw .drifted(differences) }
        }
        return missing
    }

    private func apply(_ migration: Migration, _ session: ScriptSession) throws(ScriptSession.Refusal) {
        try inTransaction(session) { () throws(ScriptSession.Refusal) in
            try session.run(script: migration.sql)
            try record(migration, session)
        }
    }

    private func record(_ migration: Migration, _ session: ScriptSession) throws(ScriptSession.Refusal) {
        let objects = try SchemaSnapshot(session).objects
        try session.run(
            "INSERT INTO crm.schema_migrations (version, name, checksum, objects) VALUES ($1::integer, $2, $3, $4::jsonb)",
            ["\(migration.version)", migration.name, migration.checksum, JSONValue.object(objects).text])
    }

    private func inTransaction(
        _ session: ScriptSession, _ body: () throws(ScriptSession.Refusal) -> Void
    ) throws(ScriptSession.Refusal) {
        try session.run("BEGIN")
        do throws(ScriptSession.Refusal) {
            try body()
            try session.run("COMMIT")
        } catch {
            _ = try? session.run("ROLLBACK")
            throw error
        }
    }

    private func orFail(_ place: String, _ body: () throws(ScriptSession.Refusal) -> Void) throws(MigrationError) {
        do throws(ScriptSession.Refusal) { try body() } catch { throw .failed(file: place, sqlState: error.sqlState, detail: error.detail) }
    }

    /// Any number that nobody else in this database locks.
    private static let lock = 0x63_72_6D_2D_6D_69_67

    private static let ledger = """
        CREATE SCHEMA IF NOT EXISTS crm;
        CREATE TABLE IF NOT EXISTS crm.schema_migrations (
            version    integer     NOT NULL,
            name       text        NOT NULL,
            checksum   text        NOT NULL,
            -- What the schema was made of afterwards.
            objects    jsonb       NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT schema_migrations_pkey PRIMARY KEY (version)
        );
        GRANT USAGE ON SCHEMA crm TO crm_app, crm_worker;
        GRANT SELECT ON crm.schema_migrations TO crm_app, crm_worker;
        """
}

extension PostgresPool {
    /// Those of the given migrations that this database does not have yet.
    package func pending(_ migrations: [Migration]) async throws(StoreError) -> [Migration] {
        let rows: Rows
        do throws(StoreError) {
            rows = try await run("SELECT version FROM crm.schema_migrations")
        } catch .refused(sqlState: "42P01", _), .refused(sqlState: "3F000", _), .refused(sqlState: "42501", _) {
            // No such table, no such schema, or a schema that is not opened to us yet.
            return migrations
        }
        var applied: Set<Int> = []
        for row in rows { applied.insert(try row.int("version")) }
        return migrations.filter { !applied.contains($0.version) }
    }
}
