import Foundation
import Testing

/// The headers as authors in C and C++ meet them: every dialect, every compiler, every header alone, no warning.
@Suite struct HeaderTests {
    struct Dialect: Sendable, CustomTestStringConvertible {
        let compiler: String
        let language: String
        let standard: String
        var testDescription: String { "\(compiler) \(standard)" }
    }

    static let dialects = [
        Dialect(compiler: "cc", language: "c", standard: "c11"), Dialect(compiler: "cc", language: "c", standard: "c17"),
        Dialect(compiler: "c++", language: "c++", standard: "c++17"), Dialect(compiler: "clang", language: "c", standard: "c11"),
        Dialect(compiler: "clang", language: "c", standard: "c17"), Dialect(compiler: "clang++", language: "c++", standard: "c++17"),
    ]
    static let headers = [
        "crm_plugin.h", "crm/types.h", "crm/host.h", "crm/http.h", "crm/executor.h", "crm/timer.h", "crm/cache.h", "crm/metrics.h",
        "crm/provider.h",
    ]

    @Test(arguments: dialects, headers) func compilesAlone(_ dialect: Dialect, _ header: String) throws {
        // Twice, because a header that brings another must not mind meeting it again.
        try expectCompiles("#include \"\(header)\"\n#include \"\(header)\"\nextern int unused;\n", dialect)
    }

    @Test(arguments: dialects) func aProviderCompiles(_ dialect: Dialect) throws {
        try expectCompiles(Self.provider, dialect)
    }

    @Test func noHeaderIsForgotten() throws {
        let files = try FileManager.default.subpathsOfDirectory(atPath: Self.include).filter { $0.hasSuffix(".h") }
        #expect(Set(files) == Set(Self.headers))
    }

    /// A wrong signature of the entry is the author's first mistake; it must not compile.
    @Test(arguments: dialects) func aWrongEntryDoesNotCompile(_ dialect: Dialect) throws {
        let text = "#include \"crm_plugin.h\"\nint crm_plugin_factory(const char *interface_id) { return interface_id != 0; }\n"
        #expect(try Self.compile(text, dialect).status != 0)
    }

