/* A provider library in C, complete: it connects the sandbox's CRM "echo" and needs nothing but the header.
 *
 *     cc -shared -fPIC -fvisibility=hidden -O2 -I ../../Sources/CRMPluginAPI/include echo.c -o libEchoProvider.so
 *
 * Read it from the bottom: the one exported function returns a table; the table has a function that makes an instance; the instance has
 * a function `start` that begins an operation. `start` must not wait for anything, so it hands an HTTP request to the host and returns;
 * when the answer is there, the host calls `answered`, which turns it into a result and calls `done`. That is all a provider does.
 */
#include <crm_plugin.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By this note a host recognises the library before it runs any of its code. */
CRM_PROVIDER_NOTE

#define TEXT(literal) ((crm_str){(literal), sizeof(literal) - 1})

/* ---- A little JSON ------------------------------------------------------------------------------------------------------------
 * The payloads are forwarded as they are, so all that is needed is to find one member of an object. A larger provider links a JSON
 * library statically. What comes from the CRM may be anything: every step looks whether there are bytes left. */

typedef struct slice {
    const char *start; /* NULL: not there */
    size_t length;
} slice;

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static const char *skip_space(const char *at, const char *end) {
    while (at < end && is_space(*at)) at++;
    return at;
}

/* `at` is behind the opening quote; returns the place behind the closing one, or NULL. */
static const char *skip_string(const char *at, const char *end) {
    for (; at < end; at++) {
        if (*at == '"') return at + 1;
        if (*at == '\\' && ++at == end) return NULL;
    }
    return NULL;
}

/* Returns the place behind the value that begins at `at`, or NULL. */
static const char *skip_value(const char *at, const char *end) {
    int depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = skip_string(at + 1, end);
            if (!at) return NULL;
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            if (depth == 0) return at; /* the end of what the value stands in */
            depth--;
            at++;
        } else if (depth == 0 && *at == ',') {
            return at;
        } else {
            at++;
            if (depth > 0) continue;
            while (at < end && !strchr(",}]", *at) && !is_space(*at)) at++; /* a number or a word */
        }
        if (depth == 0) return at;
    }
    return NULL;
}

/* The value of a member of an object, as it is written: strings with their quotes. */
static slice member(slice object, const char *name) {
    const slice absent = {NULL, 0};
    const char *end = object.start + object.length;
    const char *at = skip_space(object.start, end);
    if (at >= end || *at != '{') return absent;
    at++;
    for (;;) {
        at = skip_space(at, end);
        if (at >= end || *at != '"') return absent;
        const char *key = at + 1;
        at = skip_string(key, end);
        if (!at) return absent;
        size_t key_length = (size_t)(at - 1 - key);
        at = skip_space(at, end);
        if (at >= end || *at != ':') return absent;
        const char *value = skip_space(at + 1, end);
        at = skip_value(value, end);
        if (!at) return absent;
        if (key_length == strlen(name) && memcmp(key, name, key_length) == 0) return (slice){value, (size_t)(at - value)};
        at = skip_space(at, end);
        if (at >= end || *at != ',') return absent;
        at++;
    }
}

/* A string member without its quotes. One with escapes counts as absent: neither keys nor addresses have any. */
static slice plain_text(slice object, const char *name) {
    slice value = member(object, name);
    if (!value.start || value.length < 2 || value.start[0] != '"' || memchr(value.start, '\\', value.length)) return (slice){NULL, 0};
    return (slice){value.start + 1, value.length - 2};
}

/* Whether the bytes are one object from end to end, in UTF-8: a part of an answer may not be passed on as a result. */
static bool is_whole_object(slice text) {
    const char *end = text.start + text.length;
    const char *at = skip_space(text.start, end);
    if (at >= end || *at != '{') return false;
    at = skip_value(at, end);
    if (!at || skip_space(at, end) != end) return false;
    for (const unsigned char *c = (const unsigned char *)text.start; c < (const unsigned char *)end;) {
        int more = *c < 0x80 ? 0 : *c >= 0xC2 && *c < 0xE0 ? 1 : (*c & 0xF0) == 0xE0 ? 2 : *c >= 0xF0 && *c < 0xF5 ? 3 : -1;
        if (more < 0 || (const unsigned char *)end - c <= more) return false;
        /* Overlong forms, surrogates, and what is beyond the last character. */
        if ((*c == 0xE0 && c[1] < 0xA0) || (*c == 0xED && c[1] > 0x9F) || (*c == 0xF0 && c[1] < 0x90) || (*c == 0xF4 && c[1] > 0x8F))
            return false;
        for (c++; more > 0; more--, c++)
            if ((*c & 0xC0) != 0x80) return false;
    }
    return true;
}

