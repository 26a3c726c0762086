/* Acme, a CRM that does not exist, with an API of the kind that many have: JSON over REST, a token, contacts by e-mail address, events
 * with an idempotency key. Put yours in its place. JSON is read and written by json-c, linked statically: see the Makefile.
 *
 * Read it from the bottom: the one exported function returns a table; the table has a function that makes an instance; the instance has
 * a function `start` that begins an operation. `start` must not wait for anything, so it hands an HTTP request to the host and returns;
 * when the answer is there, the host calls `answered`, which turns it into a result and calls `done`, once.
 */
#include <crm_plugin.h>

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By this note a host recognises the library before it runs any of its code. */
CRM_PROVIDER_NOTE

#define TEXT(literal) ((crm_str){(literal), sizeof(literal) - 1})

static crm_str text(const char *string) { return (crm_str){string, string ? strlen(string) : 0}; }

typedef struct json_object json;

/* NULL for what is not JSON; nothing counts as an empty object. */
static json *parse(crm_bytes bytes) {
    if (bytes.len == 0) return json_object_new_object();
    struct json_tokener *tokener = json_tokener_new();
    if (!tokener || bytes.len > INT32_MAX) return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json *value = json_tokener_parse_ex(tokener, (const char *)bytes.ptr, (int)bytes.len);
    /* A value that ends with the text, such as a number, is complete only now. */
    if (!value && json_tokener_get_error(tokener) == json_tokener_continue) value = json_tokener_parse_ex(tokener, "", 1);
    json_tokener_free(tokener);
    return value;
}

/* A member of an object, borrowed; NULL when there is none, or no object. */
static json *member(json *object, const char *name) {
    json *value = NULL;
    return json_object_object_get_ex(object, name, &value) ? value : NULL;
}

/* A member that is a string, borrowed. */
static const char *string(json *object, const char *name) {
    json *value = member(object, name);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static void put(json *object, const char *name, json *value) { json_object_object_add(object, name, value); }
static void put_text(json *object, const char *name, const char *value) { put(object, name, json_object_new_string(value)); }

/* Takes a member over from another object, when it has one. */
static void copy(json *to, const char *name, json *from, const char *theirs) {
    json *value = member(from, theirs);
    if (value) put(to, name, json_object_get(value));
}

/* ---- One instance: the operator's configuration and the host's service ---- */

typedef struct instance {
    crm_provider_v1 table;
    const crm_http_service_v1 *http;
    char *base_url;
} instance;

/* ---- One operation: whom to tell, and what is expected ---- */

typedef struct operation {
    void *ctx;
    crm_done_fn done;
    uint32_t op;
    json *warnings; /* what was left out */
} operation;

static void end_operation(operation *op) {
    json_object_put(op->warnings);
    free(op);
}

/* Calls `done`; the payload is lent for that call only. `payload` may be NULL. */
static void finish(
    const operation *op, int32_t status, uint32_t flags, uint32_t retry_after_ms, const char *code, crm_str message, json *payload) {
    crm_result_v1 result = {0};
    result.struct_size = sizeof result;
    result.status = status;
    result.flags = flags;
    result.retry_after_ms = retry_after_ms;
    result.code = text(code);
    result.message = message;
    size_t length = 0;
    const char *written = payload ? json_object_to_json_string_length(payload, JSON_C_TO_STRING_PLAIN, &length) : NULL;
    result.payload_json = (crm_bytes){(const uint8_t *)written, length};
    op->done(op->ctx, &result);
    json_object_put(payload);
}

static bool writes(uint32_t op) { return op == CRM_OP_CREATE_OR_UPDATE_CONTACT || op == CRM_OP_SEND_EVENT; }

/* ---- Failures ---- */

/* There was no answer. What matters to the host: could Acme have acted? */
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
    finish(op, status, flags, 0, "acme.no_answer", response->error_message, NULL);
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

/* Acme's statuses, and what they mean to the host, which alone decides whether to try again. */
static const struct {
    uint32_t http;
    int32_t status;
    uint32_t flags;
    const char *code;
    const char *message;
} errors[] = {
    {400, CRM_STATUS_INVALID_ARGUMENT, 0, "acme.refused", "Acme refuses the record"},
    {401, CRM_STATUS_INVALID_CREDENTIALS, CRM_RESULT_REVALIDATE, "acme.unknown_token", "Acme does not know this token"},
    {403, CRM_STATUS_PERMISSION_DENIED, 0, "acme.missing_scope", "the token lacks a scope"},
    {409, CRM_STATUS_CONFLICT, 0, "acme.conflict", "the identifiers belong to two contacts"},
    {422, CRM_STATUS_INVALID_ARGUMENT, 0, "acme.refused", "Acme refuses the record"},
    {429, CRM_STATUS_RATE_LIMITED, CRM_RESULT_RETRYABLE, "acme.slow_down", "Acme asks for a pause"},
};

static void fail_status(const operation *op, const crm_http_response_v1 *response) {
    if (response->status == 404 && op->op == CRM_OP_GET_CONTACT) {
        finish(op, CRM_STATUS_NOT_FOUND, 0, 0, "acme.not_found", TEXT("Acme has no such contact"), NULL);
        return;
    }
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i].http != response->status) continue;
        finish(op, errors[i].status, errors[i].flags, retry_after_ms(response), errors[i].code, text(errors[i].message), NULL);
        return;
    }
    finish(op, CRM_STATUS_UPSTREAM, CRM_RESULT_RETRYABLE, retry_after_ms(response), "acme.failed",
           TEXT("Acme failed to handle the request"), NULL);
}

