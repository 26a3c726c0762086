#pragma once
#include <libpq-fe.h>
// What the thread that drives libpq needs besides, and Swift's Glibc module does not have.
#include <sys/eventfd.h>
#include <sys/prctl.h>

/// Names the calling thread, in at most 15 characters. prctl is variadic, which Swift cannot call.
static inline void crm_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
