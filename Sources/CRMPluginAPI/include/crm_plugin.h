/* The C ABI between the CRM host and a provider library. Include this header; it brings the others.
 *
 * A provider library is a shared object that exports one symbol, `crm_plugin_factory`, and talks one CRM. The host loads it
 * while it runs, asks it for the table `crm.module/0`, and calls it from there. The JSON that crosses the boundary is
 * described by the JSON Schemas in `schemas/`.
 *
 * Rules that hold for everything in these headers:
 *
 *  - Pointers that cross the boundary are borrowed for the duration of the call, in both directions. Who wants to keep bytes
 *    copies them. Nobody frees what the other side allocated. Exceptions say so (tables and descriptors live longer).
 *  - Every struct starts with its own size. The receiver compares for equality and refuses anything else: a released `_vN`
 *    struct never changes; what is new gets a new name, a new id, a new operation code or a new JSON key.
 *  - Integers that stand for a choice are macros. A receiver treats a value that it does not know as "other".
 *  - Unless a comment says otherwise a function may be called from any thread, at the same time as any other.
 *  - LP64 platforms only.
 */
#ifndef CRM_PLUGIN_H
#define CRM_PLUGIN_H

#include "crm/types.h"
#include "crm/host.h"
#include "crm/http.h"
#include "crm/executor.h"
#include "crm/timer.h"
#include "crm/cache.h"
#include "crm/metrics.h"
#include "crm/provider.h"

#endif
