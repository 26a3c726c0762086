import CRMCore
import CRMStore
import TestSupport
import Testing

@Suite struct RowLevelSecurityTests {
    /// Every table that has rows per merchant: one that a later migration adds is found by its column.
    private func merchantTables(_ ground: StoreGround) async throws -> [String] {
        try await ground.superuser.run(
            """
            SELECT c.relname::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'merchant_id'
            WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
            """
        ).map { try $0.text("name") }
    }

    @Test func everyTableWithMerchantsHasIt() async throws {
        let ground = try await StoreGround.prepare()
        #expect(try await merchantTables(ground).count >= 8)
        let open = try await ground.superuser.run(
            """
            SELECT c.relname::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'merchant_id'
            WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT c.relrowsecurity
            """)
        #expect(try open.map { try $0.text("name") } == [])
    }

    @Test func everyKeyBeginsWithTheMerchant() async throws {
        let ground = try await StoreGround.prepare()
        let keys = try await ground.superuser.run(
            """
            SELECT o.conname::text AS name FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid AND NOT c.relispartition
                JOIN pg_attribute m ON m.attrelid = c.oid AND m.attname = 'merchant_id'
            WHERE o.connamespace = 'crm'::regnamespace AND o.contype IN ('p', 'u', 'f') AND o.conkey[1] <> m.attnum
            """)
        // Finding the merchant is what this table is for.
        #expect(try keys.map { try $0.text("name") } == ["merchant_users_pkey"])
    }

    @Test func withoutAMerchantTheAPISeesNothingAndWithOneOnlyIts() async throws {
        let ground = try await StoreGround.prepare()
        let (first, second) = (try await ground.merchant("uid-1"), try await ground.merchant("uid-2"))
        _ = try await ground.connect(first)
        _ = try await ground.connect(second)
        for table in ["merchants", "crm_integrations", "login_logs", "audit_logs", "login_sessions"] {
            let all = Statement("SELECT DISTINCT merchant_id FROM crm.\(table)", [])
            #expect(try await ground.superuser.run(all).count == 2, "\(table)")
            #expect(try await ground.app.run(all).isEmpty, "\(table)")
            let seen = try await ground.app.run(all, as: first)
            #expect(try seen.map { try $0.id("merchant_id") } == [first], "\(table)")
        }
    }

    @Test func nobodyWritesForSomebodyElse() async throws {
        let ground = try await StoreGround.prepare()
        let (first, second) = (try await ground.merchant("uid-1"), try await ground.merchant("uid-2"))
        _ = try await ground.connect(second)
        #expect(
            try await ground.app.run("UPDATE crm.crm_integrations SET label = 'x' WHERE merchant_id = \(second)", as: first).affected == 0)
        #expect(try await ground.app.run("DELETE FROM crm.crm_integrations WHERE merchant_id = \(second)", as: first).affected == 0)
        await #expect(throws: StoreError.refused(sqlState: "42501", constraint: nil)) {
            _ = try await ground.app.run(
                "INSERT INTO crm.login_sessions (merchant_id, firebase_uid, authenticated_at) VALUES (\(second), 'x', now())", as: first)
        }
    }

    @Test func usersAreNotListedAndAuditIsAppendOnly() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        let denied = StoreError.refused(sqlState: "42501", constraint: nil)
        let worker = ground.database.pool(.worker)
        for pool in [ground.app, worker] {
            await #expect(throws: denied) { _ = try await pool.run("SELECT count(*) FROM crm.merchant_users") }
            await #expect(throws: denied) { _ = try await pool.run("DELETE FROM crm.audit_logs WHERE true", as: merchant) }
            await #expect(throws: denied) { _ = try await pool.run("UPDATE crm.audit_logs SET action = ''", as: merchant) }
        }
        await #expect(throws: denied) { _ = try await ground.app.run("SELECT crm.maintain_partitions()") }
        await #expect(throws: denied) { _ = try await worker.run("SELECT crm.merchant_of_user('uid-1')") }
    }
}
