package import CRMCore

extension PostgresPool {
    /// Whether this role can do background work. The API's role cannot: row-level security would show it no lane, without an error.
    package func seesAllMerchants() async throws(StoreError) -> Bool {
        let rows = try await run(
            """
            SELECT NOT row_security_active('crm.delivery_lanes')
                OR EXISTS (
                    SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = 'crm_worker' AND pg_has_role(current_user, r.oid, 'USAGE')) AS sees
            """)
        return try rows.first?.bool("sees") ?? false
    }
}
