/* A provider that does what its payload says, and in variants that are wrong in one way each.
 *
 * FIXTURE_TYPE, FIXTURE_VERSION: the descriptor's. WITHOUT_NOTE, WITHOUT_ENTRY, SECOND_EXPORT, OTHER_INTERFACE, OTHER_MODULE_SIZE,
 * OTHER_MAJOR, NULL_FUNCTION, NULL_DESCRIPTOR, OTHER_DESCRIPTOR_SIZE, BROKEN_MANIFEST, FAILING_CREATE, SILENT_FAILING_CREATE,
 * OTHER_INSTANCE_SIZE, UNKNOWN_SERVICE, MISSING_SYMBOL, CRASH_IN_CONSTRUCTOR, LOOP_IN_CONSTRUCTOR, SLEEP_IN_CONSTRUCTOR,
 * EXIT_IN_CONSTRUCTOR, THREAD_IN_CONSTRUCTOR, FILE_IN_CONSTRUCTOR, ENVIRONMENT_IN_CONSTRUCTOR, CRASH_IN_CREATE, CHANGING_DESCRIPTOR,
 * DESCRIPTOR_OF_THE_PROCESS, INVALID_SCHEMA, ANY_INTERFACE, NEVER_CLOSES, NEWER_SYMBOL: the faults.
 * MARK: a file to which each process that loads the library adds a line about its surroundings. Whether it has the file MARK ".open"
 * open is part of it.
 * KILLED_ONCE, KILLED_BY: the constructor ends its process by that signal for as long as it can remove that file.
 * ROUTE: the route of its HTTP calls.
 */
#define _GNU_SOURCE
#include <crm_plugin.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
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

#ifndef ROUTE
#define ROUTE "POST /"
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

#ifdef NEWER_SYMBOL
extern int newer_than_any(void);
__attribute__((visibility("hidden"))) int (*newer)(void) = newer_than_any;
#endif