/* A success that cannot be read: a write has probably happened. */
static void fail_unreadable(const operation *op) {
    finish(op, CRM_STATUS_UPSTREAM, CRM_RESULT_RETRYABLE | (writes(op->op) ? CRM_RESULT_AMBIGUOUS : 0), 0, "acme.unreadable_answer",
           TEXT("Acme's answer cannot be understood"), NULL);
}

/* ---- Answers ---- */

static json *permission(json *account, const char *capability, const char *scope) {
    json *scopes = member(account, "scopes"), *made = json_object_new_object();
    bool is_proven = false;
    size_t count = json_object_is_type(scopes, json_type_array) ? json_object_array_length(scopes) : 0;
    for (size_t i = 0; i < count; i++) {
        json *granted = json_object_array_get_idx(scopes, i);
        is_proven |= json_object_is_type(granted, json_type_string) && strcmp(json_object_get_string(granted), scope) == 0;
    }
    put_text(made, "capability", capability);
    put_text(made, "state", is_proven ? "proven" : "missing");
    put_text(made, "detail", scope);
    return made;
}

static json *validated(json *account, const char *id) {
    const char *name = string(account, "name");
    json *who = json_object_new_object(), *permissions = json_object_new_array(), *made = json_object_new_object();
    put_text(who, "id", id);
    put_text(who, "name", name ? name : id);
    json_object_array_add(permissions, permission(account, "create_or_update_contact", "contacts:write"));
    json_object_array_add(permissions, permission(account, "get_contact", "contacts:read"));
    json_object_array_add(permissions, permission(account, "send_event", "events:write"));
    put(made, "account", who);
    put(made, "permissions", permissions);
    return made;
}

/* What the two vocabularies call alike. */
static const char *const same_fields[] = {"email", "external_id", "phone", "first_name", "last_name"};
enum { same_field_count = sizeof same_fields / sizeof same_fields[0] };

static json *found(json *record, const char *id) {
    json *contact = json_object_new_object(), *made = json_object_new_object();
    for (int i = 0; i < same_field_count; i++) {
        if (string(record, same_fields[i])) copy(contact, same_fields[i], record, same_fields[i]);
    }
    if (json_object_is_type(member(record, "attributes"), json_type_object)) copy(contact, "properties", record, "attributes");
    put(made, "contact", contact);
    put_text(made, "remote_id", id);
    return made;
}

