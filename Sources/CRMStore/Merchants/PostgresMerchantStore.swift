package import CRMCore
internal import FoundationEssentials

/// Merchants, each under its own row-level security; users are found by their exact uid, through functions of the owner.
package struct PostgresMerchantStore: MerchantStore {
    private let pool: PostgresPool
    private let clock: WallClock
    private let random: RandomBytes
    private let known = KnownSessions()

    package init(pool: PostgresPool, clock: @escaping WallClock, random: @escaping RandomBytes) {
        self.pool = pool
        self.clock = clock
        self.random = random
    }

    package func merchant(ofUser uid: String) async throws(StoreError) -> Merchant? {
        try await pool.run("SELECT \(Merchant.columns) FROM crm.merchant_of_user(\(uid))").first.map(Merchant.init)
    }

    package func bootstrap(
        _ identity: VerifiedIdentity, profile: ProfileChange, _ context: RequestContext
    ) async throws(StoreError) -> (merchant: Merchant, created: Bool) {
        if let merchant = try await merchant(ofUser: identity.uid) {
            try await noteSession(of: merchant.id, identity, context)
            return (merchant, false)
        }
        let candidate = MerchantID(.v7(at: clock(), random: random(10)))
        let created = try await pool.transaction(as: candidate) { transaction throws(StoreError) in
            // A second caller waits here until the first one's merchant is committed.
            let claimed = try await transaction.run("SELECT crm.claim_user(\(identity.uid), \(candidate)) AS merchant_id")
            guard try claimed.first?.id("merchant_id") == candidate else { return false }
            _ = try await transaction.run(creation(of: candidate, identity, profile.applied(to: MerchantProfile()), context))
            _ = try await transaction.run(session(of: candidate, identity, context))
            return true
        }
        guard let merchant = try await merchant(ofUser: identity.uid) else { throw .conflict }
        if !created { try await noteSession(of: merchant.id, identity, context) }
        return (merchant, created)
    }

    private func creation(
        of merchant: MerchantID, _ identity: VerifiedIdentity, _ profile: MerchantProfile, _ context: RequestContext
    ) -> Statement {
        let now = clock()
        let audit = entry(.merchantCreated, merchant, at: now, changes: [:], context)
        return """
            WITH created AS (
                INSERT INTO crm.merchants (
                    merchant_id, display_name, company_name, phone, website, timezone, locale, email, email_verified, created_at, updated_at)
                VALUES (
                    \(merchant), \(profile.displayName ?? identity.name), \(profile.companyName), \(profile.phone), \(profile.website),
                    \(profile.timezone), \(profile.locale), \(identity.email), \(identity.emailVerified), \(now), \(now))
                RETURNING merchant_id
            )
            INSERT INTO crm.audit_logs (\(AuditEntry.columns)) SELECT \(audit.values) FROM created
            """
    }

    package func noteSession(
        of merchant: MerchantID, _ identity: VerifiedIdentity, _ context: RequestContext
    ) async throws(StoreError) {
        let session = KnownSessions.Session(uid: identity.uid, authenticatedAt: identity.authenticatedAt)
        guard !known.contains(session) else { return }
        _ = try await pool.run(self.session(of: merchant, identity, context), as: merchant)
        known.insert(session)
    }

    /// Writes the login's row, and the merchant's time of last login, unless this sign-in has its row.
    private func session(of merchant: MerchantID, _ identity: VerifiedIdentity, _ context: RequestContext) -> Statement {
        let now = clock()
        return """
            WITH fresh AS (
                INSERT INTO crm.login_sessions (merchant_id, firebase_uid, authenticated_at, first_seen_at)
                VALUES (\(merchant), \(identity.uid), \(identity.authenticatedAt), \(now))
                ON CONFLICT DO NOTHING
                RETURNING merchant_id
            ), logged AS (
                INSERT INTO crm.login_logs (
                    merchant_id, at, login_id, firebase_uid, sign_in_provider, authenticated_at, outcome, ip, user_agent, request_id)
                SELECT merchant_id, \(now), \(UUID.v7(at: now, random: random(10))), \(identity.uid), \(identity.signInProvider),
                    \(identity.authenticatedAt), 'success', \(context.ip), \(context.userAgent), \(context.requestID)
                FROM fresh
            )
            UPDATE crm.merchants
            SET last_login_at = greatest(last_login_at, \(identity.authenticatedAt)),
                email_verified = email_verified OR (email = \(identity.email) AND \(identity.emailVerified)) IS TRUE
            WHERE merchant_id = \(merchant) AND EXISTS (SELECT FROM fresh)
            """
    }

    package func update(
        _ merchant: MerchantID, _ change: ProfileChange, _ context: RequestContext
    ) async throws(StoreError) -> Merchant? {
        let now = clock()
        let fields = change.values.keys.sorted()
        let audit = entry(.merchantUpdated, merchant, at: now, changes: ["fields": .array(fields.map { .string($0) })], context)
        func has(_ name: String) -> Bool { change.values[name] != nil }
        func value(_ name: String) -> String? { change.values[name] ?? nil }
        return try await pool.run(
            """
            WITH changed AS (
                UPDATE crm.merchants SET
                    display_name = CASE WHEN \(has("display_name")) THEN \(value("display_name")) ELSE display_name END,
                    company_name = CASE WHEN \(has("company_name")) THEN \(value("company_name")) ELSE company_name END,
                    phone = CASE WHEN \(has("phone")) THEN \(value("phone")) ELSE phone END,
                    website = CASE WHEN \(has("website")) THEN \(value("website")) ELSE website END,
                    timezone = CASE WHEN \(has("timezone")) THEN \(value("timezone")) ELSE timezone END,
                    locale = CASE WHEN \(has("locale")) THEN \(value("locale")) ELSE locale END,
                    updated_at = CASE WHEN \(!fields.isEmpty) THEN \(now) ELSE updated_at END
                WHERE merchant_id = \(merchant)
                RETURNING *
            ), audited AS (
                INSERT INTO crm.audit_logs (\(AuditEntry.columns)) SELECT \(audit.values) FROM changed WHERE \(!fields.isEmpty)
            )
            SELECT \(Merchant.columns) FROM changed
            """, as: merchant
        ).first.map(Merchant.init)
    }

    private func entry(
        _ action: AuditEntry.Action, _ merchant: MerchantID, at time: Timestamp, changes: JSONObject, _ context: RequestContext
    ) -> AuditEntry {
        AuditEntry(
            merchant: merchant, id: .v7(at: time, random: random(10)), at: time, action: action, target: "merchant:\(merchant)",
            changes: changes, context: context)
    }
}

extension Merchant {
    static let columns: Statement = """
        merchant_id, display_name, company_name, phone, website, timezone, locale, email, email_verified, is_disabled, created_at,
        updated_at, last_login_at
        """

    init(_ row: Row) throws(StoreError) {
        var profile = MerchantProfile()
        for (name, path) in MerchantProfile.fields { profile[keyPath: path] = try row.text(ifAny: name) }
        self.init(
            id: try row.id("merchant_id"), profile: profile, email: try row.text(ifAny: "email"),
            emailVerified: try row.bool("email_verified"), isDisabled: try row.bool("is_disabled"),
            createdAt: try row.timestamp("created_at"), updatedAt: try row.timestamp("updated_at"),
            lastLoginAt: try row.timestamp(ifAny: "last_login_at"))
    }
}
