import ArgumentParser
import CRMStore

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Brings the database's schema up to date.",
        discussion: """
            Connects with DB_MIGRATE_DSN (DB_DSN where that is not set), applies the numbered files of CRM_SQL_DIR that are missing, each in a
            transaction, and refuses a database whose schema is not what the applied files made.
            A superuser runs roles.sql from the same directory once, before.
            """)

    @Flag(help: "Record all files as applied without running them, because somebody ran them with psql -f.")
    var adopt = false

    func run() async throws {
        let database = try loadConfiguration().database
        do {
            let migrator = Migrator(try DataSource(database.migration), try Migration.all(in: database.migrations))
            if adopt {
                print("recorded \(try await migrator.adopt().count)")
                return
            }
            let applied = try await migrator.migrate { print("applying \($0.name)") }
            print(applied.isEmpty ? "the schema is up to date" : "applied \(applied.count)")
        } catch {
            complain("\(error)")
            throw ExitCode.failure
        }
    }
}
