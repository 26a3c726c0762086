package import CRMCore
import CRMFakeHost
import CRMPluginAPI
import CRMProviders
import CRMTransport
import Glibc
import Synchronization

/// One operation of a library, here and now: no database, no merchants, the CRM at the other end of a real network.
package struct LibraryCall: Sendable {
    package var library: String
    package var operation: ProviderOperation
    package var credentials: JSONObject
    package var settings: JSONObject
    package var payload: JSONObject
    package var config: JSONObject
    /// What may be called; empty: what the manifest says. Origins of this machine are allowed where they are named.
    package var allow: [String] = []
    package var isDryRun = false
    package var timeout = Duration.seconds(30)
    package var certificateAuthorityFile: String?

    package init(
        library: String, operation: ProviderOperation, credentials: JSONObject = [:], settings: JSONObject = [:],
        payload: JSONObject = [:], config: JSONObject = [:]
    ) {
        self.library = library
        self.operation = operation
        self.credentials = credentials
        self.settings = settings
        self.payload = payload
        self.config = config
    }

    package struct Refusal: Error, CustomStringConvertible {
        package let description: String
    }

    /// Loads the library into this process, so that a debugger sees it, and runs the operation.
    package func run() async throws(Refusal) -> LibraryCallReport {
        if let broken = LibraryCheck.findings(path: library).lazy.compactMap(\.error).first {
            throw Refusal(description: "\(library) \(broken.description)")
        }
        let factory = try loaded()
        let descriptor = try descriptor(factory)
        let manifest = descriptor.manifest ?? [:]
        try check(manifest)
        let transport = try transport(manifest)
        defer { transport.shutdown() }

        let exchanges = LiveExchanges(transport, limit: timeout)
        let box = HostBox()
        let host = FakeHost(workers: .threads, timers: .held) { request in
            exchanges.send(request) { reply in box.host?.http.answer(request, with: reply) }
            return .silence
        }
        box.host = host
        defer { box.host = nil }
        let clock = RealClock(host)
        defer { clock.stop() }

        let provider: ProviderUnderTest
        do {
            provider = try ProviderUnderTest(factory, host: host, config: JSONValue.object(config).serialized())
        } catch ProviderUnderTest.Failure.notCreated(let result) {
            throw Refusal(description: "the provider refuses its config: \(result?.message ?? "it does not say why"); see --config")
        } catch {
            throw Refusal(description: "no instance can be made: \(error); see crm-host providers check")
        }
        var call = FakeCall(
            operation.rawValue, payload: JSONValue.object(payload).serialized(),
            credentials: JSONValue.object(credentials).serialized(), settings: JSONValue.object(settings).serialized())
        call.idempotencyKey = "call-\(getpid())-\(host.timer.wall)"
        call.account = "call"
        call.flags = isDryRun ? CRM_REQUEST_DRY_RUN : 0
        let seconds = Double(timeout.components.seconds) + Double(timeout.components.attoseconds) / 1e18
        call.deadline = host.timer.monotonic + Int64(seconds * 1e9)

        let start = now()
        let operation = provider.start(call)
        var result = await operation.result(within: seconds)
        let hasTimedOut = result == nil
        if hasTimedOut {
            provider.stop(operation.id)
            result = await operation.result(within: 2)
        }
        let duration = now() - start
        // An instance with an operation in flight may not be closed.
        if result != nil { _ = await provider.close(within: 2) }
        return LibraryCallReport(
            result: result, hasTimedOut: hasTimedOut, seconds: duration, exchanges: exchanges.all, log: host.log.lines,
            metrics: host.metrics.samples, violations: host.violations.map { "\($0)" }, secrets: secrets(manifest))
    }

    // MARK: Steps

    private func loaded() throws(Refusal) -> ProviderUnderTest.Factory {
        do {
            let path = library.contains("/") ? library : "./\(library)"
            return try SharedLibrary(path: path).factory
        } catch {
            throw Refusal(description: "\(library) cannot be loaded: \(error.message)")
        }
    }

    private func descriptor(_ factory: ProviderUnderTest.Factory) throws(Refusal) -> ReadDescriptor {
        guard let table = factory(CRM_MODULE_ID) else { throw Refusal(description: "\(library) has no \(CRM_MODULE_ID)") }
        return ReadDescriptor(table.assumingMemoryBound(to: crm_module_v1.self).pointee.descriptor().pointee)
    }

    /// What the service checks before it calls a provider.
    private func check(_ manifest: JSONValue) throws(Refusal) {
        let inputs = [
            ("credential_schema", "--credentials", credentials), ("settings_schema", "--settings", settings),
            ("config_schema", "--config", config),
        ]
        for (name, option, value) in inputs {
            let violations: [SchemaViolation]
            do {
                violations = try Schema(manifest[name] ?? [:]).violations(of: .object(value))
            } catch {
                throw Refusal(description: "the library's \(name) cannot be used: \(error)")
            }
            guard violations.isEmpty else {
                let list = violations.map { "\($0.pointer.isEmpty ? "" : "\($0.pointer) ")\($0.detail)" }
                throw Refusal(description: "\(option): \(list.joined(separator: "; "))")
            }
        }
    }

    private func transport(_ manifest: JSONValue) throws(Refusal) -> HTTPTransport {
        let rules = allow.isEmpty ? manifest["egress"]?.arrayValue?.compactMap(\.stringValue) ?? [] : allow
        let policy: EgressPolicy
        do {
            policy = try EgressPolicy(allow: rules, allowsLoopbackOrigins: true)
        } catch {
            throw Refusal(description: "\(allow.isEmpty ? "the manifest's egress" : "--allow") \(error)")
        }
        do {
            return try HTTPTransport(policy: policy, caFile: certificateAuthorityFile, userAgent: "crm-host-call")
        } catch {
            throw Refusal(description: "\(error)")
        }
    }

    private func secrets(_ manifest: JSONValue) -> [String] {
        let names = (try? Schema(manifest["credential_schema"] ?? [:]))?.secretNames ?? []
        return credentials.filter { names.contains($0.key) }.compactMap { $0.value.stringValue }
    }
}

/// The host that answers belong to; it is made after what asks for it.
private final class HostBox: Sendable {
    private let state = Mutex<FakeHost?>(nil)
    var host: FakeHost? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// Moves a fake host's clock along with the real one.
private final class RealClock: Sendable {
    private let isStopped = Atomic(false)

    init(_ host: FakeHost) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        host.timer.advance(by: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) - FakeTimer.wallStart)
        let started: Void? = try? DetachedThread.start { [self] in
            var last = now()
            while !isStopped.load(ordering: .relaxed) {
                usleep(2_000)
                let current = now()
                host.timer.advance(by: Int64((current - last) * 1e9))
                last = current
            }
        }
        // Without a thread only providers that wait for time would notice.
        if started == nil { isStopped.store(true, ordering: .relaxed) }
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }
}
