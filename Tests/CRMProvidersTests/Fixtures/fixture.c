/* A provider that does what its payload says, and in variants that are wrong in one way each.
 *
 * FIXTURE_TYPE, FIXTURE_VERSION: the descriptor's. WITHOUT_NOTE, WITHOUT_ENTRY, SECOND_EXPORT, OTHER_INTERFACE, OTHER_MODULE_SIZE,
 * OTHER_MAJOR, NULL_FUNCTION, NULL_DESCRIPTOR, OTHER_DESCRIPTOR_SIZE, BROKEN_MANIFEST, FAILING_CREATE, SILENT_FAILING_CREATE,
 * OTHER_INSTANCE_SIZE, UNKNOWN_SERVICE, MISSING_SYMBOL: the faults.
 */
#define _GNU_SOURCE
#include <crm_plugin.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef FIXTURE_TYPE
#define FIXTURE_TYPE "fixture"
#endif
#ifndef FIXTURE_VERSION
#define FIXTURE_VERSION "1.0.0"
#endif

#define TEXT(literal) ((crm_str){(literal), sizeof(literal) - 1})

#if defined(OTHER_MAJOR)
__attribute__((section(".note.crm"), used, aligned(4))) static const struct {
    uint32_t sizes[3];
    char owner[4];
    uint32_t words[4];
} note = {{4, 16, 1}, {'C', 'R', 'M', 0}, {CRM_MAGIC, 7, 0, 0}};
#elif !defined(WITHOUT_NOTE)
CRM_PROVIDER_NOTE
#endif

#ifdef SECOND_EXPORT
CRM_EXPORT int fixture_helper(void) { return 1; }
#endif

#ifdef MISSING_SYMBOL
extern int fixture_of_nobody(void);
__attribute__((visibility("hidden"))) int (*missing)(void) = fixture_of_nobody;
#endif

struct operation;

typedef struct instance {
    crm_provider_v1 table;
    const crm_host_v1 *host;
    const crm_http_service_v1 *http;
    const crm_executor_v1 *executor;
    const crm_timer_v1 *timer;
    /* For operations that are known only at the end of `start`. */
    _Atomic(struct operation *) registered;
    _Atomic uint64_t cancelled_too_early;
} instance;

typedef struct operation {
    void *ctx;
    crm_done_fn done;
    instance *instance;
    uint64_t id;
} operation;

static void complete(void *ctx, crm_done_fn done, int32_t status, const char *payload) {
    crm_result_v1 result = {0};
    result.struct_size = sizeof result;
    result.status = status;
    if (status != CRM_STATUS_OK) result.code = TEXT("fixture.failed");
    result.payload_json = (crm_bytes){(const uint8_t *)payload, strlen(payload)};
    done(ctx, &result);
}

static void complete_operation(void *job) {
    operation *op = job;
    complete(op->ctx, op->done, CRM_STATUS_OK, "{\"version\":\"" FIXTURE_VERSION "\"}");
    free(op);
}

static void *on_thread(void *job) {
    complete_operation(job);
    return NULL;
}

static void answered(void *user, const crm_http_response_v1 *response) {
    operation *op = user;
    char payload[512];
    size_t length = response->body.len < 100 ? response->body.len : 100;
    snprintf(payload, sizeof payload, "{\"error\":%d,\"status\":%u,\"body\":\"%.*s\",\"version\":\"%s\"}", response->transport_error,
             response->status, (int)length, length ? (const char *)response->body.ptr : "", FIXTURE_VERSION);
    int32_t status = response->transport_error == CRM_HTTP_ERROR_CANCELLED ? CRM_STATUS_CANCELLED : CRM_STATUS_OK;
    complete(op->ctx, op->done, status, payload);
    free(op);
}

static void answered_late(void *user, const crm_http_response_v1 *response) {
    operation *left = user;
    const crm_host_v1 *host = left->instance->host;
    char fields[64];
    snprintf(fields, sizeof fields, "{\"error\":%d}", response->transport_error);
    host->log(host->ctx, CRM_LOG_WARNING, 0, TEXT("a request was left behind"), (crm_bytes){(const uint8_t *)fields, strlen(fields)});
    free(left);
}

static int payload_has(const crm_request_v1 *request, const char *word) {
    return request->payload_json.ptr && memmem(request->payload_json.ptr, request->payload_json.len, word, strlen(word)) != NULL;
}

