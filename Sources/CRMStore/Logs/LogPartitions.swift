package import CRMCore

extension PostgresPool {
    /// Makes the log partitions of the coming days and drops those that nobody needs any more. Returns what was done. For `crm_worker`.
    package func maintainPartitions() async throws(StoreError) -> [String] {
        var done: [String] = []
        for row in try await run("SELECT action FROM crm.maintain_partitions() AS action") { done.append(try row.text("action")) }
        return done
    }
}
