import CRMStore
import TestSupport
import Testing

extension TestDatabase {
    /// Ends all sessions in this database.
    func terminateSessions() async throws {
        try await Self.administer { admin in
            _ = try await admin.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = \(name)")
        }
    }

    /// Whether the database takes new sessions: what an outage looks like to a pool.
    func admit(_ isOpen: Bool) async throws {
        try await Self.administer { admin in
            _ = try await admin.run(Statement("ALTER DATABASE \(name) ALLOW_CONNECTIONS \(isOpen)", []))
        }
    }

    /// Waits until `pg_stat_activity` has a session in this database for which the condition holds.
    func waitForSession(where condition: String) async throws {
        let statement = Statement("SELECT FROM pg_stat_activity WHERE datname = '\(name)' AND \(condition)", [])
        try await Self.administer { admin in
            let deadline = ContinuousClock.now + .seconds(30)
            while try await admin.run(statement).isEmpty {
                try #require(ContinuousClock.now < deadline, "no such session")
            }
        }
    }
}
