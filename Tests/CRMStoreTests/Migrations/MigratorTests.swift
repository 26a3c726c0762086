import CRMCore
import CRMStore
import TestSupport
import Testing

@Suite struct MigratorTests {
    private let files: [Migration]

    init() throws { files = try Migration.all(in: TestDatabase.migrationDirectory) }

    @Test func appliesOnceAndThenNothing() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let app = database.pool(.app)
        #expect(try await app.pending(files) == files)
        let applied = try await Migrator(database.source(.owner), files).migrate()
        #expect(applied == files)
        #expect(try await app.pending(files).isEmpty)
        #expect(try await Migrator(database.source(.owner), files).migrate().isEmpty)
    }

    @Test func twoAtOnceApplyEachFileOnce() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let migrator = Migrator(database.source(.owner), files)
        async let first = migrator.migrate()
        async let second = migrator.migrate()
        let counts = try await [first.count, second.count].sorted()
        #expect(counts == [0, files.count])
    }

    @Test func aSuperuserMigratesAsTheOwner() async throws {
        let database = try await TestDatabase.make(migrated: false)
        _ = try await Migrator(database.superuser, files).migrate()
        let owners = try await database.pool(.owner).run(
            "SELECT DISTINCT tableowner::text AS owner FROM pg_catalog.pg_tables WHERE schemaname = 'crm'")
        #expect(try owners.map { try $0.text("owner") } == ["crm_owner"])
    }

    @Test func aChangedFileIsRefused() async throws {
        let database = try await TestDatabase.make()
        let directory = try TemporaryFiles(files.map { ($0.name, $0.sql + "\n-- changed") })
        await #expect(throws: MigrationError.changed(files[0].name)) {
            _ = try await Migrator(database.source(.owner), Migration.all(in: directory.path)).migrate()
        }
    }

    @Test func aMigrationOfANewerVersionIsRefused() async throws {
        let database = try await TestDatabase.make()
        let last = try #require(files.last)
        await #expect(throws: MigrationError.unknown(version: last.version, name: last.name)) {
            _ = try await Migrator(database.source(.owner), files.dropLast()).migrate()
        }
    }

    @Test func whatWasChangedByHandIsNamed() async throws {
        let database = try await TestDatabase.make()
        try await database.source(.owner).run(
            script: "ALTER TABLE crm.merchants ADD COLUMN note text; ALTER TABLE crm.audit_logs DISABLE ROW LEVEL SECURITY",
            named: "by hand")
        await #expect(throws: MigrationError.drifted(["column merchants.note", "table audit_logs"])) {
            _ = try await Migrator(database.source(.owner), files).migrate()
        }
    }

    @Test func aFailingFileLeavesNothingBehindAndSaysWhy() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let directory = try TemporaryFiles([("0001_first.sql", "CREATE TABLE crm.a (x int); SELECT nonsense FROM crm.a;")])
        let migrations = try Migration.all(in: directory.path)
        let error = await #expect(throws: MigrationError.self) {
            _ = try await Migrator(database.source(.owner), migrations).migrate()
        }
        #expect(error == .failed(file: "0001_first.sql", sqlState: "42703", detail: "column \"nonsense\" does not exist"))
        let tables = try await database.pool(.owner).run(
            "SELECT tablename::text AS name FROM pg_catalog.pg_tables WHERE schemaname = 'crm'")
        #expect(try tables.map { try $0.text("name") } == ["schema_migrations"])
    }

    @Test func aFileThatComesLateIsRefused() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let (first, second) = (("0001_a.sql", "SELECT 1"), ("0002_b.sql", "CREATE TABLE crm.b (x int)"))
        // What `migrate` calls at its end.
        let last = ("0003_c.sql", "CREATE FUNCTION crm.maintain_partitions() RETURNS void LANGUAGE sql AS 'SELECT'")
        let incomplete = try TemporaryFiles([first, last])
        _ = try await Migrator(database.source(.owner), Migration.all(in: incomplete.path)).migrate()
        let complete = try TemporaryFiles([first, second, last])
        await #expect(throws: MigrationError.outOfOrder("0002_b.sql")) {
            _ = try await Migrator(database.source(.owner), Migration.all(in: complete.path)).migrate()
        }
    }

    @Test func filesThatAreAmbiguousOrMissingAreRefused() async throws {
        let twins = try TemporaryFiles([("0001_a.sql", "SELECT 1"), ("0001_b.sql", "SELECT 1")])
        #expect(throws: MigrationError.ambiguous("0001_a.sql", "0001_b.sql")) { _ = try Migration.all(in: twins.path) }
        #expect(throws: MigrationError.unreadable("/nowhere")) { _ = try Migration.all(in: "/nowhere") }
    }

    @Test func withoutTheRolesItSaysWhatToRun() async throws {
        let source = try TestDatabase.cluster()
        // A role that may log in and is not a member of crm_owner.
        let database = try await TestDatabase.make()
        await #expect(throws: MigrationError.roleMissing) { _ = try await Migrator(database.source(.app), files).migrate() }
        await #expect(throws: MigrationError.unreachable(reason: "the database does not exist or does not admit us")) {
            _ = try await Migrator(source.with(database: "crm_test_nowhere"), files).migrate()
        }
    }

    @Test func partitionsAreMadeAheadAndOldOnesDropped() async throws {
        let database = try await TestDatabase.make()
        try await database.source(.owner).run(
            script: """
                CREATE TABLE crm.crm_sync_logs_20200101 PARTITION OF crm.crm_sync_logs FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');
                DROP TABLE crm.audit_logs_\(String("\(try await today(database))".prefix(6)));
                """, named: "an old partition, and one that is missing")
        let worker = database.pool(.worker)
        let done = try await worker.run("SELECT crm.maintain_partitions() AS done").map { try $0.text("done") }
        #expect(done == ["dropped crm_sync_logs_20200101", "created audit_logs_\(try await today(database).prefix(6))"])
        #expect(try await worker.run("SELECT crm.maintain_partitions()").isEmpty)
    }

    @Test func aRowInTheDefaultPartitionGoesWhereItBelongs() async throws {
        let database = try await TestDatabase.make()
        let month = try await today(database).prefix(6)
        try await database.source(.owner).run(
            script: """
                DROP TABLE crm.audit_logs_\(month);
                DROP TABLE crm.login_logs_\(month);
                CREATE TABLE crm.login_logs_other PARTITION OF crm.login_logs
                    FOR VALUES FROM (date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '1 day')
                    TO (date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '2 days');
                INSERT INTO crm.audit_logs (merchant_id, audit_id, actor_kind, action, target, request_id)
                VALUES (gen_random_uuid(), gen_random_uuid(), 'system', 'a', 't', 'r');
                """, named: "a missing partition with rows, and one that cannot be made")
        let worker = database.pool(.worker)
        let done = try await worker.run("SELECT crm.maintain_partitions() AS done").map { try $0.text("done") }
        #expect(done == ["failed login_logs_\(month) (SQLSTATE 42P17)", "created audit_logs_\(month)"])
        let rows = try await database.pool(.owner).run("SELECT tableoid::regclass::text AS place FROM crm.audit_logs")
        #expect(try rows.map { try $0.text("place") } == ["crm.audit_logs_\(month)"])
    }

    @Test func whatWasRunByHandIsAdopted() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let migrator = Migrator(database.source(.owner), files)
        await #expect(throws: MigrationError.nothingToAdopt) { _ = try await migrator.adopt() }
        for file in files { try await database.source(.owner).run(script: file.sql, named: file.name) }
        #expect(try await migrator.adopt() == files)
        #expect(try await migrator.migrate().isEmpty)
        await #expect(throws: MigrationError.recorded) { _ = try await migrator.adopt() }
    }

    private func today(_ database: TestDatabase) async throws -> String {
        let rows = try await database.pool(.worker).run(
            "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD') AS day")
        return try #require(rows.first).text("day")
    }
}