static void send_http(operation *op, const crm_request_v1 *request, uint64_t op_id, crm_http_done_fn done) {
    const char *payload = (const char *)request->payload_json.ptr;
    const char *start = memmem(payload, request->payload_json.len, "http://", 7);
    const char *end = start ? memchr(start, '"', request->payload_json.len - (size_t)(start - payload)) : NULL;
    crm_http_request_v1 http = {0};
    http.struct_size = sizeof http;
    http.op_id = op_id;
    http.method = TEXT("POST");
    http.url = start && end ? (crm_str){start, (size_t)(end - start)} : TEXT("http://nowhere.invalid/");
    http.route = TEXT("POST /");
    http.body = (crm_bytes){(const uint8_t *)"ping", 4};
    op->instance->http->send(op->instance->http->ctx, &http, op, done);
}

static void start(void *self, const crm_request_v1 *request, void *ctx, crm_done_fn done) {
    instance *instance = self;
    if (payload_has(request, "\"never\"")) return;
    if (payload_has(request, "\"garbage\"")) return complete(ctx, done, CRM_STATUS_OK, "{\"a\":");
    if (payload_has(request, "\"crashed\"")) return complete(ctx, done, CRM_STATUS_PROVIDER_CRASHED, "");
    if (payload_has(request, "\"future status\"")) return complete(ctx, done, 99, "");
    if (payload_has(request, "\"unasked cancel\"")) return complete(ctx, done, CRM_STATUS_CANCELLED, "");
    if (payload_has(request, "\"wrong size\"")) {
        crm_result_v1 result = {0};
        result.struct_size = 12;
        return done(ctx, &result);
    }
    if (payload_has(request, "\"twice\"")) {
        complete(ctx, done, CRM_STATUS_OK, "{}");
        return complete(ctx, done, CRM_STATUS_OK, "{}");
    }
    if (payload_has(request, "\"request\"")) {
        char payload[1024];
        snprintf(payload, sizeof payload,
                 "{\"op\":%u,\"attempt\":%u,\"flags\":%u,\"key\":\"%.*s\",\"account\":\"%.*s\","
                 "\"credentials\":%.*s,\"settings\":%.*s}",
                 request->op, request->attempt, request->flags, (int)request->idempotency_key.len, request->idempotency_key.ptr,
                 (int)request->account.len, request->account.ptr, (int)request->credentials_json.len,
                 (const char *)request->credentials_json.ptr, (int)request->settings_json.len, (const char *)request->settings_json.ptr);
        return complete(ctx, done, CRM_STATUS_OK, payload);
    }

    operation *op = calloc(1, sizeof *op);
    op->ctx = ctx;
    op->done = done;
    op->instance = instance;
    op->id = request->op_id;
    if (payload_has(request, "\"http\"")) {
        send_http(op, request, request->op_id, answered);
    } else if (payload_has(request, "\"foreign http\"")) {
        send_http(op, request, request->op_id + 1, answered);
    } else if (payload_has(request, "\"leave http\"")) {
        operation *left = calloc(1, sizeof *left);
        left->instance = instance;
        send_http(left, request, request->op_id, answered_late);
        complete_operation(op);
    } else if (payload_has(request, "\"slow start\"")) {
        for (int i = 0; i < 60000 && atomic_load(&instance->cancelled_too_early) != op->id; i++) usleep(1000);
        atomic_store(&instance->registered, op);
    } else if (payload_has(request, "\"thread\"")) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, on_thread, op) == 0) pthread_detach(thread);
    } else if (payload_has(request, "\"executor\"")) {
        instance->executor->submit(instance->executor->ctx, complete_operation, op);
    } else if (payload_has(request, "\"timer\"")) {
        uint64_t taken_back = instance->timer->after(instance->timer->ctx, 3600000000000, NULL, complete_operation);
        if (instance->timer->cancel(instance->timer->ctx, taken_back) != 1) abort();
        if (instance->timer->cancel(instance->timer->ctx, taken_back) != 0) abort();
        instance->timer->after(instance->timer->ctx, 1000000, op, complete_operation);
    } else if (payload_has(request, "\"log\"")) {
        const char *fields = "{\"count\":3}";
        instance->host->log(instance->host->ctx, CRM_LOG_WARNING, request->op_id, TEXT("fixture says"),
                            (crm_bytes){(const uint8_t *)fields, strlen(fields)});
        complete_operation(op);
    } else if (payload_has(request, "\"unknown service\"")) {
        int is_absent = instance->host->service(instance->host->ctx, TEXT("crm.nothing/1")) == NULL;
        complete(ctx, done, is_absent ? CRM_STATUS_OK : CRM_STATUS_INTERNAL, "{}");
        free(op);
    } else {
        complete_operation(op);
    }
}

