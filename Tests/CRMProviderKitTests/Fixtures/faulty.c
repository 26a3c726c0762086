/* A small provider that does everything right, and with FAULT_… defined one thing wrong. */
#define _GNU_SOURCE
#include <crm_plugin.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

CRM_PROVIDER_NOTE

#define TEXT(literal) ((crm_str){(literal), sizeof(literal) - 1})

typedef struct instance {
    crm_provider_v1 table;
    const crm_host_v1 *host;
    const crm_http_service_v1 *http;
    char base_url[256];
    char key[256];
} instance;

typedef struct operation {
    void *ctx;
    crm_done_fn done;
    instance *instance;
    uint64_t id;
    int attempts;
    char url[512];
    char key[256];
    size_t length;
    char body[];
} operation;

#ifdef FAULT_SECOND_EXPORT
CRM_EXPORT int faulty_helper(void) { return 1; }
#endif

#ifdef FAULT_CONSTRUCTOR
__attribute__((constructor)) static void open_something(void) { open("/dev/null", O_RDONLY); }
#endif

#ifdef FAULT_SHARED_INSTANCES
static char shared_base_url[256];
#endif

static void finish(void *ctx, crm_done_fn done, int32_t status, uint32_t flags, uint32_t wait, crm_str code, crm_str message) {
    crm_result_v1 result = {0};
    result.struct_size = sizeof result;
    result.status = status;
    result.flags = flags;
    result.retry_after_ms = wait;
    result.code = code;
    result.message = message;
    done(ctx, &result);
}

static void fail(operation *op, int32_t status, uint32_t flags, uint32_t wait) {
#ifdef FAULT_TEXT
    crm_str message = status == CRM_STATUS_UPSTREAM ? TEXT("it \xff failed") : TEXT("it failed");
#else
    crm_str message = TEXT("it failed");
#endif
    finish(op->ctx, op->done, status, flags, wait, TEXT("faulty.failed"), message);
}

static void succeed(operation *op) {
    static const char payload[] = "{\"remote_id\":\"c-1\",\"created\":true}";
    crm_result_v1 result = {0};
    result.struct_size = sizeof result;
    result.payload_json = (crm_bytes){(const uint8_t *)payload, sizeof payload - 1};
    op->done(op->ctx, &result);
}

static void answered(void *user, const crm_http_response_v1 *response);

static void send_request(operation *op) {
    crm_http_header_v1 headers[] = {{TEXT("X-Key"), {op->key, strlen(op->key)}, CRM_HTTP_HEADER_SENSITIVE, 0}};
#ifdef FAULT_PLAIN_HEADER
    headers[0].flags = 0;
#endif
    crm_http_request_v1 http = {0};
    http.struct_size = sizeof http;
    http.op_id = op->id;
    http.method = TEXT("POST");
    http.url = (crm_str){op->url, strlen(op->url)};
    http.route = TEXT("POST /contacts");
    http.headers = headers;
    http.header_count = 1;
    http.body = (crm_bytes){(const uint8_t *)op->body, op->length};
    op->attempts++;
    op->instance->http->send(op->instance->http->ctx, &http, op, answered);
}

#ifdef FAULT_AFTER_THE_END
static void ignored(void *user, const crm_http_response_v1 *response) {
    (void)user;
    (void)response;
}

static void send_late(operation *op) {
    crm_http_request_v1 http = {0};
    http.struct_size = sizeof http;
    http.op_id = op->id;
    http.method = TEXT("GET");
    http.url = (crm_str){op->url, strlen(op->url)};
    op->instance->http->send(op->instance->http->ctx, &http, NULL, ignored);
}
#endif

static uint32_t wait_of(const crm_http_response_v1 *response) {
#ifndef FAULT_NO_WAIT
    for (size_t i = 0; i < response->header_count; i++)
        if (response->headers[i].name.len == 11 && memcmp(response->headers[i].name.ptr, "retry-after", 11) == 0)
            return (uint32_t)(response->headers[i].value.ptr[0] - '0') * 1000;
#else
    (void)response;
#endif
    return 0;
}

