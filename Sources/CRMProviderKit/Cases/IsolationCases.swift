import CLinux
import CRMCore
import CRMFakeHost
import Glibc

extension ConformanceCase {
    /// The process is the host's.
    static let isolation: [ConformanceCase] = [
        undisturbed("threads", "work runs on the host's threads alone") { before, after in
            let threads = after.threads.subtracting(before.threads)
            return threads.isEmpty ? nil : "\(threads.count) threads of its own; work belongs on the host's executor"
        },
        undisturbed("descriptors", "no file and no socket is left open") { before, after in
            let new = after.descriptors.filter { before.descriptors[$0.key] != $0.value }
            guard let one = new.values.min() else { return nil }
            return "\(new.count) file descriptors of its own (\(one)); I/O goes through the host"
        },
        undisturbed("process", "environment, directory and signals are left alone, and no child stays") { before, after in
            guard before.environment == after.environment else { return "the environment has changed" }
            guard before.directory == after.directory else { return "the working directory has changed" }
            guard before.signals == after.signals else { return "signal handlers have changed" }
            return before.children.isSuperset(of: after.children) ? nil : "child processes were started"
        },
        ConformanceCase(.isolation, "system-calls", "no socket, no file to write and no process, not even for a moment") { ground in
            _ = try ground.library()
            nonisolated(unsafe) let ground = ground
            // On a thread of its own: what forbids the calls goes with it.
            let outcomes = try TwoThreads.run(1) { Result { try forbiddenCall(ground) } }
            guard let call = try outcomes.first?.get() else { return }
            throw CaseFailure("\(call); I/O goes through the host")
        },
        ConformanceCase(.isolation, "libraries", "nothing is loaded after the library itself") { ground in
            let rig = try ground.rig()
            let before = Surroundings()
            for sample in try ground.samples() { _ = try rig.perform(sample) }
            guard let new = Surroundings().libraries.subtracting(before.libraries).min() else { return }
            throw CaseFailure("\(new) was loaded by an operation; link what is needed statically")
        },
        ConformanceCase(.isolation, "main-thread", "operations do not wait for the main thread") { ground in
            // Here nobody ever serves the main queue: a provider that hops to it hangs.
            let rig = try ground.rig(workers: .threads)
            let samples = try ground.samples()
            let operations = samples.map { rig.start($0) }
            for (sample, operation) in zip(samples, operations) where rig.settle(operation) == nil {
                throw CaseFailure("\(sample.title) did not end within \(Rig.patience) s while the main thread was busy")
            }
        },
        ConformanceCase(.isolation, "accounts", "an operation uses its own credentials, not those of an earlier one") { ground in
            let secrets = try ground.secrets().map(\.text).filter { !ground.file.secrets.contains($0) }
            guard !secrets.isEmpty else { throw NotApplicable("no credential is secret") }
            let sample = try ground.mainSample()
            let rig = try ground.rig()
            _ = try rig.perform(sample)
            let earlier = rig.host.http.requests.count
            var call = rig.call(sample)
            var credentials = sample.credentials ?? ground.file.credentials
            for (key, value) in credentials {
                if let text = value.stringValue, secrets.contains(text) { credentials[key] = .string(text.other) }
            }
            call.credentialsJSON = JSONValue.object(credentials).serialized()
            call.account = "another-account"
            _ = try rig.perform(sample, call)
            for request in rig.host.http.requests.dropFirst(earlier) {
                let texts = [request.url, request.bodyText] + request.headers.map(\.value)
                guard !secrets.contains(where: { secret in texts.contains { $0.contains(secret) } }) else {
                    throw CaseFailure(
                        "a request of the second account (\(request.method) \(request.url)) carries the first one's credentials")
                }
            }
        },
    ]

    /// What an operation asked the system for that only a host may ask for; `nil`: nothing.
    private static func forbiddenCall(_ ground: CaseGround) throws -> String? {
        // Blocked, it would end the process without a word of why.
        var trap = sigset_t()
        sigemptyset(&trap)
        sigaddset(&trap, SIGSYS)
        pthread_sigmask(SIG_UNBLOCK, &trap, nil)
        let error = crm_trap_io()
        guard error == 0 else { throw NotApplicable("this system lets no process forbid calls: \(String(cString: strerror(error)))") }
        defer { signal(SIGSYS, SIG_DFL) }
        for reply: FakeHTTP.Reply? in [nil, .status(503), .failure(2)] {
            let rig = try ground.rig { stage, _, _ in stage.isSession ? nil : reply }
            for sample in try ground.samples() {
                _ = try rig.perform(sample)
                switch crm_trapped_kind() {
                case Int32(CRM_TRAPPED_NOTHING): break
                case Int32(CRM_TRAPPED_SOCKET): return "\(sample.title) makes a socket"
                case Int32(CRM_TRAPPED_FILE): return "\(sample.title) opens a file to write"
                default: return "\(sample.title) starts a process"
                }
            }
        }
        return nil
    }

    /// Looks at the process before the library is loaded, and when all operations have ended, well and badly.
    private static func undisturbed(
        _ name: String, _ title: String, _ complaint: @escaping @Sendable (Surroundings, Surroundings) -> String?
    ) -> ConformanceCase {
        ConformanceCase(.isolation, name, title) { ground in
            let before = Surroundings()
            for reply: FakeHTTP.Reply? in [nil, .status(503), .failure(2)] {
                let rig = try ground.rig { stage, _, _ in stage.isSession ? nil : reply }
                for sample in try ground.samples() { _ = try rig.perform(sample) }
                if let complaint = complaint(before, Surroundings()) { throw CaseFailure(complaint) }
            }
        }
    }
}

extension String {
    /// As long, and of the same kinds of characters.
    fileprivate var other: String {
        String(dropLast(4)) + suffix(4).map { $0.isNumber ? ($0 == "7" ? "3" : "7") : ($0 == "q" ? "w" : "q") }
    }
}
