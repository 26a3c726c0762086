/* Gives every library that links CRMPluginAPI the ELF note of a provider. */
#include "crm_plugin.h"

CRM_PROVIDER_NOTE