    private static let include = directory(of: #filePath, up: 3) + "/Sources/CRMPluginAPI/include"

    private static func directory(of file: String, up levels: Int) -> String {
        file.split(separator: "/", omittingEmptySubsequences: false).dropLast(levels).joined(separator: "/")
    }

    private func expectCompiles(_ text: String, _ dialect: Dialect) throws {
        let (status, messages) = try Self.compile(text, dialect)
        #expect(status == 0, "\(messages)")
        #expect(messages.isEmpty)
    }

    private static func compile(_ text: String, _ dialect: Dialect) throws -> (status: Int32, messages: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            dialect.compiler, "-x", dialect.language, "-std=\(dialect.standard)", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow",
            "-Wconversion", "-Werror", "-fsyntax-only", "-I", include, "-",
        ]
        let (input, errors) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardError = errors
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let messages = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: messages, as: UTF8.self))
    }

    /// Every table filled, every callback written, in the part of C that C++ shares.
    private static let provider = #"""
        #include "crm_plugin.h"
        #include <string.h>

        CRM_PROVIDER_NOTE

        #define TEXT(literal) {literal, sizeof(literal) - 1}

        static const crm_descriptor_v1 description = {
            sizeof(crm_descriptor_v1), 0, TEXT("tiny"), TEXT("Tiny"), TEXT("0.1.0"), CRM_CAPABILITY_SEND_EVENT, {0, 0}};

        static const crm_descriptor_v1 *descriptor(void) { return &description; }

        static void answered(void *user, const crm_http_response_v1 *response) { (void)user; (void)response; }
        static void fired(void *user) { (void)user; }

        static void cached(void *user, int32_t outcome, uint64_t ticket, crm_bytes value) {
            const crm_cache_v1 *cache = (const crm_cache_v1 *)user;
            if (outcome != CRM_CACHE_MAKE) return;
            if (value.len > CRM_CACHE_MAX_VALUE) cache->give_up(cache->ctx, ticket);
            else cache->put(cache->ctx, ticket, value, 60000);
        }

        static void start(void *self, const crm_request_v1 *request, void *ctx, crm_done_fn done) {
            const crm_host_v1 *host = (const crm_host_v1 *)self;
            crm_str http_id = TEXT(CRM_HTTP_SERVICE_ID);
            crm_str timer_id = TEXT(CRM_TIMER_SERVICE_ID);
            crm_str executor_id = TEXT(CRM_EXECUTOR_SERVICE_ID);
            const crm_http_service_v1 *http = (const crm_http_service_v1 *)host->service(host->ctx, http_id);
            const crm_timer_v1 *timer = (const crm_timer_v1 *)host->service(host->ctx, timer_id);
            const crm_executor_v1 *executor = (const crm_executor_v1 *)host->service(host->ctx, executor_id);
            crm_str cache_id = TEXT(CRM_CACHE_SERVICE_ID);
            crm_str metrics_id = TEXT(CRM_METRICS_SERVICE_ID);
            crm_cache_v1 *cache = (crm_cache_v1 *)(uintptr_t)host->service(host->ctx, cache_id);
            const crm_metrics_v1 *metrics = (const crm_metrics_v1 *)host->service(host->ctx, metrics_id);
            static const crm_metric_label_v1 labels[] = {{TEXT("kind"), TEXT("event")}};
            crm_str name = TEXT("started_total");
            crm_bytes nothing = {0, 0};
            crm_http_request_v1 call;
            crm_result_v1 result;
            memset(&call, 0, sizeof call);
            call.struct_size = sizeof call;
            call.op_id = request->op_id;
            if (http) http->cancel(http->ctx, http->send(http->ctx, &call, 0, answered));
            if (timer) (void)timer->cancel(timer->ctx, timer->after(timer->ctx, timer->now_monotonic_ns(timer->ctx), 0, fired));
            if (executor) executor->submit(executor->ctx, fired, 0);
            if (cache) cache->remove(cache->ctx, request->op_id, name, nothing);
            if (cache) cache->acquire(cache->ctx, request->op_id, name, CRM_CACHE_ONLY_LOOK, cache, cached);
            if (metrics) metrics->counter_add(metrics->ctx, name, labels, 1, 1);
            if (metrics) metrics->histogram_record(metrics->ctx, name, 0, 0, 0.5);
            memset(&result, 0, sizeof result);
            result.struct_size = sizeof result;
            result.status = CRM_STATUS_UNSUPPORTED;
            result.flags = CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS | CRM_RESULT_REVALIDATE;
            done(ctx, &result);
        }

        static void cancel(void *self, uint64_t op_id) { (void)self; (void)op_id; }
        static const void *instance_extension(void *self, crm_str id) { (void)self; (void)id; return 0; }
        static void close_instance(void *self, void *ctx, crm_closed_fn closed) { (void)self; closed(ctx); }

        static crm_provider_v1 instance = {
            sizeof(crm_provider_v1), 0, 0, start, cancel, instance_extension, close_instance};

        static const crm_provider_v1 *create(const crm_host_v1 *host, crm_bytes config, void *err_ctx, crm_done_fn on_error) {
            (void)host; (void)config; (void)err_ctx; (void)on_error;
            return &instance;
        }

        static const void *module_extension(crm_str id) { (void)id; return 0; }

        static const crm_module_v1 module_table = {
            CRM_MAGIC, sizeof(crm_module_v1), CRM_HEADER_MINOR, 0, {0, 0}, descriptor, create, module_extension};

        const void *crm_plugin_factory(const char *interface_id) {
            return interface_id && strcmp(interface_id, CRM_MODULE_ID) == 0 ? &module_table : 0;
        }
        """#
}
