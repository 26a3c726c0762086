import CRMCore
import CRMPluginAPI
import CRMTransport
import Glibc

/// The C tables that one instance sees.
///
/// Their memory is never given back: a provider that calls after its `close` must find a table, and behind it nobody.
struct HostTables: @unchecked Sendable {
    let host: UnsafeMutablePointer<crm_host_v1>
    private let http: UnsafeMutablePointer<crm_http_service_v1>
    private let executor: UnsafeMutablePointer<crm_executor_v1>
    private let timer: UnsafeMutablePointer<crm_timer_v1>
    private let cache: UnsafeMutablePointer<crm_cache_v1>
    private let metrics: UnsafeMutablePointer<crm_metrics_v1>

    static let services: Set<String> = [
        CRM_HTTP_SERVICE_ID, CRM_EXECUTOR_SERVICE_ID, CRM_TIMER_SERVICE_ID, CRM_CACHE_SERVICE_ID, CRM_METRICS_SERVICE_ID,
    ]

    init(context: UnsafeMutableRawPointer?) {
        host = .allocate(capacity: 1)
        http = .allocate(capacity: 1)
        executor = .allocate(capacity: 1)
        timer = .allocate(capacity: 1)
        cache = .allocate(capacity: 1)
        metrics = .allocate(capacity: 1)
        host.initialize(
            to: crm_host_v1(
                struct_size: UInt32(MemoryLayout<crm_host_v1>.size), reserved: 0, ctx: context,
                service: { context, id in InstanceDirectory.instance(context)?.tables.service(borrowedText(id, limit: 128)) },
                log: { context, level, operation, message, fields in
                    InstanceDirectory.instance(context)?.log(level, operation, message, fields)
                },
                log_enabled: { context, level in InstanceDirectory.instance(context)?.isLogged(level) == true ? 1 : 0 }))
        http.initialize(
            to: crm_http_service_v1(
                struct_size: UInt32(MemoryLayout<crm_http_service_v1>.size), reserved: 0, ctx: context,
                send: { context, request, user, done in
                    // 1: an id that nobody will ever look for, since nobody is there.
                    InstanceDirectory.instance(context)?.sendHTTP(request, user, done) ?? 1
                },
                cancel: { context, id in InstanceDirectory.instance(context)?.transport.cancel(id) }))
        executor.initialize(
            to: crm_executor_v1(
                struct_size: UInt32(MemoryLayout<crm_executor_v1>.size), reserved: 0, ctx: context,
                submit: { _, function, job in
                    // Without regard to the instance: what a Swift runtime leaves behind after `close` still wants its thread, and its
                    // code stays mapped.
                    guard let threads = try? HostThreads.shared() else { return }
                    let job = ProviderPointer(job)
                    threads.workers.submit { function(job.address) }
                }))
        timer.initialize(
            to: crm_timer_v1(
                struct_size: UInt32(MemoryLayout<crm_timer_v1>.size), reserved: 0, ctx: context,
                now_monotonic_ns: { _ in monotonicNanoseconds() },
                now_wall_ns: { _ in clockNanoseconds(CLOCK_REALTIME) },
                after: { context, delay, user, fired in InstanceDirectory.instance(context)?.startTimer(delay, user, fired) ?? .max },
                cancel: { context, id in InstanceDirectory.instance(context)?.cancelTimer(id) == true ? 1 : 0 }))
        cache.initialize(
            to: crm_cache_v1(
                struct_size: UInt32(MemoryLayout<crm_cache_v1>.size), reserved: 0, ctx: context,
                acquire: { context, operation, key, flags, user, answer in
                    InstanceDirectory.instance(context)?.acquireFromCache(operation, key, flags, user, answer)
                },
                put: { context, ticket, value, life in InstanceDirectory.instance(context)?.putIntoCache(ticket, value, life) },
                give_up: { context, ticket in InstanceDirectory.instance(context)?.giveUpInCache(ticket) },
                remove: { context, operation, key, stale in
                    InstanceDirectory.instance(context)?.removeFromCache(operation, key, stale)
                }))
        metrics.initialize(
            to: crm_metrics_v1(
                struct_size: UInt32(MemoryLayout<crm_metrics_v1>.size), reserved: 0, ctx: context,
                counter_add: { context, name, labels, count, amount in
                    InstanceDirectory.instance(context)?.addToCounter(name, labels, count, amount)
                },
                histogram_record: { context, name, labels, count, value in
                    InstanceDirectory.instance(context)?.recordInHistogram(name, labels, count, value)
                }))
    }

    private func service(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case CRM_HTTP_SERVICE_ID: UnsafeRawPointer(http)
        case CRM_EXECUTOR_SERVICE_ID: UnsafeRawPointer(executor)
        case CRM_TIMER_SERVICE_ID: UnsafeRawPointer(timer)
        case CRM_CACHE_SERVICE_ID: UnsafeRawPointer(cache)
        case CRM_METRICS_SERVICE_ID: UnsafeRawPointer(metrics)
        default: nil
        }
    }
}

/// The provider's own pointer, handed back to it and never looked at.
struct ProviderPointer: @unchecked Sendable {
    let address: UnsafeMutableRawPointer?
    init(_ address: UnsafeMutableRawPointer?) { self.address = address }
}
