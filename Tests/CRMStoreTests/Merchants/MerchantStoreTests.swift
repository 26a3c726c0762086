import CRMCore
import CRMStore
import Testing

@Suite struct MerchantStoreTests {
    @Test func fiftyFirstLoginsAtOnceMakeOneMerchant() async throws {
        let ground = try await StoreGround.prepare()
        let answers = try await withThrowingTaskGroup(of: (MerchantID, Bool).self) { group in
            for _ in 0..<50 {
                group.addTask {
                    let answer = try await ground.merchants.bootstrap(ground.identity(), profile: ProfileChange(), ground.context)
                    return (answer.merchant.id, answer.created)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(answers.map(\.0)).count == 1)
        #expect(answers.filter(\.1).count == 1)
        let counts = try #require(
            try await ground.superuser.run(
                """
                SELECT (SELECT count(*) FROM crm.merchants) AS merchants, (SELECT count(*) FROM crm.login_logs) AS logins,
                    (SELECT count(*) FROM crm.audit_logs WHERE action = 'merchant.created') AS audits
                """
            ).first)
        #expect(try counts.int("merchants") == 1)
        #expect(try counts.int("logins") == 1)
        #expect(try counts.int("audits") == 1)
    }

    @Test func theFirstProfileIsKeptAndMergePatchesChangeSingleFields() async throws {
        let ground = try await StoreGround.prepare()
        let first = try await ground.merchants.bootstrap(
            ground.identity(), profile: ProfileChange(["company_name": "Ada's Shop", "phone": "+302101234567"]), ground.context)
        #expect(first.created)
        #expect(first.merchant.profile.displayName == "Ada")
        #expect(first.merchant.email == "uid-1@example.test")
        #expect(first.merchant.lastLoginAt == ground.identity().authenticatedAt)

        let changed = try await ground.merchants.update(
            first.merchant.id, ProfileChange(["phone": nil, "locale": "el-GR"]), ground.context)
        #expect(changed?.profile.phone == nil)
        #expect(changed?.profile.locale == "el-GR")
        #expect(changed?.profile.companyName == "Ada's Shop")
        #expect(try await ground.merchants.merchant(ofUser: "uid-1") == changed)
        #expect(try await ground.audit(of: first.merchant.id) == ["merchant.created", "merchant.updated"])
        #expect(try await ground.merchants.merchant(ofUser: "uid-2") == nil)
    }

    @Test func eachSignInIsLoggedOnceByWhicheverProcess() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        let later = ground.identity(signedIn: ground.now)
        let otherProcess = PostgresMerchantStore(pool: ground.app, clock: { ground.now }, random: { Array(repeating: 7, count: $0) })
        for store in [ground.merchants, ground.merchants, otherProcess] {
            try await store.noteSession(of: merchant, later, ground.context)
            try await store.noteSession(of: merchant, ground.identity(), ground.context)
        }
        let rows = try await ground.app.run(
            "SELECT authenticated_at FROM crm.login_logs WHERE merchant_id = \(merchant) ORDER BY authenticated_at", as: merchant)
        #expect(try rows.map { try $0.timestamp("authenticated_at") } == [ground.identity().authenticatedAt, ground.now])
        #expect(try await ground.merchants.merchant(ofUser: "uid-1")?.lastLoginAt == ground.now)
    }
}
