import CRMCore
import CRMStore
import FoundationEssentials
import Logging
import TestSupport
import Testing

@Suite struct PostgresPoolTests {
    private func pool(_ options: PoolOptions = TestDatabase.patience) throws -> PostgresPool {
        PostgresPool(try TestDatabase.cluster(), options: options, logger: TestDatabase.quietLogger)
    }

    @Test(arguments: [true, false])
    func everyTypeComesBackAsItWent(namedStatements: Bool) async throws {
        let pool = try pool(PoolOptions(size: 1, acquireTimeout: .seconds(60), namedStatements: namedStatements))
        let uuid = UUID()
        let time = Timestamp(microseconds: 1_764_000_000_123_456)
        let json: JSONValue = ["b": [15, .null], "a": "x"]
        for _ in 0..<3 {
            let rows = try await pool.run(
                """
                SELECT \(uuid) AS uuid, \("né\u{1F600}") AS text, \(Int64.min) AS int8, \(Int32.max) AS int4, \(Int16(-2)) AS int2,
                    \(true) AS bool, \([0, 255] as [UInt8]) AS bytea, \([] as [UInt8]) AS empty, \(time) AS time, \(json) AS json,
                    \(String?.none) AS nothing
                """)
            let row = try #require(rows.first)
            #expect(try row.uuid("uuid") == uuid)
            #expect(try row.text("text") == "né\u{1F600}")
            #expect(try row.int64("int8") == .min)
            #expect(try row.int("int4") == Int(Int32.max))
            #expect(try row.int("int2") == -2)
            #expect(try row.bool("bool"))
            #expect(try row.bytes("bytea") == [0, 255])
            #expect(try row.bytes(ifAny: "empty") == [])
            #expect(try row.timestamp("time") == time)
            #expect(try row.json("json") == json)
            #expect(try row.text(ifAny: "nothing") == nil)
        }
    }

    @Test func arraysKeepTheirOrderAndTheirNulls() async throws {
        let pool = try pool()
        let ids = (0..<3).map { _ in UUID() }
        let rows = try await pool.run(
            """
            SELECT * FROM unnest(\(ids), \(["a", nil, "c"]), \([[1], [], [2, 3]] as [[UInt8]]), \([1, nil, 3] as [Int?]),
                \([["x": 1], nil, []] as [JSONValue?]), \([true, false, true])) WITH ORDINALITY AS t (id, text, bytes, int, json, bool, n)
            ORDER BY n
            """)
        #expect(try rows.map { try $0.uuid("id") } == ids)
        #expect(try rows.map { try $0.text(ifAny: "text") } == ["a", nil, "c"])
        #expect(try rows.map { try $0.bytes("bytes") } == [[1], [], [2, 3]])
        #expect(try rows.map { try $0.int(ifAny: "int") } == [1, nil, 3])
        #expect(try rows.map { try $0.json(ifAny: "json") } == [["x": 1], nil, []])
        #expect(try rows.map { try $0.bool("bool") } == [true, false, true])
        let empty = try await pool.run("SELECT cardinality(\([] as [String])) AS n")
        #expect(try empty.first?.int("n") == 0)
    }

    @Test func readingWhatIsNotThereThrows() async throws {
        let row = try #require(try await pool().run("SELECT 1::int4 AS one, NULL::text AS nothing").first)
        #expect(throws: StoreError.refused(sqlState: "42703", constraint: nil)) { try row.int("two") }
        #expect(throws: StoreError.refused(sqlState: "42804", constraint: nil)) { try row.text("one") }
        #expect(throws: StoreError.refused(sqlState: "22002", constraint: nil)) { try row.text("nothing") }
    }