static void fail_transport(operation *op, int32_t error) {
    switch (error) {
    case CRM_HTTP_ERROR_CANCELLED:
#ifdef FAULT_CANCEL_OK
        succeed(op);
#else
        fail(op, CRM_STATUS_CANCELLED, 0, 0);
#endif
        return;
    case CRM_HTTP_ERROR_TIMEOUT:
#ifdef FAULT_CERTAIN
        fail(op, CRM_STATUS_DEADLINE_EXCEEDED, CRM_RESULT_RETRYABLE, 0);
#else
        fail(op, CRM_STATUS_DEADLINE_EXCEEDED, CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS, 0);
#endif
        return;
    case CRM_HTTP_ERROR_DNS:
    case CRM_HTTP_ERROR_CONNECT:
    case CRM_HTTP_ERROR_TLS: fail(op, CRM_STATUS_UNAVAILABLE, CRM_RESULT_RETRYABLE, 0); return;
    case CRM_HTTP_ERROR_BLOCKED: fail(op, CRM_STATUS_BLOCKED_BY_POLICY, 0, 0); return;
    default: fail(op, CRM_STATUS_UPSTREAM, CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS, 0);
    }
}

static void fail_status(operation *op, const crm_http_response_v1 *response) {
    switch (response->status) {
    case 400: fail(op, CRM_STATUS_INVALID_ARGUMENT, 0, 0); return;
    case 401: fail(op, CRM_STATUS_INVALID_CREDENTIALS, 0, 0); return;
    case 403:
#ifdef FAULT_WRONG_STATUS
        fail(op, CRM_STATUS_INVALID_CREDENTIALS, 0, 0);
#else
        fail(op, CRM_STATUS_PERMISSION_DENIED, 0, 0);
#endif
        return;
    case 404: fail(op, CRM_STATUS_NOT_FOUND, 0, 0); return;
    case 409: fail(op, CRM_STATUS_CONFLICT, 0, 0); return;
    case 429: fail(op, CRM_STATUS_RATE_LIMITED, CRM_RESULT_RETRYABLE, wait_of(response)); return;
    default: fail(op, CRM_STATUS_UPSTREAM, CRM_RESULT_RETRYABLE, 0);
    }
}

static int is_object(const char *bytes, size_t length) { return length >= 2 && bytes[0] == '{' && bytes[length - 1] == '}'; }

static void answered(void *user, const crm_http_response_v1 *response) {
    operation *op = user;
#ifdef FAULT_IGNORES_CANCEL
    if (response->transport_error == CRM_HTTP_ERROR_CANCELLED && op->attempts < 4) return send_request(op);
#endif
#ifdef FAULT_NEVER
    if (response->transport_error == CRM_HTTP_ERROR_TOO_LARGE) return;
#endif
#ifdef FAULT_RETRY
    if (response->status == 503 && op->attempts < 2) return send_request(op);
#endif
    if (response->status == 502) {
#if defined(FAULT_CRASH)
        abort();
#elif defined(FAULT_EXIT)
        _exit(3);
#elif defined(FAULT_HANG)
        for (;;) usleep(1000);
#endif
    }
    if (response->transport_error != CRM_HTTP_ERROR_NONE)
        fail_transport(op, response->transport_error);
    else if (response->status < 200 || response->status > 299)
        fail_status(op, response);
    else if (!is_object((const char *)response->body.ptr, response->body.len))
        fail(op, CRM_STATUS_UPSTREAM, CRM_RESULT_RETRYABLE, 0);
    else
        succeed(op);
#ifdef FAULT_TWICE
    if (response->status == 500) fail(op, CRM_STATUS_UPSTREAM, CRM_RESULT_RETRYABLE, 0);
#endif
#ifdef FAULT_AFTER_THE_END
    if (response->status == 201) send_late(op);
#endif
    free(op);
}

