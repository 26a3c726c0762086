import CLinux
import Glibc

/// Keeps the process's memory, which holds keys and credentials, out of core dumps and away from debuggers of other users.
func forbidCoreDumps() {
    _ = crm_forbid_dumps()
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
}