static json *written(const operation *op, const char *id, const char *flag, bool is_set) {
    json *made = json_object_new_object();
    put_text(made, "remote_id", id);
    put(made, flag, json_object_new_boolean(is_set));
    put(made, "warnings", json_object_get(op->warnings));
    return made;
}

static void succeed(const operation *op, const crm_http_response_v1 *response) {
    json *body = parse(response->body);
    const char *id = string(body, "id");
    if (!id)
        fail_unreadable(op);
    else if (op->op == CRM_OP_VALIDATE_CREDENTIALS)
        finish(op, CRM_STATUS_OK, 0, 0, NULL, (crm_str){0}, validated(body, id));
    else if (op->op == CRM_OP_GET_CONTACT)
        finish(op, CRM_STATUS_OK, 0, 0, NULL, (crm_str){0}, found(body, id));
    else if (op->op == CRM_OP_CREATE_OR_UPDATE_CONTACT)
        finish(op, CRM_STATUS_OK, 0, 0, NULL, (crm_str){0}, written(op, id, "created", response->status == 201));
    else
        finish(op, CRM_STATUS_OK, 0, 0, NULL, (crm_str){0}, written(op, id, "accepted_only", response->status == 202));
    json_object_put(body);
}

/* The host calls this once for every request, whatever became of it, on a thread of its own choice. The response is only lent. */
static void answered(void *user, const crm_http_response_v1 *response) {
    operation *op = user;
    if (response->transport_error != CRM_HTTP_ERROR_NONE)
        fail_transport(op, response);
    else if (response->status < 200 || response->status > 299)
        fail_status(op, response);
    else
        succeed(op, response);
    end_operation(op);
}

/* ---- Requests ---- */

typedef struct outgoing {
    crm_str method;
    const char *path;
    const char *parameter; /* follows the path, percent-encoded; may be NULL */
    json *body;          /* NULL: none */
} outgoing;

/* A contact as Acme writes one. What was not said is not sent; what Acme has no field for becomes a warning. NULL: nobody is named. */
static json *fields(json *contact, json *warnings) {
    if (!string(contact, "email") && !string(contact, "external_id")) return NULL;
    json *made = json_object_new_object();
    for (int i = 0; i < same_field_count; i++) {
        if (string(contact, same_fields[i])) copy(made, same_fields[i], contact, same_fields[i]);
    }
    copy(made, "attributes", contact, "properties");
    static const char *const unknown[] = {"title", "organization", "locale", "address", "consent"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        if (!member(contact, unknown[i])) continue;
        json *warning = json_object_new_object();
        put_text(warning, "code", "acme.no_such_field");
        put_text(warning, "field", unknown[i]);
        put_text(warning, "detail", "Acme has no field for it; the rest was written");
        json_object_array_add(warnings, warning);
    }
    return made;
}

static json *event_body(json *event, json *warnings) {
    json *contact = fields(member(event, "contact"), warnings), *value = member(event, "value");
    if (!contact) return NULL;
    json *made = json_object_new_object();
    copy(made, "name", event, "name");
    put(made, "contact", contact);
    copy(made, "occurred_at", event, "occurred_at");
    copy(made, "attributes", event, "properties");
    /* Money is a decimal string, Acme wants a number: written as it stands, so that no digit is lost. */
    const char *digits = string(value, "amount");
    if (digits) put(made, "amount", json_object_new_double_s(atof(digits), digits));
    copy(made, "currency", value, "currency");
    return made;
}

