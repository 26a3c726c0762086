#pragma once
#include <sys/prctl.h>

/* prctl(2) takes variable arguments, which Swift cannot call. 0 on success. */
static inline int crm_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
