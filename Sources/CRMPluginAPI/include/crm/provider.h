/* What a provider library offers: the factory, the module, its descriptor, and one instance. */
#ifndef CRM_PROVIDER_H
#define CRM_PROVIDER_H

#include "host.h"
#include "types.h"

/* The interface id of `crm_module_v1`. It is 0 until three providers have passed conformance without a change of this header. */
#define CRM_MODULE_ID "crm.module/0"

/* Operations: `crm_request_v1.op`. A provider answers CRM_STATUS_UNSUPPORTED to one that it does not know. */
#define CRM_OP_VALIDATE_CREDENTIALS 1u
#define CRM_OP_CREATE_OR_UPDATE_CONTACT 2u
#define CRM_OP_SEND_EVENT 3u
#define CRM_OP_GET_CONTACT 4u
#define CRM_OP_BATCH 5u
#define CRM_OP_DELETE_CONTACT 6u
#define CRM_OP_SET_CONSENT 7u
#define CRM_OP_VENDOR_FIRST 0x80000000u /* from here on, operations that a vendor agrees on with its own tools */

/* What a provider can do: bits of `crm_descriptor_v1.capabilities`. A host ignores bits that it does not know. */
#define CRM_CAPABILITY_VALIDATE_CREDENTIALS (1ull << 0)
#define CRM_CAPABILITY_CREATE_OR_UPDATE_CONTACT (1ull << 1)
#define CRM_CAPABILITY_SEND_EVENT (1ull << 2)
#define CRM_CAPABILITY_GET_CONTACT (1ull << 3)
#define CRM_CAPABILITY_BATCH (1ull << 4)
#define CRM_CAPABILITY_DELETE_CONTACT (1ull << 5)
#define CRM_CAPABILITY_SET_CONSENT (1ull << 6)
#define CRM_CAPABILITY_DRY_RUN (1ull << 8)              /* obeys CRM_REQUEST_DRY_RUN */
#define CRM_CAPABILITY_IDEMPOTENT_UPSERT (1ull << 9)    /* the same upsert twice leaves one record */
#define CRM_CAPABILITY_EVENTS_DEDUPLICATED (1ull << 10) /* an event repeated with its idempotency key is recorded once */
#define CRM_CAPABILITY_EXTERNAL_IDS (1ull << 11)        /* finds contacts by `external_id` */

/* `crm_request_v1.flags` */
#define CRM_REQUEST_DRY_RUN 1u           /* write nothing into the CRM */
#define CRM_REQUEST_LOOK_BEFORE_WRITE 2u /* an earlier attempt may have happened: look first where the CRM does not de-duplicate */

/* `crm_result_v1.flags` */
#define CRM_RESULT_RETRYABLE 1u   /* the same request may succeed later */
#define CRM_RESULT_AMBIGUOUS 2u   /* the write may have happened */
#define CRM_RESULT_REVALIDATE 4u  /* the credentials should be checked again */

/* One operation, borrowed until `start` returns. */
typedef struct crm_request_v1 {
    uint32_t struct_size; /* sizeof(crm_request_v1), exactly */
    uint32_t op;          /* CRM_OP_* */
    uint64_t op_id;       /* unique in this process, never 0 */
    int64_t deadline_ns;  /* CLOCK_MONOTONIC; the host ends the operation there. 0: none */
    uint32_t attempt;     /* from 1 */
    uint32_t flags;       /* CRM_REQUEST_* */
    crm_str idempotency_key; /* the same for every attempt of the same write */
    crm_str account;         /* opaque id of the merchant's connection: the key for anything that a provider remembers */
    crm_bytes credentials_json; /* fits the manifest's credential_schema */
    crm_bytes settings_json;    /* fits the manifest's settings_schema */
    crm_bytes payload_json;     /* schemas/<operation>.request.json */
    crm_str traceparent;        /* W3C trace context, empty when there is none; the host adds it to HTTP calls by itself */
} crm_request_v1;
CRM_STATIC_ASSERT(sizeof(crm_request_v1) == 128 && offsetof(crm_request_v1, traceparent) == 112, "crm_request_v1 is frozen");

