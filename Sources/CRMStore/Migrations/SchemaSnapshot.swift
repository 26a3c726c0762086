internal import CRMCore

/// What the schema is made of, each object with a hash of its definition: so that what somebody changed by hand can be named.
struct SchemaSnapshot: Equatable {
    let objects: JSONObject

    /// How PostgreSQL prints definitions differs between its major versions, and so a snapshot holds for one of them.
    private static let versionKey = "server"

    init(stored: JSONObject) { objects = stored }

    init(_ session: ScriptSession) throws(ScriptSession.Refusal) {
        let rows = try session.run(Self.query)
        var objects = JSONObject()
        for row in rows {
            if let name = try? row.text("name"), let hash = try? row.text("hash") { objects[name] = .string(hash) }
        }
        self.objects = objects
    }

    func differences(from earlier: SchemaSnapshot) -> [String] {
        guard objects[Self.versionKey] == earlier.objects[Self.versionKey] else { return [] }
        return Set(objects.keys).union(earlier.objects.keys).filter { objects[$0] != earlier.objects[$0] }.sorted()
    }

    // Partitions come and go, and are left out.
    private static let query = """
        WITH tables AS (
            SELECT c.* FROM pg_class c
            WHERE c.relnamespace = 'crm'::regnamespace AND NOT c.relispartition AND c.relkind IN ('r', 'p', 'v', 'S')
        ), objects (name, definition) AS (
            SELECT 'server', current_setting('server_version_num')::integer / 10000 || ''
            UNION ALL
            SELECT 'table ' || relname, concat_ws(' ', relkind, relrowsecurity, relforcerowsecurity, relacl) FROM tables
            UNION ALL
            SELECT 'column ' || t.relname || '.' || a.attname,
                concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid))
            FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
                LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
            WHERE t.relkind <> 'S'
            UNION ALL
            SELECT 'constraint ' || t.relname || '.' || o.conname, pg_get_constraintdef(o.oid)
            FROM tables t JOIN pg_constraint o ON o.conrelid = t.oid
            UNION ALL
            SELECT 'index ' || i.indexrelid::regclass, concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid)
            FROM tables t JOIN pg_index i ON i.indrelid = t.oid
            UNION ALL
            SELECT 'policy ' || t.relname || '.' || p.polname,
                concat_ws(' ', p.polcmd, p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
            FROM tables t JOIN pg_policy p ON p.polrelid = t.oid
            UNION ALL
            SELECT 'trigger ' || t.relname || '.' || g.tgname, pg_get_triggerdef(g.oid)
            FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
            UNION ALL
            SELECT 'function ' || f.oid::regprocedure, concat_ws(' ', pg_get_functiondef(f.oid), f.proacl)
            FROM pg_proc f WHERE f.pronamespace = 'crm'::regnamespace AND f.prokind IN ('f', 'p')
        )
        SELECT name, md5(definition) AS hash FROM objects ORDER BY name
        """
}
