import CRMCore
import CRMPluginAPI
import Glibc

extension ProviderProbe {
    /// The child's side: `crm-host providers probe <path>` is this and nothing else. Returns the process's exit code.
    package static func run(path: String) -> Int32 {
        // What the library prints goes where errors go; the report has a descriptor of its own.
        let report = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
        guard report >= 0, dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 else { return 1 }
        limitThisProcess()
        ProbeChild(report: report).examine(path)
        return 0
    }

    /// The parent watches as well; but it may itself be gone.
    private static func limitThisProcess() {
        alarm(65)
        // A crash is for the parent to report: the runtime's own report of it takes longer than the rest of the probe.
        for fault in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGTRAP] { signal(fault, SIG_DFL) }
        // Where both limits on processor time are the same, SIGKILL comes instead of SIGXCPU, and tells nothing.
        for (resource, soft, hard) in [
            (RLIMIT_CORE, 0, 0), (RLIMIT_CPU, 5, 120), (RLIMIT_AS, addressSpace + (2 << 30), addressSpace + (2 << 30)),
        ] {
            var limits = rlimit(rlim_cur: rlim_t(soft), rlim_max: rlim_t(hard))
            setrlimit(__rlimit_resource_t(resource.rawValue), &limits)
        }
    }
}

extension ProviderProbe {
    /// In bytes; a sanitizer's is enormous before anything has happened.
    private static var addressSpace: Int {
        guard let file = fopen("/proc/self/statm", "re") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        return strtol(line, nil, 10) * sysconf(Int32(_SC_PAGESIZE))
    }
}

/// One library, tried step by step; each step is announced before it is taken, so that a crash has a place.
private struct ProbeChild {
    let report: Int32

    func examine(_ path: String) {
        let before = Surroundings()
        do throws(LibraryError) {
            let library = try loaded(path)
            checkFactory(library)
            let module = try described(library)
            checkSurroundings(before, Surroundings(atMost: before.threads))
            try createAndClose(module)
            checkThreadsAfterwards(before)
        } catch {
            say("finding", LibraryFinding(error).json)
        }
        say("done", true)
    }

    // MARK: Steps

    private func loaded(_ path: String) throws(LibraryError) -> LibraryHandle {
        begin(.probeLoads)
        let library = try LibraryHandle(opening: path)
        pass(.probeLoads)
        return library
    }