/* How an operation ended, borrowed until `done` returns. */
typedef struct crm_result_v1 {
    uint32_t struct_size;    /* sizeof(crm_result_v1), exactly */
    int32_t status;          /* CRM_STATUS_* */
    uint32_t retry_after_ms; /* the pause that the CRM asks for; 0: it did not say */
    uint32_t flags;          /* CRM_RESULT_* */
    crm_str code;            /* stable and machine-readable, "klaviyo.duplicate_profile"; empty when OK */
    crm_str message;         /* for people; no secret, no personal data */
    crm_bytes payload_json;  /* schemas/<operation>.result.json; on failure details, or empty */
} crm_result_v1;
CRM_STATIC_ASSERT(sizeof(crm_result_v1) == 64 && offsetof(crm_result_v1, payload_json) == 48, "crm_result_v1 is frozen");

/* Ends one operation. The provider calls it exactly once per `start`, from any thread, also from inside `start`, holding no lock.
 * `ctx` is what `start` was given and may not be used after this call. The result is borrowed until it returns. */
typedef void (*CRM_SENDABLE crm_done_fn)(void *CRM_NULLABLE ctx, const crm_result_v1 *CRM_NONNULL result);

/* Starts an operation. Any thread, many at a time. Must return promptly (under 5 ms) and not block: I/O goes through the host's
 * services. The host holds no lock. `ctx` belongs to the host. */
typedef void (*CRM_SENDABLE crm_provider_start_fn)(
    void *CRM_NULLABLE self, const crm_request_v1 *CRM_NONNULL request, void *CRM_NULLABLE ctx, crm_done_fn CRM_NONNULL done);

/* Asks for an early end. Any thread; may race with completion; an unknown `op_id` is ignored; never blocks. It may be empty: the
 * host also aborts the operation's HTTP requests, so their callbacks come with CRM_HTTP_ERROR_CANCELLED. `done` is still due. */
typedef void (*CRM_SENDABLE crm_provider_cancel_fn)(void *CRM_NULLABLE self, uint64_t op_id);

/* Optional tables of an instance by id, valid until its `close` has completed. Any thread; no I/O. NULL: not offered. */
typedef const void *CRM_NULLABLE (*CRM_SENDABLE crm_provider_extension_fn)(void *CRM_NULLABLE self, crm_str id);

/* Says that an instance has closed. Called exactly once, from any thread. */
typedef void (*CRM_SENDABLE crm_closed_fn)(void *CRM_NULLABLE ctx);

/* Ends the instance. The host guarantees that no operation is in flight and starts no more. The provider stops its background
 * work and calls `closed(ctx)` within 10 s; afterwards neither side calls the other and the instance's memory is gone. */
typedef void (*CRM_SENDABLE crm_provider_close_fn)(void *CRM_NULLABLE self, void *CRM_NULLABLE ctx, crm_closed_fn CRM_NONNULL closed);

/* One instance: a provider with one operator's configuration. Owned by the library until `close` has completed. */
typedef struct crm_provider_v1 {
    uint32_t struct_size; /* sizeof(crm_provider_v1), exactly */
    uint32_t reserved;    /* 0 */
    void *CRM_NULLABLE self; /* the first argument of every function here */
    crm_provider_start_fn CRM_NONNULL start;
    crm_provider_cancel_fn CRM_NONNULL cancel;
    crm_provider_extension_fn CRM_NONNULL extension;
    crm_provider_close_fn CRM_NONNULL close;
} crm_provider_v1;
CRM_STATIC_ASSERT(sizeof(crm_provider_v1) == 48 && offsetof(crm_provider_v1, close) == 40, "crm_provider_v1 is frozen");

