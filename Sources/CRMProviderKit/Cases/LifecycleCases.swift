import CRMCore
import CRMFakeHost
import CRMPluginAPI

extension ConformanceCase {
    /// Instances: made, refused, many, together, and closed.
    static let lifecycle: [ConformanceCase] = [
        ConformanceCase(.lifecycle, "bad-config", "create refuses a configuration that cannot work, and says why") { ground in
            guard let config = ground.file.badConfig else { throw NotApplicable("the file has no bad_config") }
            switch try creation(ground, config: JSONValue.object(config).serialized()) {
            case .made: throw CaseFailure("create accepts the file's bad_config")
            case .refused(nil): throw CaseFailure("create returns NULL without calling on_error")
            case .refused(let result?):
                guard result.status == ProviderStatus.invalidArgument.rawValue else {
                    throw CaseFailure("create refuses the file's bad_config with \(result.statusName) instead of invalid_argument")
                }
                guard !result.message.isEmpty, result.isText else { throw CaseFailure("create refuses without a message") }
            }
        },
        ConformanceCase(.lifecycle, "broken-config", "create survives bytes that are no configuration") { ground in
            let broken: [[UInt8]] = [
                [], Array("{".utf8), Array("[]".utf8), Array("null".utf8), [0xFF, 0xFE, 0x7B], Array("{\"base_url\":7}".utf8),
                Array(repeating: UInt8(ascii: "["), count: 100_000),
                Array("{\"base_url\":\"\(String(repeating: "a", count: 1 << 20))\"}".utf8),
            ]
            for config in broken {
                if case .refused(nil) = try creation(ground, config: config) {
                    throw CaseFailure("create returns NULL without calling on_error, for \(config.count) bytes of broken config")
                }
            }
        },
        ConformanceCase(.lifecycle, "without-services", "an instance works with the services alone that its manifest requires") { ground in
            let required = try ground.descriptor().manifest?["requires"]?.arrayValue?.compactMap(\.stringValue) ?? []
            let ids: [String: FakeHost.Service] = [
                CRM_EXECUTOR_SERVICE_ID: .executor, CRM_TIMER_SERVICE_ID: .timer, CRM_CACHE_SERVICE_ID: .cache,
                CRM_METRICS_SERVICE_ID: .metrics,
            ]
            let rig = try ground.rig(services: Set(required.compactMap { ids[$0] } + [.http]))
            let sample = try ground.mainSample()
            let result = try rig.perform(sample)
            guard result.status == sample.status.rawValue else {
                throw CaseFailure("\(sample.title) ends with \(result.statusName) on a host without optional services")
            }
            guard rig.close() != nil else { throw CaseFailure("close did not end within 10 s on a host without optional services") }
        },
        ConformanceCase(.lifecycle, "without-http", "create survives a host that offers nothing at all") { ground in
            if case .refused(nil) = try creation(ground, services: [], config: JSONValue.object(ground.file.config).serialized()) {
                throw CaseFailure("create returns NULL without calling on_error")
            }
        },
        ConformanceCase(.lifecycle, "repeat", "100 instances one after another leave nothing behind") { ground in
            _ = try ground.rig().close()
            let before = Surroundings()
            for count in 1...100 {
                guard try ground.rig().close() != nil else { throw CaseFailure("close of instance \(count) did not end within 10 s") }
            }
            if let change = before.change(to: Surroundings()) { throw CaseFailure("after 100 instances: \(change)") }
        },
        ConformanceCase(.lifecycle, "two-instances", "instances with different configurations share nothing") { ground in
            let schema = try ground.descriptor().manifest?["config_schema"]?["properties"]?["base_url"]
            guard schema != nil else { throw NotApplicable("config_schema has no base_url by which instances could differ") }
            let origins = ["https://first.conformance.example", "https://second.conformance.example"]
            let rigs = try origins.map { origin in
                var config = ground.file.config
                config["base_url"] = .string(origin)
                return try ground.rig(config: config)
            }
            let sample = try ground.mainSample()
            for (rig, origin) in zip(rigs + rigs.reversed(), origins + origins.reversed()) {
                _ = try rig.perform(sample)
                guard let stranger = rig.host.http.requests.first(where: { !$0.url.hasPrefix(origin) }) else { continue }
                throw CaseFailure("an instance with base_url \(origin) calls \(stranger.url)")
            }
            for (rig, origin) in zip(rigs, origins) where rig.host.http.requests.isEmpty {
                throw CaseFailure("\(sample.title) makes no request through the host of its own instance (\(origin))")
            }
        },
        ConformanceCase(.lifecycle, "reload", "a new instance serves while an old one still has work") { ground in
            let sample = try ground.mainSample()
            let old = try ground.rig { stage, _, _ in stage.isSession ? nil : .silence }
            let busy = (0..<8).map { _ in old.start(sample) }
            // Eight, or fewer where they wait for one another.
            old.wait(within: 0.5) { old.host.http.pendingCount >= 8 }
            let new = try ground.rig()
            guard try new.perform(sample).status == sample.status.rawValue else {
                throw CaseFailure("the new instance fails beside the old one")
            }
            let haveEnded = old.answering(.failure(CRM_HTTP_ERROR_TIMEOUT)) { busy.allSatisfy { !$0.results.isEmpty } }
            guard haveEnded else { throw CaseFailure("an operation of the old instance never ended") }
            guard old.close() != nil else { throw CaseFailure("close of the old instance did not end within 10 s") }
            guard try new.perform(sample).status == sample.status.rawValue else {
                throw CaseFailure("the new instance fails after the old one was closed")
            }
        },
        ConformanceCase(.lifecycle, "close", "close ends once and soon, and nothing follows", timeout: 15) { ground in
            let rig = try ground.rig()
            for sample in try ground.samples() { _ = try rig.perform(sample) }
            async let closing = rig.provider.close(within: 10)
            // Somebody has to do the host's work meanwhile.
            let pump = Task {
                while !Task.isCancelled {
                    rig.host.workers.runAll()
                    await Task.yield()
                }
            }
            let counts = await closing
            pump.cancel()
            guard counts != nil else { throw CaseFailure("close did not end within 10 s") }
            rig.rest(0.05)
            for violation in rig.host.violations {
                switch violation {
                case .closedAgain: throw CaseFailure("close says more than once that it has closed")
                case .calledAfterClose(let function): throw CaseFailure("the host's \(function) is called after the instance has closed")
                default: continue
                }
            }
        },
    ]

    private enum Creation {
        case made
        case refused(OperationResult?)
    }

    private static func creation(
        _ ground: CaseGround, services: Set<FakeHost.Service> = Set(FakeHost.Service.allCases), config: [UInt8]
    ) throws -> Creation {
        let host = FakeHost(services: services, workers: .virtual, timers: .eager)
        let library = try ground.library()
        do {
            _ = try ProviderUnderTest(library.factory, host: host, config: config)
        } catch ProviderUnderTest.Failure.notCreated(let result) {
            return .refused(result)
        } catch ProviderUnderTest.Failure.refusedRepeatedly(let count) {
            throw CaseFailure("create calls on_error \(count) times")
        } catch {
            throw CaseFailure("create: \(error)")
        }
        guard !host.violations.contains(.refusedAndMade) else { throw CaseFailure("create calls on_error and returns an instance as well") }
        return .made
    }
}