/* False: the payload does not say enough. */
static bool describe(uint32_t op, json *payload, json *warnings, outgoing *request) {
    const char *email = string(payload, "email"), *external_id = string(payload, "external_id");
    switch (op) {
    case CRM_OP_VALIDATE_CREDENTIALS: *request = (outgoing){TEXT("GET"), "/v1/account", NULL, NULL}; return true;
    case CRM_OP_CREATE_OR_UPDATE_CONTACT:
        *request = (outgoing){TEXT("PUT"), "/v1/contacts", NULL, fields(member(payload, "contact"), warnings)};
        return request->body != NULL;
    case CRM_OP_SEND_EVENT:
        *request = (outgoing){TEXT("POST"), "/v1/events", NULL, event_body(member(payload, "event"), warnings)};
        return request->body != NULL;
    default:
        *request = (outgoing){TEXT("GET"), "/v1/contacts/", string(payload, "remote_id"), NULL};
        if (external_id) *request = (outgoing){TEXT("GET"), "/v1/contacts?external_id=", external_id, NULL};
        if (email) *request = (outgoing){TEXT("GET"), "/v1/contacts?email=", email, NULL};
        return request->parameter != NULL;
    }
}

/* RFC 3986: everything but unreserved characters. `to` has room for three times the text. */
static void percent_encode(char *to, const char *from) {
    for (; *from; from++) {
        unsigned char c = (unsigned char)*from;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c);
        to += plain ? sprintf(to, "%c", c) : sprintf(to, "%%%02X", c);
    }
    *to = 0;
}

/* Everything that is lent here is copied by the host before `send` returns, so that nothing has to outlive this function but `op`. */
static bool send_request(const instance *instance, const crm_request_v1 *request, const outgoing *out, const char *token, operation *op) {
    size_t room = strlen(instance->base_url) + strlen(out->path) + 3 * (out->parameter ? strlen(out->parameter) : 0) + 1;
    char *url = malloc(room), *authorization = malloc(strlen(token) + sizeof "Bearer ");
    size_t length = 0;
    const char *body = out->body ? json_object_to_json_string_length(out->body, JSON_C_TO_STRING_PLAIN, &length) : NULL;
    bool is_ready = url && authorization && (body || !out->body);
    if (is_ready) {
        int written = sprintf(url, "%s%s", instance->base_url, out->path);
        if (out->parameter) percent_encode(url + written, out->parameter);
        sprintf(authorization, "Bearer %s", token);
        const crm_http_header_v1 headers[] = {
            {TEXT("Authorization"), text(authorization), CRM_HTTP_HEADER_SENSITIVE, 0},
            {TEXT("Content-Type"), TEXT("application/json"), 0, 0},
            {TEXT("Idempotency-Key"), request->idempotency_key, 0, 0},
        };
        crm_http_request_v1 http = {0};
        http.struct_size = sizeof http;
        http.op_id = request->op_id; /* ties the request to this operation's deadline and cancellation */
        http.method = out->method;
        http.url = text(url);
        http.route = (crm_str){out->path, strcspn(out->path, "?")};
        http.headers = headers;
        http.header_count = out->body ? 3 : 1;
        http.body = (crm_bytes){(const uint8_t *)body, length};
        instance->http->send(instance->http->ctx, &http, op, answered);
    }
    free(url);
    free(authorization);
    return is_ready;
}

static void start(void *self, const crm_request_v1 *request, void *ctx, crm_done_fn done) {
    operation *op = malloc(sizeof *op);
    operation unborn = {.ctx = ctx, .done = done, .op = request->op};
    if (!op) {
        finish(&unborn, CRM_STATUS_INTERNAL, CRM_RESULT_RETRYABLE, 0, "acme.no_memory", TEXT("out of memory"), NULL);
        return;
    }
    *op = (operation){.ctx = ctx, .done = done, .op = request->op, .warnings = json_object_new_array()};
    json *payload = parse(request->payload_json), *credentials = parse(request->credentials_json);
    const char *token = string(credentials, "token");
    outgoing out = {0};
    bool is_under_way = false;
    if (request->op < CRM_OP_VALIDATE_CREDENTIALS || request->op > CRM_OP_GET_CONTACT)
        finish(op, CRM_STATUS_UNSUPPORTED, 0, 0, "acme.unsupported", TEXT("Acme has no such operation"), NULL);
    else if (!token)
        finish(op, CRM_STATUS_INVALID_ARGUMENT, 0, 0, "acme.no_token", TEXT("the credentials have no token"), NULL);
    else if (!describe(request->op, payload, op->warnings, &out))
        finish(op, CRM_STATUS_INVALID_ARGUMENT, 0, 0, "acme.incomplete", TEXT("Acme knows contacts by email or external_id"), NULL);
    else if (!(is_under_way = send_request(self, request, &out, token, op)))
        finish(op, CRM_STATUS_INTERNAL, CRM_RESULT_RETRYABLE, 0, "acme.no_memory", TEXT("out of memory"), NULL);
    json_object_put(out.body);
    json_object_put(payload);
    json_object_put(credentials);
    if (!is_under_way) end_operation(op);
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
    instance *instance = self;
    free(instance->base_url);
    free(instance);
    closed(ctx);
}