/* Who the library is. Static: valid and unchanged for as long as the process lives. */
typedef struct crm_descriptor_v1 {
    uint32_t struct_size; /* sizeof(crm_descriptor_v1), exactly */
    uint32_t reserved;    /* 0 */
    crm_str crm_type;     /* [a-z][a-z0-9_-]{1,31}; the name in URLs and in the database */
    crm_str display_name; /* "Klaviyo" */
    crm_str version;      /* semantic version of the provider */
    uint64_t capabilities; /* CRM_CAPABILITY_* */
    crm_bytes manifest_json; /* schemas/manifest.json */
} crm_descriptor_v1;
CRM_STATIC_ASSERT(sizeof(crm_descriptor_v1) == 80 && offsetof(crm_descriptor_v1, manifest_json) == 64, "crm_descriptor_v1 is frozen");

/* Returns the descriptor. Any thread; no I/O; the same answer every time; never NULL. */
typedef const crm_descriptor_v1 *CRM_NONNULL (*CRM_SENDABLE crm_module_descriptor_fn)(void);

/* Makes an instance. Called on a loader thread; must not block on I/O. `host` stays valid until the instance's `close` has completed.
 * `config_json` fits the manifest's config_schema and is borrowed for the call. NULL: it failed, and `on_error(err_ctx, result)` was
 * called exactly once before returning, with CRM_STATUS_INVALID_ARGUMENT for a configuration that cannot work. */
typedef const crm_provider_v1 *CRM_NULLABLE (*CRM_SENDABLE crm_module_create_fn)(
    const crm_host_v1 *CRM_NONNULL host, crm_bytes config_json, void *CRM_NULLABLE err_ctx, crm_done_fn CRM_NONNULL on_error);

/* Optional tables of the module by id, static. Any thread; no I/O. NULL: not offered. */
typedef const void *CRM_NULLABLE (*CRM_SENDABLE crm_module_extension_fn)(crm_str id);

/* The table behind CRM_MODULE_ID. Static. */
typedef struct crm_module_v1 {
    uint32_t magic;        /* CRM_MAGIC */
    uint32_t struct_size;  /* sizeof(crm_module_v1), exactly */
    uint32_t header_minor; /* CRM_HEADER_MINOR; for messages */
    uint32_t reserved;     /* 0 */
    crm_str sdk;           /* what it was built with, "CRMPluginSDK/0.1.0 swift/6.3"; for messages */
    crm_module_descriptor_fn CRM_NONNULL descriptor;
    crm_module_create_fn CRM_NONNULL create;
    crm_module_extension_fn CRM_NONNULL extension;
} crm_module_v1;
CRM_STATIC_ASSERT(sizeof(crm_module_v1) == 56 && offsetof(crm_module_v1, extension) == 48, "crm_module_v1 is frozen");

/* The one symbol that a provider library exports. Any thread, more than once; no side effects, no I/O, no threads, under 1 ms.
 * `interface_id` is NUL-terminated and borrowed; NULL is allowed. Returns the static table of exactly that interface, or NULL when
 * the library does not have it (or was given NULL). The host asks for the ids that it knows, highest first. */
CRM_EXTERN CRM_EXPORT const void *CRM_NULLABLE crm_plugin_factory(const char *CRM_NULLABLE interface_id);

/* Place once, at file scope, in a provider written in C or C++: the ELF note by which a host recognises the library before it runs
 * any of its code. (Swift providers get it from CRMPluginAPI.) Section .note.crm, owner "CRM", type 1, descriptor: the magic, the
 * highest module major, the header minor, 0. */
#define CRM_PROVIDER_NOTE                                                                                                          \
    __attribute__((section(".note.crm"), used, aligned(4))) static const struct {                                                 \
        uint32_t owner_size, descriptor_size, type;                                                                                \
        char owner[4];                                                                                                             \
        uint32_t descriptor[4];                                                                                                    \
    } crm_provider_note = {4, 16, 1, {'C', 'R', 'M', 0}, {CRM_MAGIC, CRM_MODULE_MAJOR, CRM_HEADER_MINOR, 0}};

#endif