static void cancel(void *self, uint64_t op_id) {
    instance *instance = self;
    operation *op = atomic_load(&instance->registered);
    if (op == NULL || op->id != op_id) {
        atomic_store(&instance->cancelled_too_early, op_id);
    } else if (atomic_compare_exchange_strong(&instance->registered, &op, NULL)) {
        complete(op->ctx, op->done, CRM_STATUS_CANCELLED, "");
        free(op);
    }
}

static const void *no_extension(crm_str id) {
    (void)id;
    return NULL;
}

static const void *no_instance_extension(void *self, crm_str id) {
    (void)self;
    return no_extension(id);
}

static void close_instance(void *self, void *ctx, crm_closed_fn closed) {
    const crm_host_v1 *host = ((instance *)self)->host;
    free(self);
    closed(ctx);
    /* Against the rules, to see that nobody is there any more. */
    if (host->service(host->ctx, TEXT(CRM_HTTP_SERVICE_ID)) != NULL) abort();
}

static const crm_provider_v1 *create(const crm_host_v1 *host, crm_bytes config_json, void *err_ctx, crm_done_fn on_error) {
    (void)config_json;
#if defined(SILENT_FAILING_CREATE)
    return NULL;
#elif defined(FAILING_CREATE)
    crm_result_v1 result = {0};
    result.struct_size = sizeof result;
    result.status = CRM_STATUS_INVALID_ARGUMENT;
    result.message = TEXT("the fixture does not like it");
    on_error(err_ctx, &result);
    return NULL;
#endif
    (void)err_ctx;
    (void)on_error;
    instance *made = calloc(1, sizeof *made);
    made->table = (crm_provider_v1){sizeof(crm_provider_v1), 0, made, start, cancel, no_instance_extension, close_instance};
#ifdef OTHER_INSTANCE_SIZE
    made->table.struct_size = 40;
#endif
    made->host = host;
    made->http = host->service(host->ctx, TEXT(CRM_HTTP_SERVICE_ID));
    made->executor = host->service(host->ctx, TEXT(CRM_EXECUTOR_SERVICE_ID));
    made->timer = host->service(host->ctx, TEXT(CRM_TIMER_SERVICE_ID));
    return &made->table;
}

static const char manifest[] =
#ifdef BROKEN_MANIFEST
    "{\"credential_schema\":";
#else
    "{\"credential_schema\":{\"type\":\"object\",\"properties\":{\"api_key\":{\"type\":\"string\",\"writeOnly\":true}}},"
    "\"settings_schema\":{\"type\":\"object\",\"properties\":{}},"
    "\"config_schema\":{\"type\":\"object\",\"required\":[\"base_url\"],\"properties\":{\"base_url\":{\"type\":\"string\"},"
    "\"retries\":{\"type\":\"integer\"}}},"
#ifdef UNKNOWN_SERVICE
    "\"requires\":[\"crm.nothing/1\"],"
#endif
    "\"docs_url\":\"https://example.com/fixture\",\"egress\":[]}";
#endif

static const crm_descriptor_v1 *descriptor(void) {
#ifdef NULL_DESCRIPTOR
    return NULL;
#endif
    static const crm_descriptor_v1 value = {
#ifdef OTHER_DESCRIPTOR_SIZE
        .struct_size = 88,
#else
        .struct_size = sizeof(crm_descriptor_v1),
#endif
        .crm_type = {FIXTURE_TYPE, sizeof FIXTURE_TYPE - 1},
        .display_name = {"Fixture", 7},
        .version = {FIXTURE_VERSION, sizeof FIXTURE_VERSION - 1},
        .capabilities = CRM_CAPABILITY_VALIDATE_CREDENTIALS | CRM_CAPABILITY_SEND_EVENT,
        .manifest_json = {(const uint8_t *)manifest, sizeof manifest - 1},
    };
    return &value;
}

static const crm_module_v1 module = {
    .magic = CRM_MAGIC,
#ifdef OTHER_MODULE_SIZE
    .struct_size = 64,
#else
    .struct_size = sizeof(crm_module_v1),
#endif
    .header_minor = CRM_HEADER_MINOR,
    .sdk = {"fixture", 7},
    .descriptor = descriptor,
#ifndef NULL_FUNCTION
    .create = create,
#endif
    .extension = no_extension,
};

#ifndef WITHOUT_ENTRY
#ifdef OTHER_INTERFACE
#define INTERFACE "crm.module/9"
#else
#define INTERFACE CRM_MODULE_ID
#endif
CRM_EXPORT const void *crm_plugin_factory(const char *interface_id) {
    return interface_id && strcmp(interface_id, INTERFACE) == 0 ? &module : NULL;
}
#endif
