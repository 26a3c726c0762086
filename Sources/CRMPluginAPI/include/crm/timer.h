/* Service "crm.timer/1": the time and delays. In tests it is virtual. */
#ifndef CRM_TIMER_H
#define CRM_TIMER_H

#include "types.h"

#define CRM_TIMER_SERVICE_ID "crm.timer/1"

/* Nanoseconds of CLOCK_MONOTONIC, the clock of `crm_request_v1.deadline_ns`. Any thread; never blocks. */
typedef int64_t (*CRM_SENDABLE crm_timer_now_monotonic_fn)(void *CRM_NULLABLE ctx);

/* Nanoseconds since 1970-01-01T00:00:00Z. Any thread; never blocks. */
typedef int64_t (*CRM_SENDABLE crm_timer_now_wall_fn)(void *CRM_NULLABLE ctx);

/* A timer that has fired: called once, on any host thread, never after a `cancel` that returned 1. Must not block. */
typedef void (*CRM_SENDABLE crm_timer_fired_fn)(void *CRM_NULLABLE user);

/* Calls `fired(user)` once, `delay_ns` from now or later. Any thread; never blocks; never calls back from inside. Returns an id
 * for `cancel`, never 0. `user` belongs to the provider and stays valid until the timer has fired or was cancelled. */
typedef uint64_t (*CRM_SENDABLE crm_timer_after_fn)(
    void *CRM_NULLABLE ctx, int64_t delay_ns, void *CRM_NULLABLE user, crm_timer_fired_fn CRM_NONNULL fired);

/* Takes a timer back. Any thread; never blocks. 1: it will not fire. 0: it has fired, is firing, or the id is unknown. */
typedef int32_t (*CRM_SENDABLE crm_timer_cancel_fn)(void *CRM_NULLABLE ctx, uint64_t timer_id);

typedef struct crm_timer_v1 {
    uint32_t struct_size; /* sizeof(crm_timer_v1), exactly */
    uint32_t reserved;    /* 0 */
    void *CRM_NULLABLE ctx;
    crm_timer_now_monotonic_fn CRM_NONNULL now_monotonic_ns;
    crm_timer_now_wall_fn CRM_NONNULL now_wall_ns;
    crm_timer_after_fn CRM_NONNULL after;
    crm_timer_cancel_fn CRM_NONNULL cancel;
} crm_timer_v1;
CRM_STATIC_ASSERT(sizeof(crm_timer_v1) == 48 && offsetof(crm_timer_v1, cancel) == 40, "crm_timer_v1 is frozen");

#endif