/* The text of a member, without escapes. */
static int member(crm_bytes json, const char *name, char *to, size_t room) {
    char pattern[64];
    int length = snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
    const char *start = json.ptr ? memmem(json.ptr, json.len, pattern, (size_t)length) : NULL;
    if (!start) return 0;
    start += length;
    const char *end = memchr(start, '"', json.len - (size_t)(start - (const char *)json.ptr));
    if (!end || (size_t)(end - start) >= room) return 0;
    memcpy(to, start, (size_t)(end - start));
    to[end - start] = 0;
    return 1;
}

#ifdef FAULT_THREAD
static void *rest(void *nothing) {
    for (;;) sleep(60);
    return nothing;
}
#endif

static void start(void *self, const crm_request_v1 *request, void *ctx, crm_done_fn done) {
    instance *instance = self;
#ifdef FAULT_BLOCKS
    usleep(20000);
#endif
#ifdef FAULT_THREAD
    pthread_t thread;
    if (pthread_create(&thread, NULL, rest, NULL) == 0) pthread_detach(thread);
#endif
#ifdef FAULT_FILE
    open("/dev/null", O_RDONLY);
#endif
#ifdef FAULT_SOCKET
    close(socket(AF_INET, SOCK_STREAM, 0));
#endif
#ifdef FAULT_WRITES
    close(open("/dev/null", O_WRONLY));
#endif
#ifdef FAULT_FORK
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) waitpid(child, NULL, 0);
#endif
#ifdef FAULT_ENVIRONMENT
    setenv("FAULTY", "1", 1);
#endif
#ifdef FAULT_LEAK
    if (!malloc(100)) return;
#endif
#ifndef FAULT_ANY_OPERATION
    if (request->op != CRM_OP_CREATE_OR_UPDATE_CONTACT)
        return finish(ctx, done, CRM_STATUS_UNSUPPORTED, 0, 0, TEXT("faulty.unsupported"), TEXT("there is no such operation"));
#else
    if (request->op != CRM_OP_CREATE_OR_UPDATE_CONTACT) return finish(ctx, done, CRM_STATUS_OK, 0, 0, TEXT(""), TEXT(""));
#endif
    const char *payload = (const char *)request->payload_json.ptr;
    char key[256];
    int is_good = is_object(payload, request->payload_json.len) && member(request->credentials_json, "api_key", key, sizeof key);
#ifdef FAULT_UNKNOWN_MEMBERS
    if (is_good && memmem(payload, request->payload_json.len, "x_conformance", 13)) is_good = 0;
#endif
    if (!is_good) return finish(ctx, done, CRM_STATUS_INVALID_ARGUMENT, 0, 0, TEXT("faulty.invalid"), TEXT("the payload is no object"));
    operation *op = calloc(1, sizeof *op + request->payload_json.len);
    if (!op) return finish(ctx, done, CRM_STATUS_INTERNAL, 0, 0, TEXT("faulty.memory"), TEXT("out of memory"));
    op->ctx = ctx;
    op->done = done;
    op->instance = instance;
    op->id = request->op_id;
    op->length = request->payload_json.len;
    memcpy(op->body, payload, op->length);
#ifdef FAULT_SHARED_ACCOUNTS
    if (!instance->key[0]) memcpy(instance->key, key, sizeof key);
    memcpy(key, instance->key, sizeof key);
#endif
    memcpy(op->key, key, sizeof key);
#ifdef FAULT_KEY_IN_URL
    snprintf(op->url, sizeof op->url, "%s/contacts?key=%s", instance->base_url, key);
#elif defined(FAULT_SHARED_INSTANCES)
    snprintf(op->url, sizeof op->url, "%s/contacts", shared_base_url);
#else
    snprintf(op->url, sizeof op->url, "%s/contacts", instance->base_url);
#endif
#ifdef FAULT_LOGS_KEY
    char fields[300];
    int length = snprintf(fields, sizeof fields, "{\"key\":\"%s\"}", key);
    instance->host->log(instance->host->ctx, CRM_LOG_INFO, op->id, TEXT("sending"), (crm_bytes){(const uint8_t *)fields, (size_t)length});
#endif
    send_request(op);
}

