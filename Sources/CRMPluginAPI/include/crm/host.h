/* What the host lends to a provider instance: a log and, by id, services. */
#ifndef CRM_HOST_H
#define CRM_HOST_H

#include "types.h"

/* Asks for a service by id, for example "crm.http/1". Any thread; may be called from any callback; does no I/O.
 * Returns the service's table, valid until the instance's `close` has completed, or NULL when this host does not offer it.
 * Absence is normal: only "crm.http/1" is guaranteed. `id` is borrowed. */
typedef const void *CRM_NULLABLE (*CRM_SENDABLE crm_host_service_fn)(void *CRM_NULLABLE ctx, crm_str id);

/* Writes one log line, with the provider's name and the operation's ids added by the host. Any thread; never blocks; may drop
 * lines under pressure. `level` is CRM_LOG_*. `op_id` is the operation that the line belongs to, 0 when none. `message` is
 * constant text; variables belong in `fields_json`, a JSON object (empty when there are none). Neither may hold a credential or
 * personal data. Both are borrowed. */
typedef void (*CRM_SENDABLE crm_host_log_fn)(
    void *CRM_NULLABLE ctx, int32_t level, uint64_t op_id, crm_str message, crm_bytes fields_json);

/* 1 when a line of this level would be written, else 0, so that a provider can skip building it. Any thread; never blocks. */
typedef int32_t (*CRM_SENDABLE crm_host_log_enabled_fn)(void *CRM_NULLABLE ctx, int32_t level);

/* The host as one provider instance sees it. Valid from `create` until that instance's `close` has completed. */
typedef struct crm_host_v1 {
    uint32_t struct_size; /* sizeof(crm_host_v1), exactly */
    uint32_t reserved;    /* 0 */
    void *CRM_NULLABLE ctx; /* the first argument of every function here; the host's own */
    crm_host_service_fn CRM_NONNULL service;
    crm_host_log_fn CRM_NONNULL log;
    crm_host_log_enabled_fn CRM_NONNULL log_enabled;
} crm_host_v1;
CRM_STATIC_ASSERT(sizeof(crm_host_v1) == 40 && offsetof(crm_host_v1, log_enabled) == 32, "crm_host_v1 is frozen");

#endif