    @Test func manyStatementsShareFewConnections() async throws {
        let pool = try pool(PoolOptions(size: 3, acquireTimeout: .seconds(60), applicationName: "crm-test-many"))
        let answers = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for number in 0..<1_000 {
                group.addTask {
                    let merchant = MerchantID(UUID())
                    let rows = try await pool.run(
                        "SELECT \(number) AS n, current_setting('crm.merchant') = \(merchant.description) AS own", as: merchant)
                    let row = try #require(rows.first)
                    return (number, try row.bool("own") ? try row.int("n") : -1)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 1_000)
        #expect(answers.allSatisfy { $0.0 == $0.1 })
        let sessions = try await pool.run("SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'crm-test-many'")
        #expect(try sessions.first?.int("n") == 3)
    }

    @Test func theMerchantDoesNotOutliveItsStatement() async throws {
        let pool = try pool(PoolOptions(size: 1, acquireTimeout: .seconds(60)))
        _ = try await pool.run("SELECT 1", as: MerchantID(UUID()))
        let row = try #require(try await pool.run("SELECT coalesce(current_setting('crm.merchant', true), '') AS merchant").first)
        #expect(try row.text("merchant") == "")
    }

    @Test func aRefusedStatementLeavesTheConnectionUsable() async throws {
        let pool = try pool(PoolOptions(size: 1, acquireTimeout: .seconds(60)))
        let merchant = MerchantID(UUID())
        for _ in 0..<3 {
            await #expect(throws: StoreError.refused(sqlState: "22012", constraint: nil)) {
                _ = try await pool.run("SELECT 1 / \(0)", as: merchant)
            }
            await #expect(throws: StoreError.refused(sqlState: "42601", constraint: nil)) {
                _ = try await pool.run("SELEC \(0)", as: merchant)
            }
            #expect(try await pool.run("SELECT \(1) AS one", as: merchant).first?.int("one") == 1)
        }
    }

    @Test func aShorterLimitHolds() async throws {
        let pool = try pool(PoolOptions(size: 1, acquireTimeout: .seconds(60)))
        await #expect(throws: StoreError.unavailable(retryAfter: .seconds(1))) {
            _ = try await pool.run("SELECT pg_sleep(60)", as: MerchantID(UUID()), timeout: .milliseconds(50))
        }
        #expect(try await pool.run("SELECT current_setting('statement_timeout') AS t").first?.text("t") == "0")
    }

    @Test func aServerThatDoesNotAnswerCostsTheConnectionOnly() async throws {
        // Without a limit of the server's: this role has none.
        let pool = try pool(PoolOptions(size: 1, statementTimeout: .milliseconds(10), acquireTimeout: .seconds(60)))
        await #expect(throws: StoreError.unavailable(retryAfter: .seconds(1))) { _ = try await pool.run("SELECT pg_sleep(60)") }
        #expect(try await pool.run("SELECT 1 AS one").first?.int("one") == 1)
    }

    @Test func aTransactionCommitsAsAWholeOrNotAtAll() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let pool = PostgresPool(
            database.superuser, options: PoolOptions(size: 2, acquireTimeout: .seconds(60)), logger: TestDatabase.quietLogger)
        _ = try await pool.run("CREATE TABLE public.t (x bigint PRIMARY KEY)")
        func count() async throws -> Int? { try await pool.run("SELECT count(*) AS n FROM public.t").first?.int("n") }

        let sum = try await pool.transaction(as: nil) { transaction throws(StoreError) in
            _ = try await transaction.run("INSERT INTO public.t VALUES (\(1))")
            return try await transaction.run("INSERT INTO public.t VALUES (\(2)) RETURNING x").first?.int("x")
        }
        #expect(sum == 2)
        #expect(try await count() == 2)
        await #expect(throws: StoreError.conflict) {
            try await pool.transaction(as: nil) { transaction throws(StoreError) in
                _ = try await transaction.run("INSERT INTO public.t VALUES (\(3))")
                throw .conflict
            }
        }
        await #expect(throws: StoreError.refused(sqlState: "23505", constraint: "t_pkey")) {
            try await pool.transaction(as: nil) { transaction throws(StoreError) in
                _ = try await transaction.run("INSERT INTO public.t VALUES (\(4))")
                _ = try await transaction.run("INSERT INTO public.t VALUES (\(1))")
            }
        }
        // Who ignores a refusal hears of it at the commit at the latest.
        await #expect(throws: StoreError.refused(sqlState: "25P02", constraint: nil)) {
            try await pool.transaction(as: nil) { transaction throws(StoreError) in
                _ = try await transaction.run("INSERT INTO public.t VALUES (\(5))")
                _ = try? await transaction.run("INSERT INTO public.t VALUES (\(1))")
            }
        }
        #expect(try await count() == 2)
    }

    @Test func cancelledCallersDoNotDisturbOthers() async throws {
        let pool = try pool(PoolOptions(size: 1, acquireTimeout: .seconds(60)))
        let blocker = Task { try await pool.run("SELECT pg_sleep(0.3)") }
        let waiting = (0..<20).map { number in Task { try await pool.run("SELECT \(number) AS n").first?.int("n") } }
        for (number, task) in waiting.enumerated() where number.isMultiple(of: 2) { task.cancel() }
        blocker.cancel()
        _ = try? await blocker.value
        for (number, task) in waiting.enumerated() {
            // A caller either got its own row or was told that nothing happened.
            if case .success(let answer) = await task.result { #expect(answer == number) } else { #expect(task.isCancelled) }
        }
        #expect(try await pool.run("SELECT 7 AS n").first?.int("n") == 7)
    }

    @Test func terminatedSessionsAreReplaced() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let pool = PostgresPool(
            database.superuser, options: PoolOptions(size: 3, acquireTimeout: .seconds(60)), logger: TestDatabase.quietLogger)
        let busy = Task { try await pool.run("SELECT pg_sleep(60)") }
        try await database.waitForSession(where: "query = 'SELECT pg_sleep(60)'")
        try await database.terminateSessions()
        await #expect(throws: StoreError.unavailable(retryAfter: .seconds(1))) { _ = try await busy.value }
        #expect(try await pool.run("SELECT 1 AS one").first?.int("one") == 1)
    }

    @Test func anOutageIsReportedAndEndsByItself() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let pool = PostgresPool(
            database.superuser, options: PoolOptions(size: 2, acquireTimeout: .milliseconds(100)), logger: TestDatabase.quietLogger)
        _ = try? await pool.run("SELECT 1")
        try await database.admit(false)
        try await database.terminateSessions()
        var isReported = false
        while !isReported {
            do { _ = try await pool.run("SELECT 1") } catch { isReported = error == .unavailable(retryAfter: .seconds(1)) }
        }
        try await database.admit(true)
        while (try? await pool.run("SELECT 1")) == nil { await Task.yield() }
    }

    @Test func whereNothingListensCallersAreToldSoon() async throws {
        let pool = try PostgresPool(
            dsn: "postgresql://crm:not-shown@127.0.0.1:1/crm", options: PoolOptions(size: 1, acquireTimeout: .milliseconds(50)),
            logger: TestDatabase.quietLogger)
        await #expect(throws: StoreError.unavailable(retryAfter: .seconds(1))) { _ = try await pool.run("SELECT 1") }
    }

    @Test func aClosedPoolFinishesWhatItBeganAndTakesNothingNew() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let pool = PostgresPool(
            database.superuser, options: PoolOptions(size: 1, acquireTimeout: .seconds(60)), logger: TestDatabase.quietLogger)
        let begun = Task { try await pool.run("SELECT 1 AS one, pg_sleep(0.3)").first?.int("one") }
        try await database.waitForSession(where: "query = 'SELECT 1 AS one, pg_sleep(0.3)'")
        await pool.close()
        #expect(try await begun.value == 1)
        await #expect(throws: StoreError.unavailable(retryAfter: .seconds(1))) { _ = try await pool.run("SELECT 1") }
        await pool.close()
    }

    @Test func aCommitWhoseStandbyWaitWasBrokenOffIsDoubtful() async throws {
        let pool = try pool(PoolOptions(size: 1, acquireTimeout: .seconds(60)))
        // A warning as the server gives it then: of the general class, beside a commit that succeeds.
        await #expect(throws: StoreError.unavailable(retryAfter: .seconds(1))) {
            _ = try await pool.run("DO $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication'; END $$")
        }
        _ = try await pool.run("DO $$ BEGIN RAISE NOTICE 'nothing of importance'; END $$")
        #expect(try await pool.run("SELECT 1 AS one").first?.int("one") == 1)
    }

    @Test func theServersSettingsAreJudgedByRole() async throws {
        let database = try await TestDatabase.make()
        #expect(try await ServerCheck.findings(database.pool(.app)) == [])
        #expect(try await ServerCheck.findings(database.pool(.worker)) == [])
        let owner = try await ServerCheck.findings(database.pool(.owner))
        #expect(owner.contains("the role crm_owner is exempt from row-level security; connect as crm_app"))
        let superuser = PostgresPool(database.superuser, options: TestDatabase.patience, logger: TestDatabase.quietLogger)
        #expect(try await ServerCheck.findings(superuser).contains { $0.hasPrefix("log_parameter_max_length_on_error is not 0") } == false)
        #expect(try await ServerCheck.findings(superuser).contains { $0.hasPrefix("log_parameter_max_length is not 0") })
    }
}
