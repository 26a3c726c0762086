import CRMPluginAPI

extension InstanceHost {
    func startTimer(_ delay: Int64, _ user: UnsafeMutableRawPointer?, _ fired: @escaping crm_timer_fired_fn) -> UInt64 {
        let user = ProviderPointer(user)
        // On a worker: a provider that blocks here must not delay the host's deadlines.
        return threads.timers.after(nanoseconds: delay, owner: number) { [weak self, workers = threads.workers] in
            workers.submit { [weak self] in self?.withPin { fired(user.address) } }
        }
    }

    func cancelTimer(_ id: UInt64) -> Bool { threads.timers.cancel(id, owner: number) }
}
