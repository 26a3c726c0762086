/* Service "crm.cache/1": what a provider remembers for one connection between operations, such as an access token or a session.
 *
 * In memory only, wiped when it goes, kept across a reload of the library. An entry belongs to the connection and the credentials
 * of the operation that made it: no other merchant's operation finds it, and nobody finds it after the credentials have changed. */
#ifndef CRM_CACHE_H
#define CRM_CACHE_H

#include "types.h"

#define CRM_CACHE_SERVICE_ID "crm.cache/1"

/* `acquire` flags: answer MISS instead of waiting for whoever is making the value, and instead of the duty to make it. */
#define CRM_CACHE_ONLY_LOOK 1u

/* How `acquire` ended. */
#define CRM_CACHE_FOUND 0     /* `value` is the entry */
#define CRM_CACHE_MISS 1      /* only with CRM_CACHE_ONLY_LOOK: there is none */
#define CRM_CACHE_MAKE 2      /* there is none, and the caller is the one to make it: `put` or `give_up` with `ticket` is due */
#define CRM_CACHE_CANCELLED 3 /* the operation has ended or was cancelled, or `op_id` names none */

/* Largest key and value in bytes. A longer key is never found: each that asks for it makes its own. A longer value is handed to those
 * that wait and not kept. */
#define CRM_CACHE_MAX_KEY 256u
#define CRM_CACHE_MAX_VALUE 65536u

/* Receives the answer to one `acquire`: exactly once, on any host thread, never from inside `acquire`, and at the latest when the
 * operation ends; so none comes after `close`. `ticket` is not 0 with CRM_CACHE_MAKE only. `value` is borrowed until this returns.
 * Must not block. */
typedef void (*CRM_SENDABLE crm_cache_answer_fn)(void *CRM_NULLABLE user, int32_t outcome, uint64_t ticket, crm_bytes value);

/* Looks for an entry of the operation's connection. Of all that ask for a missing one at the same time, one is told to make it and
 * the others wait for it, until their own operations end. An operation that asks again for what it is itself making does not wait: it is
 * told to make it, with the same ticket. Any thread; never blocks. `key` is borrowed for the call. */
typedef void (*CRM_SENDABLE crm_cache_acquire_fn)(
    void *CRM_NULLABLE ctx, uint64_t op_id, crm_str key, uint32_t flags, void *CRM_NULLABLE user, crm_cache_answer_fn CRM_NONNULL answer);

/* Stores what was made, for `ttl_ms` milliseconds at most (not at all when that is not positive), and hands it to all that wait. A
 * ticket is good once, an old or unknown one is ignored; the host takes it back when its operation ends, and lets the next one that
 * waits make the value. Any thread; never blocks. `value` is borrowed. */
typedef void (*CRM_SENDABLE crm_cache_put_fn)(void *CRM_NULLABLE ctx, uint64_t ticket, crm_bytes value, int64_t ttl_ms);

/* Says that the value could not be made: the next one that waits is told to make it. Any thread; never blocks. */
typedef void (*CRM_SENDABLE crm_cache_give_up_fn)(void *CRM_NULLABLE ctx, uint64_t ticket);

/* Forgets an entry if it still is `stale`: of many operations that find a session dead, the first removes it and none removes the
 * new one. Any thread; never blocks. Both are borrowed. */
typedef void (*CRM_SENDABLE crm_cache_remove_fn)(void *CRM_NULLABLE ctx, uint64_t op_id, crm_str key, crm_bytes stale);

typedef struct crm_cache_v1 {
    uint32_t struct_size; /* sizeof(crm_cache_v1), exactly */
    uint32_t reserved;    /* 0 */
    void *CRM_NULLABLE ctx;
    crm_cache_acquire_fn CRM_NONNULL acquire;
    crm_cache_put_fn CRM_NONNULL put;
    crm_cache_give_up_fn CRM_NONNULL give_up;
    crm_cache_remove_fn CRM_NONNULL remove;
} crm_cache_v1;
CRM_STATIC_ASSERT(sizeof(crm_cache_v1) == 48 && offsetof(crm_cache_v1, remove) == 40, "crm_cache_v1 is frozen");

#endif
