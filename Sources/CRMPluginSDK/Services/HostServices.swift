internal import CRMPluginAPI

/// What the host lends to one instance, asked for once. What it does not offer is `nil`.
struct HostServices: Sendable {
    let host: HostTable<crm_host_v1>
    let http: HostTable<crm_http_service_v1>?
    let timer: HostTable<crm_timer_v1>?
    let executor: HostExecutor?
    let cache: HostTable<crm_cache_v1>?
    let metrics: HostTable<crm_metrics_v1>?

    init(_ host: crm_host_v1) {
        self.host = HostTable(host)
        http = HostTable(host, CRM_HTTP_SERVICE_ID)
        timer = HostTable(host, CRM_TIMER_SERVICE_ID)
        executor = HostTable(host, CRM_EXECUTOR_SERVICE_ID).map(HostExecutor.init)
        cache = HostTable(host, CRM_CACHE_SERVICE_ID)
        metrics = HostTable(host, CRM_METRICS_SERVICE_ID)
    }
}

/// A table of the host's functions. The header lets any thread call them, until the instance has closed.
struct HostTable<Table>: @unchecked Sendable {
    let table: Table

    init(_ table: Table) { self.table = table }

    /// `nil` when the host does not offer the service, or offers one with a size that this SDK does not know.
    init?(_ host: crm_host_v1, _ id: String) {
        let pointer = Array(id.utf8).withUnsafeBytes { host.service(host.ctx, $0.text(0..<$0.count)) }
        guard let pointer, pointer.load(as: UInt32.self) == MemoryLayout<Table>.size else { return nil }
        table = pointer.assumingMemoryBound(to: Table.self).pointee
    }
}
