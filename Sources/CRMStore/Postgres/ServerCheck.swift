package import CRMCore

/// Settings of the server and of our role that would put keys into its log, or lose what was acknowledged: in production no host
/// starts on them.
package struct ServerCheck: Sendable {
    /// The first minor release of each major with pgcrypto's corrections of 2026.
    private static let oldestMinors = [15: 18, 16: 14, 17: 10, 18: 4]

    private static let settings: [(name: String, isGood: @Sendable (String) -> Bool, reason: String)] = [
        ("log_parameter_max_length", { $0 == "0" }, "is not 0: parameters, keys among them, may be logged; see sql/roles.sql"),
        ("log_parameter_max_length_on_error", { $0 == "0" }, "is not 0: parameters, keys among them, may be logged; see sql/roles.sql"),
        ("plan_cache_mode", { $0 == "force_generic_plan" }, "is not force_generic_plan: plans may hold keys; see sql/roles.sql"),
        ("auto_explain.log_verbose", { $0 != "on" }, "is on: plans in the log may hold keys"),
        ("pgaudit.log_parameter", { $0 != "on" }, "is on: parameters, keys among them, are logged"),
        ("debug_print_parse", { $0 != "on" }, "is on: keys are logged as lists of bytes"),
        ("debug_print_rewritten", { $0 != "on" }, "is on: keys are logged as lists of bytes"),
        ("debug_print_plan", { $0 != "on" }, "is on: keys are logged as lists of bytes"),
        ("synchronous_commit", { $0 != "off" }, "is off: the last acknowledged deliveries are lost when the server crashes"),
        ("fsync", { $0 != "off" }, "is off: a crash of the machine may destroy the database"),
    ]

    /// Sentences for the operator, none when all is well.
    package static func findings(_ pool: PostgresPool) async throws(StoreError) -> [String] {
        var findings: [String] = []
        let rows = try await pool.run(
            """
            SELECT current_user::text AS role, current_setting('server_version_num')::integer AS version,
                (SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user)
                    OR EXISTS (
                        SELECT FROM pg_catalog.pg_tables WHERE schemaname = 'crm' AND pg_has_role(tableowner, 'USAGE')) AS exempt
            """)
        guard let row = rows.first else { throw .unexpectedNull }
        let version = try row.int("version")
        let (major, minor) = (version / 10_000, version % 10_000)
        if major < 15 || minor < oldestMinors[major] ?? 0 {
            findings.append("PostgreSQL \(major).\(minor) has known holes in pgcrypto; update it")
        }
        if try row.bool("exempt") {
            findings.append("the role \(try row.text("role")) is exempt from row-level security; connect as crm_app")
        }
        for (name, isGood, reason) in settings {
            let value = try await pool.run("SELECT coalesce(current_setting(\(name), true), '') AS value").first?.text("value") ?? ""
            if !isGood(value) { findings.append("\(name) \(reason)") }
        }
        return findings
    }
}