/* ---- The module: who this is, and how an instance is made ---- */

static const crm_provider_v1 *create(const crm_host_v1 *host, crm_bytes config_json, void *err_ctx, crm_done_fn on_error) {
    const operation making = {.ctx = err_ctx, .done = on_error};
    const crm_http_service_v1 *http = host->service(host->ctx, TEXT(CRM_HTTP_SERVICE_ID));
    json *config = parse(config_json);
    const char *base_url = string(config, "base_url");
    char *address = strdup(base_url && *base_url ? base_url : "https://api.acme.example");
    json_object_put(config);
    bool is_address = address && (strncmp(address, "https://", 8) == 0 || strncmp(address, "http://", 7) == 0)
                      && address[strlen(address) - 1] != '/';
    instance *made = calloc(1, sizeof *made);
    if (is_address && made) {
        made->table = (crm_provider_v1){sizeof(crm_provider_v1), 0, made, start, cancel, no_instance_extension, close_instance};
        made->http = http;
        made->base_url = address;
    }
    if (made && made->base_url && http && http->struct_size == sizeof *http) return &made->table;
    if (!is_address)
        finish(&making, CRM_STATUS_INVALID_ARGUMENT, 0, 0, "acme.bad_base_url",
               TEXT("base_url must be an address without a slash at its end"), NULL);
    else
        finish(&making, CRM_STATUS_INTERNAL, 0, 0, "acme.no_http", TEXT("this host does not offer " CRM_HTTP_SERVICE_ID), NULL);
    free(address);
    free(made);
    return NULL;
}

static const char manifest[] =
    "{\"credential_schema\":{\"type\":\"object\",\"required\":[\"token\"],\"additionalProperties\":false,\"properties\":{"
    "\"token\":{\"type\":\"string\",\"title\":\"API token\",\"minLength\":12,\"maxLength\":200,\"x-charset\":\"A-Za-z0-9_.@-\","
    "\"writeOnly\":true,\"description\":\"A token with the scopes contacts:write, contacts:read and events:write.\"}}},"
    "\"settings_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{}},"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"maxLength\":500,\"description\":\"Where Acme's API is, when it is not where it usually is.\"}}},"
    "\"egress\":[\"api.acme.example:443\"],\"idempotency\":{\"contact\":\"natural\",\"event\":\"key\"},\"max_concurrency\":16,"
    "\"docs_url\":\"https://acme.example/docs\"}";

static const crm_descriptor_v1 *descriptor(void) {
    static const crm_descriptor_v1 value = {
        .struct_size = sizeof(crm_descriptor_v1),
        .crm_type = {"acme", sizeof "acme" - 1},
        .display_name = {"Acme", sizeof "Acme" - 1},
        .version = {"0.1.0", 5},
        .capabilities = CRM_CAPABILITY_VALIDATE_CREDENTIALS | CRM_CAPABILITY_CREATE_OR_UPDATE_CONTACT | CRM_CAPABILITY_SEND_EVENT
                        | CRM_CAPABILITY_GET_CONTACT | CRM_CAPABILITY_IDEMPOTENT_UPSERT | CRM_CAPABILITY_EVENTS_DEDUPLICATED
                        | CRM_CAPABILITY_EXTERNAL_IDS,
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
