/* Service "crm.executor/1": the host's worker threads, so that a provider needs none of its own. */
#ifndef CRM_EXECUTOR_H
#define CRM_EXECUTOR_H

#include "types.h"

#define CRM_EXECUTOR_SERVICE_ID "crm.executor/1"

/* A job. Runs once, on a host worker thread. Must not block: it shares a few threads with every other provider. */
typedef void (*CRM_SENDABLE crm_job_fn)(void *CRM_NULLABLE job);

/* Queues `fn(job)` to run once, soon, never from inside this call. Any thread; never blocks. `job` belongs to the provider, and
 * stays valid until `fn` has taken it. */
typedef void (*CRM_SENDABLE crm_executor_submit_fn)(void *CRM_NULLABLE ctx, crm_job_fn CRM_NONNULL fn, void *CRM_NULLABLE job);

typedef struct crm_executor_v1 {
    uint32_t struct_size; /* sizeof(crm_executor_v1), exactly */
    uint32_t reserved;    /* 0 */
    void *CRM_NULLABLE ctx;
    crm_executor_submit_fn CRM_NONNULL submit;
} crm_executor_v1;
CRM_STATIC_ASSERT(sizeof(crm_executor_v1) == 24 && offsetof(crm_executor_v1, submit) == 16, "crm_executor_v1 is frozen");

#endif