static slice json(crm_bytes bytes) { return (slice){bytes.ptr ? (const char *)bytes.ptr : "", bytes.len}; }

/* ---- One instance: the operator's configuration and the host's services ---- */

typedef struct instance {
    crm_provider_v1 table;
    const crm_http_service_v1 *http;
    char base_url[512];
} instance;

/* ---- One operation: whom to tell, and which answer is expected ---- */

typedef struct operation {
    void *ctx;
    crm_done_fn done;
    uint32_t op;
} operation;

static void finish(void *ctx, crm_done_fn done, int32_t status, uint32_t flags, uint32_t retry_after_ms, crm_str code, crm_str message) {
    crm_result_v1 result = {0};
    result.struct_size = sizeof result;
    result.status = status;
    result.flags = flags;
    result.retry_after_ms = retry_after_ms;
    result.code = code;
    result.message = message;
    done(ctx, &result);
}

static void succeed(const operation *operation, const char *payload, size_t length) {
    crm_result_v1 result = {0};
    result.struct_size = sizeof result;
    result.status = CRM_STATUS_OK;
    result.payload_json = (crm_bytes){(const uint8_t *)payload, length};
    operation->done(operation->ctx, &result);
}

static bool writes(uint32_t op) { return op == CRM_OP_CREATE_OR_UPDATE_CONTACT || op == CRM_OP_SEND_EVENT; }

/* There was no answer. What matters to the host: could the CRM have acted? */
static void fail_transport(const operation *op, const crm_http_response_v1 *response) {
    uint32_t unsure = CRM_RESULT_RETRYABLE | (writes(op->op) ? CRM_RESULT_AMBIGUOUS : 0);
    int32_t status = CRM_STATUS_UPSTREAM;
    uint32_t flags = unsure;
    switch (response->transport_error) {
    case CRM_HTTP_ERROR_CANCELLED: status = CRM_STATUS_CANCELLED; break;
    case CRM_HTTP_ERROR_TIMEOUT: status = CRM_STATUS_DEADLINE_EXCEEDED; break;
    case CRM_HTTP_ERROR_DNS:
    case CRM_HTTP_ERROR_CONNECT:
    case CRM_HTTP_ERROR_TLS: status = CRM_STATUS_UNAVAILABLE; flags = CRM_RESULT_RETRYABLE; break;
    case CRM_HTTP_ERROR_BLOCKED: status = CRM_STATUS_BLOCKED_BY_POLICY; flags = 0; break;
    default: break; /* reset, too large, and what a later host may add */
    }
    finish(op->ctx, op->done, status, flags, 0, TEXT("echo.no_answer"), response->error_message);
}

static uint32_t retry_after_ms(const crm_http_response_v1 *response) {
    for (size_t i = 0; i < response->header_count; i++) {
        crm_str name = response->headers[i].name, value = response->headers[i].value;
        if (name.len != 11 || memcmp(name.ptr, "retry-after", 11) != 0) continue;
        uint32_t seconds = 0;
        for (size_t digit = 0; digit < value.len && value.ptr[digit] >= '0' && value.ptr[digit] <= '9' && seconds < 100000; digit++)
            seconds = seconds * 10 + (uint32_t)(value.ptr[digit] - '0');
        return seconds * 1000;
    }
    return 0;
}

static void fail_status(const operation *op, const crm_http_response_v1 *response) {
    switch (response->status) {
    case 400:
    case 422: finish(op->ctx, op->done, CRM_STATUS_INVALID_ARGUMENT, 0, 0, TEXT("echo.refused"), TEXT("echo refused the record")); return;
    case 401:
        finish(op->ctx, op->done, CRM_STATUS_INVALID_CREDENTIALS, 0, 0, TEXT("echo.unknown_key"), TEXT("echo does not know this key"));
        return;
    case 403:
        finish(op->ctx, op->done, CRM_STATUS_PERMISSION_DENIED, 0, 0, TEXT("echo.forbidden"), TEXT("the key may not do this"));
        return;
    case 404: finish(op->ctx, op->done, CRM_STATUS_NOT_FOUND, 0, 0, TEXT("echo.not_found"), TEXT("echo has no such contact")); return;
    case 409: finish(op->ctx, op->done, CRM_STATUS_CONFLICT, 0, 0, TEXT("echo.conflict"), TEXT("the record has changed")); return;
    case 429:
        finish(op->ctx, op->done, CRM_STATUS_RATE_LIMITED, CRM_RESULT_RETRYABLE, retry_after_ms(response), TEXT("echo.slow_down"),
               TEXT("echo asks for a pause"));
        return;
    default:
        finish(op->ctx, op->done, CRM_STATUS_UPSTREAM, CRM_RESULT_RETRYABLE, retry_after_ms(response), TEXT("echo.failed"),
               TEXT("echo failed"));
    }
}

