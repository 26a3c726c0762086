internal import CRMPluginAPI

/// The C tables of one host. They stay in memory after the host has gone, because a bad provider may still look at them; what they lead
/// to is found by the host's number.
struct HostTables: @unchecked Sendable {  // Never changed once they are made.
    let host: UnsafePointer<crm_host_v1>
    let http: UnsafePointer<crm_http_service_v1>
    let executor: UnsafePointer<crm_executor_v1>
    let timer: UnsafePointer<crm_timer_v1>
    let cache: UnsafePointer<crm_cache_v1>
    let metrics: UnsafePointer<crm_metrics_v1>

    init(_ handle: Handle) {
        let context = handle.pointer
        host = Self.permanent(Self.host(context))
        http = Self.permanent(
            crm_http_service_v1(
                struct_size: Self.size(of: crm_http_service_v1.self), reserved: 0, ctx: context,
                send: { context, request, user, done in
                    FakeHost.called(context, "http.send")?.send(request.pointee, user, done) ?? 1
                },
                cancel: { context, id in FakeHost.called(context, "http.cancel")?.http.cancel(id) }))
        executor = Self.permanent(
            crm_executor_v1(
                struct_size: Self.size(of: crm_executor_v1.self), reserved: 0, ctx: context,
                submit: { context, function, job in FakeHost.called(context, "executor.submit")?.workers.submit(function, job) }))
        timer = Self.permanent(Self.timer(context))
        cache = Self.permanent(Self.cache(context))
        metrics = Self.permanent(
            crm_metrics_v1(
                struct_size: Self.size(of: crm_metrics_v1.self), reserved: 0, ctx: context,
                counter_add: { context, name, labels, count, amount in
                    FakeHost.called(context, "metrics.counter_add")?.metrics.write(.counter, name, labels, count, Double(amount))
                },
                histogram_record: { context, name, labels, count, value in
                    FakeHost.called(context, "metrics.histogram_record")?.metrics.write(.histogram, name, labels, count, value)
                }))
    }

    private static func host(_ context: UnsafeMutableRawPointer?) -> crm_host_v1 {
        crm_host_v1(
            struct_size: size(of: crm_host_v1.self), reserved: 0, ctx: context,
            service: { context, id in FakeHost.called(context, "host.service")?.service(id.copied) },
            log: { context, level, operation, message, fields in
                FakeHost.called(context, "host.log")?.log(level, operation, message, fields)
            },
            log_enabled: { _, _ in 1 })
    }

    private static func timer(_ context: UnsafeMutableRawPointer?) -> crm_timer_v1 {
        crm_timer_v1(
            struct_size: size(of: crm_timer_v1.self), reserved: 0, ctx: context,
            now_monotonic_ns: { FakeHost.called($0, "timer.now_monotonic_ns")?.timer.monotonic ?? 0 },
            now_wall_ns: { FakeHost.called($0, "timer.now_wall_ns")?.timer.wall ?? 0 },
            after: { context, delay, user, fired in FakeHost.called(context, "timer.after")?.timer.after(delay, user, fired) ?? 1 },
            cancel: { context, id in FakeHost.called(context, "timer.cancel")?.timer.cancel(id) ?? 0 })
    }

    private static func cache(_ context: UnsafeMutableRawPointer?) -> crm_cache_v1 {
        crm_cache_v1(
            struct_size: size(of: crm_cache_v1.self), reserved: 0, ctx: context,
            acquire: { context, operation, key, flags, user, answer in
                guard let host = FakeHost.called(context, "cache.acquire") else { return }
                let owner = host.owner(of: operation, using: CRM_CACHE_SERVICE_ID)
                host.cache.acquire(operation, of: owner, key.copied, flags: flags, user, answer)
            },
            put: { context, ticket, value, milliseconds in
                FakeHost.called(context, "cache.put")?.cache.put(ticket, value.copied, milliseconds: milliseconds)
            },
            give_up: { context, ticket in FakeHost.called(context, "cache.give_up")?.cache.giveUp(ticket) },
            remove: { context, operation, key, stale in
                guard let host = FakeHost.called(context, "cache.remove") else { return }
                host.cache.remove(host.owner(of: operation, using: CRM_CACHE_SERVICE_ID), key.copied, stale: stale.copied)
            })
    }

    private static func size<Table>(of table: Table.Type) -> UInt32 { UInt32(MemoryLayout<Table>.size) }

    private static func permanent<Table>(_ table: Table) -> UnsafePointer<Table> {
        let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        memory.initialize(to: table)
        return UnsafePointer(memory)
    }
}