    private func checkFactory(_ library: LibraryHandle) {
        begin(.factoryUnknown)
        let foreign: [String?] = [nil, "", "crm.module/999", CRM_MODULE_ID + "x", "crm.module", "CRM.MODULE/0", "\u{7F}%n%s"]
        if let known = foreign.first(where: { library.table(orNull: $0) != nil }) {
            fail(
                .factoryUnknown, "crm_plugin_factory returns a table for \(known.map { "the id \"\($0)\"" } ?? "NULL")",
                fix: "compare the whole id, and return NULL for every other")
        } else {
            pass(.factoryUnknown)
        }

        begin(.factoryStable)
        let address: @Sendable () -> UInt = { UInt(bitPattern: library.table(CRM_MODULE_ID)) }
        let answers = Set(onTwoThreads(address) + [address()])
        if answers.count == 1 {
            pass(.factoryStable)
        } else {
            fail(.factoryStable, "crm_plugin_factory does not return the same table every time", fix: "return one static table")
        }
    }

    private func described(_ library: LibraryHandle) throws(LibraryError) -> ProviderModule {
        begin(.descriptorValid)
        let module = try ProviderModule(library)
        for rule in [LibraryRule.factoryInterface, .moduleTable, .descriptorValid, .crmTypeLegal, .crmTypeReserved, .manifestValid] {
            pass(rule)
        }
        say("descriptor", ProbedDescriptor(module).json)

        begin(.descriptorStable)
        let again = onTwoThreads { (try? ProviderModule(library))?.digest } + [(try? ProviderModule(library))?.digest]
        guard again.allSatisfy({ $0 == module.digest }) else {
            throw LibraryError(
                .descriptorStable, "its descriptor or manifest changes between calls", fix: "return the same static descriptor every time")
        }
        pass(.descriptorStable)
        return module
    }

    private func checkSurroundings(_ before: Surroundings, _ now: Surroundings) {
        begin(.noThreads)
        if now.threads > before.threads {
            fail(
                .noThreads, "\(now.threads - before.threads) threads run after it was only loaded and asked who it is",
                fix: "start nothing before create")
        } else {
            pass(.noThreads)
        }
        if now.descriptors > before.descriptors {
            fail(.noDescriptors, "it holds files open after it was only loaded", fix: "open nothing before create")
        } else {
            pass(.noDescriptors)
        }
        if now.environment != before.environment {
            fail(.noEnvironment, "it changed the environment of the process", fix: "leave the environment alone: it is the host's")
        } else {
            pass(.noEnvironment)
        }
    }

    /// With a host that offers nothing: that is no reason to crash.
    private func createAndClose(_ module: ProviderModule) throws(LibraryError) {
        begin(.createReports)
        let host = UnsafeMutablePointer<crm_host_v1>.allocate(capacity: 1)
        host.initialize(
            to: crm_host_v1(
                struct_size: UInt32(MemoryLayout<crm_host_v1>.size), reserved: 0, ctx: nil, service: { _, _ in nil },
                log: { _, _, _, _, _ in }, log_enabled: { _, _ in 0 }))
        let provider: UnsafePointer<crm_provider_v1>
        do throws(LibraryError) {
            provider = try module.create(host: host, config: [:])
        } catch {
            // It may want a configuration, or a service.
            guard error.rule == .create else { throw error }
            return say("finding", LibraryFinding(.createReports, .pass, "without configuration and services \(error.detail)").json)
        }
        pass(.createReports)
        pass(.instanceTable)

        begin(.closes)
        let closed = Signalled(false)
        let context = Unmanaged.passRetained(closed).toOpaque()
        provider.pointee.close(provider.pointee.`self`, context) { context in
            if let context { Unmanaged<Signalled<Bool>>.fromOpaque(context).takeUnretainedValue().update { $0 = true } }
        }
        let end = monotonicNanoseconds() + 2_000_000_000
        let isClosed: Bool = closed.wait { isClosed in
            isClosed || monotonicNanoseconds() >= end ? .done(isClosed) : .sleep(untilNanoseconds: end)
        }
        guard isClosed else {
            throw LibraryError(
                .closes, "close did not come to an end within 2 s", fix: "call closed(ctx) once, also when nothing was started")
        }
        pass(.closes)
    }

    private func checkThreadsAfterwards(_ before: Surroundings) {
        let now = Surroundings(atMost: before.threads)
        guard now.threads > before.threads else { return }
        say(
            "finding",
            LibraryFinding(
                .noThreads, .warn, "\(now.threads - before.threads) threads are left after create and close",
                fix: "run work on the host's executor service"
            ).json)
    }

    // MARK: The report

    private func begin(_ rule: LibraryRule) { say("step", .string(rule.rawValue)) }

    private func pass(_ rule: LibraryRule) { say("finding", LibraryFinding(rule).json) }

    private func fail(_ rule: LibraryRule, _ detail: String, fix: String) {
        say("finding", LibraryFinding(rule, .fail, detail, fix: fix).json)
    }

    private func say(_ key: String, _ value: JSONValue) {
        let line = Array((JSONValue.object(JSONObject([(key, value)])).text + "\n").utf8)
        line.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let count = write(report, bytes.baseAddress.map { $0 + written }, bytes.count - written)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                written += count
            }
        }
    }

    private func onTwoThreads<Answer: Sendable>(_ body: @escaping @Sendable () -> Answer) -> [Answer] {
        let works = [Work(body), Work(body)]
        for thread in works.map({ work in joinableThread { work.run() } }) {
            if let thread { pthread_join(thread, nil) }
        }
        return works.compactMap(\.answer)
    }
}

/// What one thread finds out, read after it was joined.
private final class Work<Answer> {
    private let body: @Sendable () -> Answer
    private(set) var answer: Answer?

    init(_ body: @escaping @Sendable () -> Answer) { self.body = body }

    func run() { answer = body() }
}

private func joinableThread(_ body: @escaping () -> Void) -> pthread_t? {
    final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Body(body))
    let code = pthread_create(
        &thread, nil,
        { argument in
            if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
            return nil
        }, work.toOpaque())
    guard code == 0 else {
        work.release()
        return nil
    }
    return thread
}

/// What a library could leave behind in its process.
private struct Surroundings {
    var threads: Int
    let descriptors: Int
    let environment: [String]

    init() {
        threads = Self.entries("/proc/self/task")
        descriptors = Self.entries("/proc/self/fd")
        var texts: [String] = []
        var place = environ
        while let text = place.pointee {
            texts.append(String(cString: text))
            place += 1
        }
        environment = texts
    }

    /// A thread that has ended may stay in the list for a moment.
    init(atMost threads: Int) {
        var attempts = 0
        self.init()
        while self.threads > threads && attempts < 100 {
            usleep(2_000)
            attempts += 1
            self.threads = Self.entries("/proc/self/task")
        }
    }

    private static func entries(_ path: String) -> Int {
        guard let stream = opendir(path) else { return 0 }
        defer { closedir(stream) }
        var count = 0
        while readdir(stream) != nil { count += 1 }
        return count
    }
}