static const char validated[] =
    "{\"account\":{\"id\":\"echo\",\"name\":\"Echo\"},\"permissions\":["
    "{\"capability\":\"create_or_update_contact\",\"state\":\"proven\"},"
    "{\"capability\":\"send_event\",\"state\":\"proven\"},"
    "{\"capability\":\"get_contact\",\"state\":\"proven\"}]}";

/* Turns echo's {"id": ...} into the result that the host expects, which schemas/ describes. */
static void translate(const operation *op, slice body, uint32_t http_status) {
    if (op->op == CRM_OP_VALIDATE_CREDENTIALS) {
        succeed(op, validated, sizeof validated - 1);
        return;
    }
    slice id = is_whole_object(body) ? member(body, "id") : (slice){NULL, 0}; /* with its quotes, so it can be written into JSON as it is */
    size_t room = id.length + body.length + 128;
    char *payload = id.start && id.length > 2 && id.start[0] == '"' ? malloc(room) : NULL;
    if (!payload) {
        finish(op->ctx, op->done, CRM_STATUS_UPSTREAM, CRM_RESULT_RETRYABLE, 0, TEXT("echo.strange_answer"),
               TEXT("echo's answer is not an object with an id"));
        return;
    }
    int length;
    if (op->op == CRM_OP_CREATE_OR_UPDATE_CONTACT)
        length = snprintf(payload, room, "{\"remote_id\":%.*s,\"created\":%s,\"warnings\":[]}", (int)id.length, id.start,
                          http_status == 201 ? "true" : "false");
    else if (op->op == CRM_OP_SEND_EVENT)
        length = snprintf(payload, room, "{\"remote_id\":%.*s,\"accepted_only\":false,\"warnings\":[]}", (int)id.length, id.start);
    else
        length = snprintf(payload, room, "{\"remote_id\":%.*s,\"contact\":%.*s}", (int)id.length, id.start, (int)body.length, body.start);
    succeed(op, payload, (size_t)length);
    free(payload);
}

/* The host calls this once for every request, whatever became of it, and on a thread of its own choice. The response is only lent. */
static void answered(void *user, const crm_http_response_v1 *response) {
    operation *op = user;
    if (response->transport_error != CRM_HTTP_ERROR_NONE)
        fail_transport(op, response);
    else if (response->status < 200 || response->status > 299)
        fail_status(op, response);
    else
        translate(op, json(response->body), response->status);
    free(op);
}

static size_t percent_encode(char *to, slice text) {
    static const char digits[] = "0123456789ABCDEF";
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.start[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c));
        if (plain) {
            to[length++] = (char)c;
        } else {
            to[length++] = '%';
            to[length++] = digits[c >> 4];
            to[length++] = digits[c & 15];
        }
    }
    return length;
}

/* Everything that the host lends here is copied by `send` before it returns, so nothing has to outlive this function but `op`. */
static void start(void *self, const crm_request_v1 *request, void *ctx, crm_done_fn done) {
    const instance *instance = self;
    slice payload = json(request->payload_json);
    slice key = plain_text(json(request->credentials_json), "api_key");
    if (!key.start) {
        finish(ctx, done, CRM_STATUS_INVALID_ARGUMENT, 0, 0, TEXT("echo.no_key"), TEXT("the credentials have no usable api_key"));
        return;
    }

    const char *path = NULL;
    crm_str method = TEXT("POST");
    slice body = {"{}", 2};
    slice email = {"", 0};
    switch (request->op) {
    case CRM_OP_VALIDATE_CREDENTIALS: path = "/validate"; break;
    case CRM_OP_CREATE_OR_UPDATE_CONTACT: path = "/contacts"; body = member(payload, "contact"); break;
    case CRM_OP_SEND_EVENT: path = "/events"; body = member(payload, "event"); break;
    case CRM_OP_GET_CONTACT:
        path = "/contacts?email=";
        method = TEXT("GET");
        body = (slice){"", 0};
        email = plain_text(payload, "email");
        break;
    default: finish(ctx, done, CRM_STATUS_UNSUPPORTED, 0, 0, TEXT("echo.unsupported"), TEXT("echo has no such operation")); return;
    }
    if (!body.start || !email.start || email.length > 320) {
        finish(ctx, done, CRM_STATUS_INVALID_ARGUMENT, 0, 0, TEXT("echo.incomplete"), TEXT("echo finds contacts by e-mail address only"));
        return;
    }

    operation *op = malloc(sizeof *op);
    if (!op) {
        finish(ctx, done, CRM_STATUS_INTERNAL, CRM_RESULT_RETRYABLE, 0, TEXT("echo.no_memory"), TEXT("out of memory"));
        return;
    }
    *op = (operation){.ctx = ctx, .done = done, .op = request->op};

    char url[sizeof instance->base_url + 3 * 320 + 32];
    size_t url_length = (size_t)snprintf(url, sizeof url, "%s%s", instance->base_url, path);
    url_length += percent_encode(url + url_length, email);

    const crm_http_header_v1 headers[] = {
        {TEXT("X-Echo-Key"), {key.start, key.length}, CRM_HTTP_HEADER_SENSITIVE, 0},
        {TEXT("Content-Type"), TEXT("application/json"), 0, 0},
        {TEXT("Idempotency-Key"), request->idempotency_key, 0, 0},
    };
    crm_http_request_v1 http = {0};
    http.struct_size = sizeof http;
    http.op_id = request->op_id; /* ties the request to this operation's deadline and cancellation */
    http.method = method;
    http.url = (crm_str){url, url_length};
    http.route = (crm_str){path, strcspn(path, "?")};
    http.headers = headers;
    http.header_count = sizeof headers / sizeof headers[0];
    http.body = (crm_bytes){(const uint8_t *)body.start, body.length};
    instance->http->send(instance->http->ctx, &http, op, answered);
}

