#pragma once
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>

/* prctl(2) takes variable arguments, which Swift cannot call. 0 on success. */
static inline int crm_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/* The C library shows it to those alone who ask for all of GNU. */
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

/* This process ends with the thread that started it. 0 on success. */
static inline int crm_end_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

/* The last system call that a trap caught, or -1. One for each source file that uses it. */
static volatile int crm_trapped_number = -1;

/* What was asked for did not happen: the caller sees EPERM. */
static inline void crm_trapped(int number, siginfo_t *info, void *context) {
    (void)number;
    crm_trapped_number = info->si_syscall;
    ucontext_t *state = (ucontext_t *)context;
#if defined(__x86_64__)
    state->uc_mcontext.gregs[13 /* REG_RAX */] = -EPERM;
#elif defined(__aarch64__)
    state->uc_mcontext.regs[0] = (unsigned long)-EPERM;
#endif
}

enum { CRM_TRAPPED_NOTHING, CRM_TRAPPED_SOCKET, CRM_TRAPPED_FILE, CRM_TRAPPED_PROCESS };

static inline int crm_trapped_kind(void) {
    switch (crm_trapped_number) {
    case -1: return CRM_TRAPPED_NOTHING;
    case SYS_socket:
    case SYS_socketpair: return CRM_TRAPPED_SOCKET;
    case SYS_openat:
#ifdef SYS_open
    case SYS_open:
    case SYS_creat:
#endif
        return CRM_TRAPPED_FILE;
    default: return CRM_TRAPPED_PROCESS;
    }
}

/* From now on this thread, and those that it starts, open no socket, no file for writing, and no process. It cannot be taken back.
   0, or the error. */
static inline int crm_trap_io(void) {
#if defined(__x86_64__)
    const unsigned architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
    const unsigned architecture = AUDIT_ARCH_AARCH64;
#else
    const unsigned architecture = 0;
    return ENOSYS;
#endif
#define CRM_LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define CRM_RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define CRM_TRAP(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), CRM_RETURN(SECCOMP_RET_TRAP)
#define CRM_WRITES (O_WRONLY | O_RDWR | O_CREAT)
    struct sock_filter steps[] = {
        CRM_LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0),
        CRM_RETURN(SECCOMP_RET_ALLOW),
        CRM_LOAD(nr),
        CRM_TRAP(SYS_socket),
        CRM_TRAP(SYS_socketpair),
        CRM_TRAP(SYS_execve),
        CRM_TRAP(SYS_execveat),
#ifdef SYS_fork
        CRM_TRAP(SYS_fork),
        CRM_TRAP(SYS_vfork),
        CRM_TRAP(SYS_creat),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_open, 0, 4),
        CRM_LOAD(args[1]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CRM_WRITES, 0, 1),
        CRM_RETURN(SECCOMP_RET_TRAP),
        CRM_RETURN(SECCOMP_RET_ALLOW),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 4),
        CRM_LOAD(args[2]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CRM_WRITES, 0, 1),
        CRM_RETURN(SECCOMP_RET_TRAP),
        CRM_RETURN(SECCOMP_RET_ALLOW),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
        CRM_LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x10000 /* CLONE_THREAD */, 1, 0),
        CRM_RETURN(SECCOMP_RET_TRAP),
        CRM_RETURN(SECCOMP_RET_ALLOW),
        /* Its flags are in memory, where a filter cannot look: without it the C library takes clone. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        CRM_RETURN(SECCOMP_RET_ERRNO | ENOSYS),
        CRM_RETURN(SECCOMP_RET_ALLOW),
    };
#undef CRM_LOAD
#undef CRM_RETURN
#undef CRM_TRAP
#undef CRM_WRITES
    struct sock_fprog program = {sizeof steps / sizeof steps[0], steps};
    struct sigaction action = {0};
    action.sa_sigaction = crm_trapped;
    action.sa_flags = SA_SIGINFO;
    crm_trapped_number = -1;
    if (sigaction(SIGSYS, &action, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
        return errno;
    return 0;
}