static void cancel(void *self, uint64_t op_id) {
    (void)self;
    (void)op_id;
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
#ifdef FAULT_CLOSES_TWICE
    closed(ctx);
#endif
#ifdef FAULT_AFTER_CLOSE
    host->log(host->ctx, CRM_LOG_INFO, 0, TEXT("good night"), (crm_bytes){NULL, 0});
#else
    (void)host;
#endif
}

static const crm_provider_v1 *create(const crm_host_v1 *host, crm_bytes config_json, void *err_ctx, crm_done_fn on_error) {
    const crm_http_service_v1 *http = host->service(host->ctx, TEXT(CRM_HTTP_SERVICE_ID));
    char base_url[256] = "";
    int is_good = http != NULL && is_object((const char *)config_json.ptr, config_json.len);
    is_good = is_good && member(config_json, "base_url", base_url, sizeof base_url);
#ifndef FAULT_ANY_CONFIG
    is_good = is_good && base_url[0];
#endif
    if (!is_good) {
#ifndef FAULT_SILENT_REFUSAL
        finish(err_ctx, on_error, CRM_STATUS_INVALID_ARGUMENT, 0, 0, TEXT("faulty.config"), TEXT("base_url is missing"));
#endif
        return NULL;
    }
    instance *made = calloc(1, sizeof *made);
    made->table = (crm_provider_v1){sizeof(crm_provider_v1), 0, made, start, cancel, no_instance_extension, close_instance};
    made->host = host;
    made->http = http;
    memcpy(made->base_url, base_url, sizeof base_url);
#ifdef FAULT_SHARED_INSTANCES
    memcpy(shared_base_url, base_url, sizeof base_url);
#endif
    return &made->table;
}

#ifndef CREDENTIALS
#define CREDENTIALS "\"required\":[\"api_key\"],\"properties\":{\"api_key\":{\"type\":\"string\",\"minLength\":1,\"writeOnly\":true}}"
#endif
#ifndef CAPABILITIES
#define CAPABILITIES CRM_CAPABILITY_CREATE_OR_UPDATE_CONTACT
#endif
#ifndef TYPE
#define TYPE "faulty"
#endif

static const char manifest[] =
    "{\"credential_schema\":{\"type\":\"object\"," CREDENTIALS "},\"settings_schema\":{\"type\":\"object\",\"properties\":{}},"
    "\"config_schema\":{\"type\":\"object\",\"required\":[\"base_url\"],\"properties\":{\"base_url\":{\"type\":\"string\"}}},"
    "\"egress\":[]}";

static const crm_descriptor_v1 *descriptor(void) {
    static char version[] = "1.0.0";
    static crm_descriptor_v1 value = {
        .struct_size = sizeof(crm_descriptor_v1),
        .crm_type = {TYPE, sizeof TYPE - 1},
        .display_name = {"Faulty", 6},
        .version = {version, 5},
        .capabilities = CAPABILITIES,
        .manifest_json = {(const uint8_t *)manifest, sizeof manifest - 1},
    };
#if defined(FAULT_UNSTABLE)
    version[4] = (char)(version[4] == '9' ? '0' : version[4] + 1);
#elif defined(FAULT_OTHER_PROCESS)
    version[4] = (char)('0' + getpid() % 10);
#endif
    return &value;
}

static const crm_module_v1 module = {
    .magic = CRM_MAGIC,
    .struct_size = sizeof(crm_module_v1),
    .header_minor = CRM_HEADER_MINOR,
    .sdk = {"C", 1},
    .descriptor = descriptor,
    .create = create,
    .extension = no_extension,
};

CRM_EXPORT const void *crm_plugin_factory(const char *interface_id) {
    if (!interface_id) return NULL;
#ifdef FAULT_FACTORY
    return strncmp(interface_id, CRM_MODULE_ID, sizeof CRM_MODULE_ID - 1) == 0 ? &module : NULL;
#else
    return strcmp(interface_id, CRM_MODULE_ID) == 0 ? &module : NULL;
#endif
}
