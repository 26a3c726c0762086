package import CRMCore
internal import FoundationEssentials

/// Connections with their credentials, encrypted by pgcrypto under keys that only this process can derive.
package struct PostgresConnectionStore: ConnectionStore {
    let pool: PostgresPool
    let vault: Vault
    let hash: ContactHash
    let clock: WallClock
    let random: RandomBytes

    /// How often a statement is built anew because somebody wrote between reading the row's version and using it.
    static let attempts = 3

    package init(
        pool: PostgresPool, vault: Vault, hash: ContactHash, clock: @escaping WallClock, random: @escaping RandomBytes
    ) {
        self.pool = pool
        self.vault = vault
        self.hash = hash
        self.clock = clock
        self.random = random
    }

    package func integrations(of merchant: MerchantID) async throws(StoreError) -> [Integration] {
        var integrations: [Integration] = []
        let rows = try await pool.run(
            "SELECT \(Integration.columns) FROM crm.crm_integrations WHERE merchant_id = \(merchant) ORDER BY crm_type", as: merchant)
        for row in rows { integrations.append(try Integration(row)) }
        return integrations
    }

    package func integration(_ merchant: MerchantID, _ type: CRMType) async throws(StoreError) -> Integration? {
        try await pool.run(
            "SELECT \(Integration.columns) FROM crm.crm_integrations WHERE merchant_id = \(merchant) AND crm_type = \(type)", as: merchant
        ).first.map(Integration.init)
    }

    /// Lanes need nothing here: what they were told about credentials names their version, and there is a new one now.
    package func connect(
        _ connection: NewConnection, _ context: RequestContext
    ) async throws(StoreError) -> (integration: Integration, created: Bool) {
        for _ in 0..<Self.attempts {
            let present = try await integration(connection.merchant, connection.crmType)
            let statement =
                if let present {
                    try replacement(of: present, by: connection, context)
                } else {
                    try insertion(of: connection, context)
                }
            if let row = try await pool.run(statement, as: connection.merchant).first { return (try Integration(row), present == nil) }
        }
        throw .conflict
    }

    /// Returns no row when the merchant has a connection of this type by now.
    private func insertion(of connection: NewConnection, _ context: RequestContext) throws(StoreError) -> Statement {
        let now = clock()
        let merchant = connection.merchant
        let id = IntegrationID(.v7(at: now, random: random(10)))
        let seal = try seal(connection.credentials, of: id, merchant, connection.crmType, version: 1)
        let audit = entry(.integrationConnected, merchant, connection.crmType, ["credentials"], at: now, context)
        return """
            WITH written AS (
                INSERT INTO crm.crm_integrations (
                    merchant_id, integration_id, crm_type, label, account, settings, credential_fingerprint, cred_ct, cred_kid, cred_salt,
                    cred_ver, connected_at, updated_at, last_validated_at)
                VALUES (
                    \(merchant), \(id), \(connection.crmType), \(connection.label), \(connection.account), \(connection.settings ?? [:]),
                    \(fingerprint(of: connection.credentials)), \(seal.message), \(seal.kid), \(seal.salt), 1, \(now), \(now), \(now))
                ON CONFLICT (merchant_id, crm_type) DO NOTHING
                RETURNING *
            ), audited AS (
                INSERT INTO crm.audit_logs (\(AuditEntry.columns)) SELECT \(audit.values) FROM written
            )
            SELECT \(Integration.columns) FROM written
            """
    }

    /// Returns no row when the connection has other credentials by now.
    private func replacement(
        of present: Integration, by connection: NewConnection, _ context: RequestContext
    ) throws(StoreError) -> Statement {
        let now = clock()
        let version = present.credentialVersion + 1
        let seal = try seal(connection.credentials, of: present.id, present.merchant, present.crmType, version: version)
        let audit = entry(.integrationReplaced, present.merchant, present.crmType, ["credentials"], at: now, context)
        return """
            WITH written AS (
                UPDATE crm.crm_integrations SET
                    label = coalesce(\(connection.label), label), account = \(connection.account),
                    settings = coalesce(\(connection.settings), settings), state = 'active', state_reason = NULL,
                    credential_fingerprint = \(fingerprint(of: connection.credentials)), cred_ct = \(seal.message), cred_kid = \(seal.kid),
                    cred_salt = \(seal.salt), cred_ver = \(version), updated_at = \(now), last_validated_at = \(now)
                WHERE merchant_id = \(present.merchant) AND integration_id = \(present.id) AND cred_ver = \(present.credentialVersion)
                RETURNING *
            ), audited AS (
                INSERT INTO crm.audit_logs (\(AuditEntry.columns)) SELECT \(audit.values) FROM written
            )
            SELECT \(Integration.columns) FROM written
            """
    }

    package func change(
        _ merchant: MerchantID, _ type: CRMType, _ change: ConnectionChange, _ context: RequestContext
    ) async throws(StoreError) -> Integration? {
        let now = clock()
        let action: AuditEntry.Action =
            switch (change.isPaused, change.settings, change.label) {
            case (true?, nil, nil): .integrationPaused
            case (false?, nil, nil): .integrationResumed
            default: .integrationChanged
            }
        let audit = entry(action, merchant, type, change.fields, at: now, context)
        let (isRelabelled, label) = (change.label != nil, change.label ?? nil)
        let rows = try await pool.run(
            """
            WITH written AS (
                UPDATE crm.crm_integrations SET
                    settings = coalesce(\(change.settings?.new), settings),
                    label = CASE WHEN \(isRelabelled) THEN \(label) ELSE label END,
                    state = CASE
                        WHEN \(change.isPaused ?? false) THEN 'paused'
                        -- What made the CRM refuse the credentials may be over; the next delivery shows it.
                        WHEN \(change.isPaused == false) AND state = 'paused' THEN 'active'
                        ELSE state END,
                    state_reason = CASE WHEN \(change.isPaused ?? false) THEN NULL ELSE state_reason END,
                    updated_at = \(now)
                WHERE merchant_id = \(merchant) AND crm_type = \(type)
                    AND (NOT \(change.settings != nil) OR settings = \(change.settings?.old ?? [:]))
                RETURNING *
            ), audited AS (
                INSERT INTO crm.audit_logs (\(AuditEntry.columns)) SELECT \(audit.values) FROM written
            )
            SELECT \(Integration.columns) FROM written
            """, as: merchant)
        if let row = rows.first { return try Integration(row) }
        if try await integration(merchant, type) == nil { return nil }
        throw .conflict
    }

    package func disconnect(
        _ merchant: MerchantID, _ type: CRMType, _ context: RequestContext
    ) async throws(StoreError) -> (at: Timestamp, cancelled: Int)? {
        let now = clock()
        let audit = entry(.integrationDisconnected, merchant, type, [], at: now, context)
        guard let id = try await integration(merchant, type)?.id else { return nil }
        // Before anything is locked. However long the queue is, and if it cannot be counted in time: disconnecting goes on.
        let pending = try? await pool.run(DeliveryStatements.pending(of: id, merchant), as: merchant).first?.int("pending")
        return try await pool.transaction(as: merchant) { transaction throws(StoreError) in
            // Lanes before their connection, as those do who settle.
            _ = try await transaction.run(DeliveryStatements.takeAway(id, merchant))
            let gone = try await transaction.run(
                """
                WITH gone AS (
                    DELETE FROM crm.crm_integrations WHERE merchant_id = \(merchant) AND integration_id = \(id) RETURNING integration_id
                ), audited AS (
                    INSERT INTO crm.audit_logs (\(AuditEntry.columns)) SELECT \(audit.values) FROM gone
                )
                SELECT integration_id FROM gone
                """)
            guard !gone.isEmpty else { return nil }
            let ended = try await transaction.run(DeliveryStatements.cancelPending(of: id, merchant, at: now))
            return (now, max(pending ?? 0, try ended.first?.int("cancelled") ?? 0))
        }
    }

    private func entry(
        _ action: AuditEntry.Action, _ merchant: MerchantID, _ type: CRMType, _ fields: [String], at time: Timestamp,
        _ context: RequestContext
    ) -> AuditEntry {
        AuditEntry(
            merchant: merchant, id: .v7(at: time, random: random(10)), at: time, action: action, target: "integration:\(type)",
            changes: fields.isEmpty ? [:] : ["fields": .array(fields.map(JSONValue.string))], context: context)
    }
}