/* Nothing to do: the host ends the HTTP request itself, `answered` comes with CRM_HTTP_ERROR_CANCELLED, and that ends the operation. */
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

/* No operation is in flight any more, and there is no background work: the instance can go at once. */
static void close_instance(void *self, void *ctx, crm_closed_fn closed) {
    free(self);
    closed(ctx);
}

/* ---- The module: who this is, and how an instance is made ---- */

/* `config_json` fits `config_schema` below: the host has looked. */
static const crm_provider_v1 *create(const crm_host_v1 *host, crm_bytes config_json, void *err_ctx, crm_done_fn on_error) {
    const crm_http_service_v1 *http = host->service(host->ctx, TEXT(CRM_HTTP_SERVICE_ID));
    if (!http || http->struct_size != sizeof *http) {
        finish(err_ctx, on_error, CRM_STATUS_INTERNAL, 0, 0, TEXT("echo.no_http"), TEXT("this host does not offer " CRM_HTTP_SERVICE_ID));
        return NULL;
    }
    slice base_url = plain_text(json(config_json), "base_url");
    if (base_url.start && base_url.length > 0 && base_url.start[base_url.length - 1] == '/') base_url.length--;
    if (!base_url.start || base_url.length == 0 || base_url.length >= sizeof(((instance *)0)->base_url)) {
        finish(err_ctx, on_error, CRM_STATUS_INVALID_ARGUMENT, 0, 0, TEXT("echo.base_url"), TEXT("config.base_url cannot be used"));
        return NULL;
    }
    instance *made = calloc(1, sizeof *made);
    if (!made) {
        finish(err_ctx, on_error, CRM_STATUS_INTERNAL, 0, 0, TEXT("echo.no_memory"), TEXT("out of memory"));
        return NULL;
    }
    made->table = (crm_provider_v1){sizeof(crm_provider_v1), 0, made, start, cancel, no_instance_extension, close_instance};
    made->http = http;
    memcpy(made->base_url, base_url.start, base_url.length);
    return &made->table;
}

static const char manifest[] =
    "{\"credential_schema\":{\"type\":\"object\",\"required\":[\"api_key\"],\"additionalProperties\":false,\"properties\":{"
    "\"api_key\":{\"type\":\"string\",\"title\":\"API key\",\"minLength\":1,\"maxLength\":200,\"writeOnly\":true}}},"
    "\"settings_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{}},"
    "\"config_schema\":{\"type\":\"object\",\"required\":[\"base_url\"],\"additionalProperties\":false,\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"format\":\"uri\",\"maxLength\":500}}},"
    "\"egress\":[],\"idempotency\":{\"contact\":\"natural\",\"event\":\"key\"},\"max_concurrency\":16}";

static const crm_descriptor_v1 *descriptor(void) {
    static const crm_descriptor_v1 value = {
        .struct_size = sizeof(crm_descriptor_v1),
        .crm_type = {"echo", 4},
        .display_name = {"Echo", 4},
        .version = {"1.0.0", 5},
        .capabilities = CRM_CAPABILITY_VALIDATE_CREDENTIALS | CRM_CAPABILITY_CREATE_OR_UPDATE_CONTACT | CRM_CAPABILITY_SEND_EVENT
                        | CRM_CAPABILITY_GET_CONTACT | CRM_CAPABILITY_IDEMPOTENT_UPSERT | CRM_CAPABILITY_EVENTS_DEDUPLICATED,
        .manifest_json = {(const uint8_t *)manifest, sizeof manifest - 1},
    };
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
    return interface_id && strcmp(interface_id, CRM_MODULE_ID) == 0 ? &module : NULL;
}
