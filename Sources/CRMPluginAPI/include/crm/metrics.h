/* Service "crm.metrics/1": counters and histograms of a provider, in the host's own metrics. */
#ifndef CRM_METRICS_H
#define CRM_METRICS_H

#include "types.h"

#define CRM_METRICS_SERVICE_ID "crm.metrics/1"

/* One dimension of a metric. A name and a value from small fixed sets: never an id, never what a customer or a merchant typed. The
 * host folds what exceeds its cap into the value "other". */
typedef struct crm_metric_label_v1 {
    crm_str name;  /* [a-z][a-z0-9_]{0,31} */
    crm_str value; /* at most 64 bytes */
} crm_metric_label_v1;
CRM_STATIC_ASSERT(sizeof(crm_metric_label_v1) == 32 && offsetof(crm_metric_label_v1, value) == 16, "crm_metric_label_v1 is frozen");

/* Adds to a counter. `name` is [a-z][a-z0-9_]{0,63}; the host puts `provider_<crm_type>_` before it. Any thread; never blocks; all
 * that is pointed to is borrowed. What breaks these rules is dropped and counted. */
typedef void (*CRM_SENDABLE crm_counter_add_fn)(
    void *CRM_NULLABLE ctx, crm_str name, const crm_metric_label_v1 *CRM_NULLABLE labels, size_t label_count, uint64_t amount);

/* Records one observation, in the base unit that the name ends with: `_seconds`, `_bytes`. Otherwise as for counters. */
typedef void (*CRM_SENDABLE crm_histogram_record_fn)(
    void *CRM_NULLABLE ctx, crm_str name, const crm_metric_label_v1 *CRM_NULLABLE labels, size_t label_count, double value);

typedef struct crm_metrics_v1 {
    uint32_t struct_size; /* sizeof(crm_metrics_v1), exactly */
    uint32_t reserved;    /* 0 */
    void *CRM_NULLABLE ctx;
    crm_counter_add_fn CRM_NONNULL counter_add;
    crm_histogram_record_fn CRM_NONNULL histogram_record;
} crm_metrics_v1;
CRM_STATIC_ASSERT(sizeof(crm_metrics_v1) == 32 && offsetof(crm_metrics_v1, histogram_record) == 24, "crm_metrics_v1 is frozen");

#endif
