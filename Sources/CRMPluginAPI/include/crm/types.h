/* Strings, byte ranges and the small vocabulary that all tables share. */
#ifndef CRM_TYPES_H
#define CRM_TYPES_H

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
#define CRM_STATIC_ASSERT(condition, text) static_assert(condition, text)
#define CRM_EXTERN extern "C"
#else
#define CRM_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#define CRM_EXTERN extern
#endif

/* Makes `crm_plugin_factory` visible in a library that is built with -fvisibility=hidden, as every provider should be. */
#define CRM_EXPORT __attribute__((visibility("default")))

/* Tells Swift that a callback may be called on any thread. */
#if defined(__clang__) && defined(__has_attribute)
#if __has_attribute(swift_attr)
#define CRM_SENDABLE __attribute__((swift_attr("@Sendable")))
#endif
#endif
#ifndef CRM_SENDABLE
#define CRM_SENDABLE
#endif

#if defined(__clang__)
/* -Wpedantic minds the specifiers, here and in the author's own use of them. */
#pragma clang diagnostic ignored "-Wnullability-extension"
#define CRM_NULLABLE _Nullable
#define CRM_NONNULL _Nonnull
#else
#define CRM_NULLABLE
#define CRM_NONNULL
#endif

CRM_STATIC_ASSERT(sizeof(void *) == 8 && sizeof(size_t) == 8, "the CRM ABI is defined for LP64 platforms only");

/* UTF-8 text, not NUL-terminated. `ptr` may be NULL when `len` is 0. Borrowed. */
typedef struct crm_str {
    const char *CRM_NULLABLE ptr;
    size_t len;
} crm_str;
CRM_STATIC_ASSERT(sizeof(crm_str) == 16 && offsetof(crm_str, len) == 8, "crm_str is frozen");

/* Bytes; where the field's name ends in `_json`, UTF-8 JSON. `ptr` may be NULL when `len` is 0. Borrowed. */
typedef struct crm_bytes {
    const uint8_t *CRM_NULLABLE ptr;
    size_t len;
} crm_bytes;
CRM_STATIC_ASSERT(sizeof(crm_bytes) == 16 && offsetof(crm_bytes, len) == 8, "crm_bytes is frozen");

/* The first field of `crm_module_v1`: the characters "CRM1", first character in the lowest byte. */
#define CRM_MAGIC 0x314d5243u

/* What this header is. A library puts it into its ELF note and its module table; it only serves messages. */
#define CRM_HEADER_MINOR 0u
/* The highest module major that this header describes: 0 while nothing is promised, 1 once the ABI is frozen. */
#define CRM_MODULE_MAJOR 0u

/* How an operation ended: `crm_result_v1.status`. Never renumbered. */
#define CRM_STATUS_OK 0
#define CRM_STATUS_CANCELLED 1           /* stopped because the host asked for it */
#define CRM_STATUS_UNSUPPORTED 2         /* this provider has no such operation */
#define CRM_STATUS_INVALID_ARGUMENT 3    /* the payload was refused, by the provider or by the CRM */
#define CRM_STATUS_INVALID_CREDENTIALS 4 /* the CRM says that the credentials are wrong */
#define CRM_STATUS_PERMISSION_DENIED 5   /* the credentials are good but may not do this */
#define CRM_STATUS_NOT_FOUND 6           /* the record that the operation is about does not exist */
#define CRM_STATUS_CONFLICT 7            /* the CRM's state contradicts the payload */
#define CRM_STATUS_RATE_LIMITED 8        /* the CRM asks for a pause; `retry_after_ms` where it said how long */
#define CRM_STATUS_UPSTREAM 9            /* the CRM failed or answered what cannot be understood */
#define CRM_STATUS_UNAVAILABLE 10        /* the CRM could not be reached; nothing was sent */
#define CRM_STATUS_DEADLINE_EXCEEDED 11  /* no answer in time */
#define CRM_STATUS_BLOCKED_BY_POLICY 12  /* the host refused the target or the size */
#define CRM_STATUS_INTERNAL 13           /* the provider itself is at fault */
#define CRM_STATUS_PROVIDER_CRASHED 14   /* only the host says this */

/* Log levels of `crm_host_v1.log`. */
#define CRM_LOG_TRACE 0
#define CRM_LOG_DEBUG 1
#define CRM_LOG_INFO 2
#define CRM_LOG_WARNING 3
#define CRM_LOG_ERROR 4

#endif
