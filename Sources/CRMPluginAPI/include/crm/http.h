/* Service "crm.http/1": HTTP through the host, which owns TLS, the egress policy, deadlines and connection reuse.
 * Cookies are off, redirects are never followed, nothing is retried. */
#ifndef CRM_HTTP_H
#define CRM_HTTP_H

#include "types.h"

#define CRM_HTTP_SERVICE_ID "crm.http/1"

/* `crm_http_header_v1.flags`: the value is a secret, never shown in a log or a recording. */
#define CRM_HTTP_HEADER_SENSITIVE 1u

/* `crm_http_request_v1.flags`: the response's body is not wanted. */
#define CRM_HTTP_NO_RESPONSE_BODY 4u

/* `crm_http_response_v1.transport_error`. With anything but NONE there is no status. */
#define CRM_HTTP_ERROR_NONE 0
#define CRM_HTTP_ERROR_CANCELLED 1
#define CRM_HTTP_ERROR_TIMEOUT 2
#define CRM_HTTP_ERROR_DNS 3
#define CRM_HTTP_ERROR_CONNECT 4
#define CRM_HTTP_ERROR_TLS 5
#define CRM_HTTP_ERROR_RESET 6      /* the connection ended before the answer was complete: the CRM may have acted */
#define CRM_HTTP_ERROR_TOO_LARGE 7  /* the answer is larger than `max_response_bytes` */
#define CRM_HTTP_ERROR_BLOCKED 8    /* the egress policy refuses the target; no packet was sent */
#define CRM_HTTP_ERROR_REPLAY_MISS 9 /* only in tests with recorded exchanges */

typedef struct crm_http_header_v1 {
    crm_str name;
    crm_str value;
    uint32_t flags; /* CRM_HTTP_HEADER_* */
    uint32_t reserved; /* 0 */
} crm_http_header_v1;
CRM_STATIC_ASSERT(sizeof(crm_http_header_v1) == 40 && offsetof(crm_http_header_v1, reserved) == 36, "crm_http_header_v1 is frozen");

typedef struct crm_http_request_v1 {
    uint32_t struct_size; /* sizeof(crm_http_request_v1), exactly */
    uint32_t flags;       /* CRM_HTTP_* */
    uint64_t op_id;       /* the operation that this call serves; its deadline and its cancellation apply. 0: background work */
    crm_str method;       /* "GET", "POST", ... */
    crm_str url;          /* absolute; user info and fragment are refused */
    crm_str route;        /* the same without ids, "POST /api/profiles/": the label in metrics and logs */
    const crm_http_header_v1 *CRM_NULLABLE headers; /* `header_count` of them; NULL when 0 */
    size_t header_count;
    crm_bytes body;
    uint32_t timeout_ms;         /* 0: what is left of the operation's deadline */
    uint32_t max_response_bytes; /* 0: 1 MiB */
} crm_http_request_v1;
CRM_STATIC_ASSERT(
    sizeof(crm_http_request_v1) == 104 && offsetof(crm_http_request_v1, max_response_bytes) == 100, "crm_http_request_v1 is frozen");

typedef struct crm_http_response_v1 {
    uint32_t struct_size;    /* sizeof(crm_http_response_v1), exactly */
    int32_t transport_error; /* CRM_HTTP_ERROR_* */
    uint32_t status;         /* the HTTP status, 0 with a transport error */
    uint32_t reserved;       /* 0 */
    const crm_http_header_v1 *CRM_NULLABLE headers; /* names in lower case; a repeated header is repeated */
    size_t header_count;
    crm_bytes body;
    crm_str error_message; /* for people; empty without a transport error; holds no secret and no address */
} crm_http_response_v1;
CRM_STATIC_ASSERT(
    sizeof(crm_http_response_v1) == 64 && offsetof(crm_http_response_v1, error_message) == 48, "crm_http_response_v1 is frozen");

/* Receives the answer to one `send`: exactly once, on any host thread, never from inside `send`. The response and all that it
 * points to are borrowed until this returns. Must not block. `user` is what was given to `send`. */
typedef void (*CRM_SENDABLE crm_http_done_fn)(void *CRM_NULLABLE user, const crm_http_response_v1 *CRM_NONNULL response);

/* Starts a request. Any thread, also from `start` and from callbacks; never blocks. The request and all that it points to are
 * borrowed for the call. Returns an id for `cancel`, never 0: a refusal too arrives through `done`. */
typedef uint64_t (*CRM_SENDABLE crm_http_send_fn)(
    void *CRM_NULLABLE ctx, const crm_http_request_v1 *CRM_NONNULL request, void *CRM_NULLABLE user,
    crm_http_done_fn CRM_NONNULL done);

/* Gives a request up. Any thread; never blocks; an unknown or finished id is ignored. `done` still comes, once, with
 * CRM_HTTP_ERROR_CANCELLED unless the answer was already on its way. The host does this by itself for every request of an
 * operation that it cancels. */
typedef void (*CRM_SENDABLE crm_http_cancel_fn)(void *CRM_NULLABLE ctx, uint64_t request_id);

typedef struct crm_http_service_v1 {
    uint32_t struct_size; /* sizeof(crm_http_service_v1), exactly */
    uint32_t reserved;    /* 0 */
    void *CRM_NULLABLE ctx;
    crm_http_send_fn CRM_NONNULL send;
    crm_http_cancel_fn CRM_NONNULL cancel;
} crm_http_service_v1;
CRM_STATIC_ASSERT(sizeof(crm_http_service_v1) == 32 && offsetof(crm_http_service_v1, cancel) == 24, "crm_http_service_v1 is frozen");

#endif