#ifdef MARK
__attribute__((constructor)) static void mark(void) {
    int variables = 0, inherited = 0;
    for (char **variable = environ; variable && *variable; variable++) variables++;
    DIR *open_files = opendir("/proc/self/fd");
    for (struct dirent *open_file; open_files && (open_file = readdir(open_files));) {
        char target[4096];
        ssize_t length = readlinkat(dirfd(open_files), open_file->d_name, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = 0;
        if (strcmp(target, MARK ".open") == 0) inherited++;
    }
    if (!open_files) abort();
    closedir(open_files);
    FILE *file = fopen(MARK, "a");
    if (!file) abort();
    fprintf(file, "variables=%d inherited=%d\n", variables, inherited);
    fclose(file);
}
#endif

#if defined(THREAD_IN_CONSTRUCTOR) || defined(SLEEP_IN_CONSTRUCTOR)
static void *idle(void *unused) {
    (void)unused;
    for (;;) sleep(60);
    return NULL;
}
#endif

__attribute__((constructor)) static void constructor(void) {
#if defined(CRASH_IN_CONSTRUCTOR)
    fprintf(stderr, "fixture: about to crash\n");
    *(volatile int *)8 = 1;
#elif defined(LOOP_IN_CONSTRUCTOR)
    for (volatile int i = 0;; i++) {}
#elif defined(SLEEP_IN_CONSTRUCTOR)
    idle(NULL);
#elif defined(EXIT_IN_CONSTRUCTOR)
    _exit(7);
#elif defined(KILLED_ONCE)
    if (unlink(KILLED_ONCE) == 0) kill(getpid(), KILLED_BY);
#elif defined(THREAD_IN_CONSTRUCTOR)
    pthread_t thread;
    if (pthread_create(&thread, NULL, idle, NULL) != 0) abort();
#elif defined(FILE_IN_CONSTRUCTOR)
    if (open("/dev/null", O_RDONLY) < 0) abort();
#elif defined(ENVIRONMENT_IN_CONSTRUCTOR)
    setenv("FIXTURE", "was here", 1);
#endif
}

struct operation;

typedef struct instance {
    crm_provider_v1 table;
    const crm_host_v1 *host;
    const crm_http_service_v1 *http;
    const crm_executor_v1 *executor;
    const crm_timer_v1 *timer;
    const crm_cache_v1 *cache;
    const crm_metrics_v1 *metrics;
    /* Whose completion was kept back. */
    _Atomic(struct operation *) owed;
    /* To be completed again after `close`. */
    struct operation *haunting;
    /* For operations that are known only at the end of `start`. */
    _Atomic(struct operation *) registered;
    _Atomic uint64_t cancelled_too_early;
} instance;

typedef struct operation {
    void *ctx;
    crm_done_fn done;
    instance *instance;
    uint64_t id;
    /* What to do when told to make a cache entry: 'p'ut what `url` answers, 'g'ive up, 'h'old the ticket until the end. */
    char making;
    int64_t life_ms;
    uint64_t ticket;
    char url[256];
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

static void left_timer_fired(void *user) {
    const crm_host_v1 *host = user;
    host->log(host->ctx, CRM_LOG_WARNING, 0, TEXT("a timer was left behind"), (crm_bytes){NULL, 0});
}

static void text_of(const crm_request_v1 *request, const char *key, char *text, size_t size) {
    text[0] = 0;
    const char *payload = (const char *)request->payload_json.ptr;
    const char *start = memmem(payload, request->payload_json.len, key, strlen(key));
    if (!start) return;
    start += strlen(key);
    const char *end = memchr(start, '"', request->payload_json.len - (size_t)(start - payload));
    if (end && (size_t)(end - start) < size) {
        memcpy(text, start, (size_t)(end - start));
        text[end - start] = 0;
    }
}

static void complete_with(operation *op, const char *word, crm_bytes value) {
    char payload[512];
    snprintf(payload, sizeof payload, "{\"cache\":\"%s\",\"value\":\"%.*s\",\"version\":\"" FIXTURE_VERSION "\"}", word,
             (int)(value.len < 200 ? value.len : 200), value.len ? (const char *)value.ptr : "");
    complete(op->ctx, op->done, CRM_STATUS_OK, payload);
    free(op);
}

static void made(void *user, const crm_http_response_v1 *response) {
    operation *op = user;
    const crm_cache_v1 *cache = op->instance->cache;
    if (response->status != 200) {
        cache->give_up(cache->ctx, op->ticket);
        complete(op->ctx, op->done, response->transport_error == CRM_HTTP_ERROR_CANCELLED ? CRM_STATUS_CANCELLED : CRM_STATUS_UPSTREAM, "");
        free(op);
        return;
    }
    cache->put(cache->ctx, op->ticket, response->body, op->life_ms);
    complete_with(op, "made", response->body);
}

static void acquired(void *user, int32_t outcome, uint64_t ticket, crm_bytes value) {
    operation *op = user;
    switch (outcome) {
    case CRM_CACHE_FOUND: complete_with(op, "found", value); break;
    case CRM_CACHE_MISS: complete_with(op, "miss", value); break;
    case CRM_CACHE_CANCELLED: complete(op->ctx, op->done, CRM_STATUS_CANCELLED, ""); free(op); break;
    case CRM_CACHE_MAKE:
        op->ticket = ticket;
        if (op->making == 'g') {
            op->instance->cache->give_up(op->instance->cache->ctx, ticket);
            complete_with(op, "gave up", value);
        } else if (op->making == 'b') {
            size_t size = 2u << 20;
            crm_bytes big = {calloc(1, size), size};
            op->instance->cache->put(op->instance->cache->ctx, ticket, big, op->life_ms);
            op->instance->cache->remove(op->instance->cache->ctx, op->id, TEXT("session"), big);
            free((void *)big.ptr);
            complete_with(op, "made", value);
        } else if (op->making == 'h') {
            complete_with(op, "held", value);
        } else if (op->making == 'f') {
            op->instance->cache->put(op->instance->cache->ctx, ticket + 1000000, (crm_bytes){(const uint8_t *)"forged", 6}, 60000);
            op->instance->cache->put(op->instance->cache->ctx, ticket, (crm_bytes){(const uint8_t *)"right", 5}, op->life_ms);
            op->instance->cache->put(op->instance->cache->ctx, ticket, (crm_bytes){(const uint8_t *)"again", 5}, 60000);
            complete_with(op, "made", (crm_bytes){(const uint8_t *)"right", 5});
        } else {
            crm_http_request_v1 http = {0};
            http.struct_size = sizeof http;
            http.op_id = op->id;
            http.method = TEXT("POST");
            http.url = (crm_str){op->url, strlen(op->url)};
            http.route = TEXT("POST /session");
            op->instance->http->send(op->instance->http->ctx, &http, op, made);
        }
    }
}

/* Answers that are still due to an instance; at its `close` there may be none. */
static _Atomic int answers_due;

static void acquired_late(void *user, int32_t outcome, uint64_t ticket, crm_bytes value) {
    (void)ticket;
    (void)value;
    const crm_host_v1 *host = user;
    usleep(100000);
    if (outcome == CRM_CACHE_CANCELLED) host->log(host->ctx, CRM_LOG_WARNING, 0, TEXT("an answer was left behind"), (crm_bytes){NULL, 0});
    atomic_fetch_sub(&answers_due, 1);
}

static void occupy(void *user) {
    (void)user;
    usleep(300000);
}

static void use_metrics(const crm_metrics_v1 *metrics, const char *value) {
    crm_metric_label_v1 label = {TEXT("reason"), {value, strlen(value)}};
    metrics->counter_add(metrics->ctx, TEXT("retries"), &label, 1, 2);
    metrics->counter_add(metrics->ctx, TEXT("retries"), &label, 1, 3);
    metrics->histogram_record(metrics->ctx, TEXT("wait_seconds"), NULL, 0, 0.3);
    metrics->histogram_record(metrics->ctx, TEXT("wait_seconds"), NULL, 0, 70);
    /* Each of these breaks a rule. */
    metrics->counter_add(metrics->ctx, TEXT("http_seconds"), NULL, 0, 1);
    crm_metric_label_v1 wrong = {TEXT("Reason"), TEXT("x")};
    metrics->counter_add(metrics->ctx, TEXT("Retries"), NULL, 0, 1);
    metrics->counter_add(metrics->ctx, TEXT(""), NULL, 0, 1);
    metrics->counter_add(metrics->ctx, TEXT("retries"), &wrong, 1, 1);
    metrics->histogram_record(metrics->ctx, TEXT("retries"), NULL, 0, 1);
    metrics->histogram_record(metrics->ctx, TEXT("wait_seconds"), NULL, 0, __builtin_nan(""));
    crm_metric_label_v1 broken = {TEXT("reason"), {"\xff", 1}};
    metrics->counter_add(metrics->ctx, TEXT("retries"), &broken, 1, 1);
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
    http.route = TEXT(ROUTE);
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

    if (payload_has(request, "\"bad payload\"")) return complete(ctx, done, CRM_STATUS_OK, "{\"a\":\"\xff\xfe\"}");
    if (payload_has(request, "\"bad message\"")) {
        crm_result_v1 result = {0};
        result.struct_size = sizeof result;
        result.status = CRM_STATUS_UPSTREAM;
        result.code = TEXT("fixture.\xff");
        result.message = TEXT("not \xc3\x28 text");
        return done(ctx, &result);
    }
    if (payload_has(request, "\"huge payload\"")) {
        crm_result_v1 result = {0};
        result.struct_size = sizeof result;
        size_t size = 100u << 20;
        uint8_t *bytes = malloc(size);
        memset(bytes, '1', size);
        result.payload_json = (crm_bytes){bytes, size};
        done(ctx, &result);
        free(bytes);
        return;
    }
    if (payload_has(request, "\"metrics\"")) {
        char value[256];
        text_of(request, "\"url\":\"", value, sizeof value);
        use_metrics(instance->metrics, value);
        return complete(ctx, done, CRM_STATUS_OK, "{}");
    }
    if (payload_has(request, "\"pay what is owed\"")) {
        operation *owed = atomic_exchange(&instance->owed, NULL);
        if (owed) complete_operation(owed);
        return complete(ctx, done, CRM_STATUS_OK, "{}");
    }

    operation *op = calloc(1, sizeof *op);
    op->ctx = ctx;
    op->done = done;
    op->instance = instance;
    op->id = request->op_id;
    if (payload_has(request, "\"owe\"")) {
        atomic_store(&instance->owed, op);
        return;
    }
    if (payload_has(request, "\"haunt\"")) {
        instance->haunting = op;
        return complete(ctx, done, CRM_STATUS_OK, "{}");
    }
    if (payload_has(request, "\"cache")) {
        const crm_cache_v1 *cache = instance->cache;
        char key[300];
        text_of(request, "\"key\":\"", key, sizeof key);
        text_of(request, "\"url\":\"", op->url, sizeof op->url);
        op->life_ms = payload_has(request, "\"brief\"") ? 30 : 3600000;
        op->making = payload_has(request, "\"cache give up\"") ? 'g' : payload_has(request, "\"cache hold\"") ? 'h'
                   : payload_has(request, "\"cache forge\"") ? 'f'
                   : payload_has(request, "\"cache big\"") ? 'b' : 'p';
        crm_str name = {key, strlen(key)};
        if (payload_has(request, "\"cache remove\"")) {
            cache->remove(cache->ctx, op->id, name, (crm_bytes){(const uint8_t *)op->url, strlen(op->url)});
            return complete_operation(op);
        }
        if (payload_has(request, "\"cache leave\"")) {
            /* No thread is left for the answer until the instance could have been closed. */
            long threads = sysconf(_SC_NPROCESSORS_ONLN);
            for (long i = 0; i < (threads < 2 ? 2 : threads); i++)
                instance->executor->submit(instance->executor->ctx, occupy, NULL);
            atomic_fetch_add(&answers_due, 1);
            cache->acquire(cache->ctx, op->id, name, 0, (void *)instance->host, acquired_late);
            return complete_operation(op);
        }
        uint64_t id = payload_has(request, "\"cache foreign\"") ? op->id + 1 : op->id;
        cache->acquire(cache->ctx, id, name, payload_has(request, "\"cache look\"") ? CRM_CACHE_ONLY_LOOK : 0, op, acquired);
        return;
    }
    if (payload_has(request, "\"huge http\"")) {
        crm_http_request_v1 http = {0};
        http.struct_size = sizeof http;
        http.op_id = op->id;
        http.method = TEXT("POST");
        http.url = TEXT("http://127.0.0.1:1/");
        size_t size = 100u << 20;
        http.body = (crm_bytes){calloc(1, size), size};
        instance->http->send(instance->http->ctx, &http, op, answered);
        free((void *)http.body.ptr);
        return;
    }
    if (payload_has(request, "\"leave timer\"")) {
        instance->timer->after(instance->timer->ctx, 3000000000, (void *)instance->host, left_timer_fired);
        return complete_operation(op);
    }
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
    operation *haunting = ((instance *)self)->haunting;
#ifdef NEVER_CLOSES
    return;
#endif
    if (atomic_load(&answers_due)) host->log(host->ctx, CRM_LOG_ERROR, 0, TEXT("closed too early"), (crm_bytes){NULL, 0});
    free(self);
    closed(ctx);
    if (haunting) complete_operation(haunting);
    /* Against the rules, to see that nobody is there any more. */
    if (host->service(host->ctx, TEXT(CRM_HTTP_SERVICE_ID)) != NULL) abort();
}

static const crm_provider_v1 *create(const crm_host_v1 *host, crm_bytes config_json, void *err_ctx, crm_done_fn on_error) {
    (void)config_json;
#ifdef CRASH_IN_CREATE
    abort();
#endif
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
    made->cache = host->service(host->ctx, TEXT(CRM_CACHE_SERVICE_ID));
    made->metrics = host->service(host->ctx, TEXT(CRM_METRICS_SERVICE_ID));
    made->timer = host->service(host->ctx, TEXT(CRM_TIMER_SERVICE_ID));
    return &made->table;
}

static const char manifest[] =
#ifdef BROKEN_MANIFEST
    "{\"credential_schema\":";
#elif defined(INVALID_SCHEMA)
    "{\"credential_schema\":{\"type\":\"object\",\"properties\":{\"api_key\":{\"type\":\"string\",\"pattern\":\"(a+)+\"}}}}";
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
#ifdef DESCRIPTOR_OF_THE_PROCESS
    static char own_version[32];
    snprintf(own_version, sizeof own_version, "1.0.%07d", (int)getpid());
#endif
#ifdef CHANGING_DESCRIPTOR
    static _Atomic int calls;
    static crm_descriptor_v1 values[64];
    crm_descriptor_v1 *changing = &values[atomic_fetch_add(&calls, 1) % 64];
    *changing = (crm_descriptor_v1){sizeof(crm_descriptor_v1), 0, TEXT(FIXTURE_TYPE), TEXT("Fixture"), TEXT(FIXTURE_VERSION),
                                    (uint64_t)(changing - values), {(const uint8_t *)manifest, sizeof manifest - 1}};
    return changing;
#endif
    static const crm_descriptor_v1 value = {
#ifdef OTHER_DESCRIPTOR_SIZE
        .struct_size = 88,
#else
        .struct_size = sizeof(crm_descriptor_v1),
#endif
        .crm_type = {FIXTURE_TYPE, sizeof FIXTURE_TYPE - 1},
        .display_name = {"Fixture", 7},
#ifdef DESCRIPTOR_OF_THE_PROCESS
        .version = {own_version, 11},
#else
        .version = {FIXTURE_VERSION, sizeof FIXTURE_VERSION - 1},
#endif
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
#ifdef ANY_INTERFACE
    return &module;
#endif
    return interface_id && strcmp(interface_id, INTERFACE) == 0 ? &module : NULL;
}
#endif
