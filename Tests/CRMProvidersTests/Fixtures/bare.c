/* A provider that needs nothing of any system: for processors that this machine has no C library for. */
#include <crm_plugin.h>

CRM_PROVIDER_NOTE

CRM_EXPORT const void *crm_plugin_factory(const char *interface_id) {
    (void)interface_id;
    return (const void *)0;
}
