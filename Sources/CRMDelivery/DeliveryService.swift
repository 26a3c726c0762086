package import CRMCore
package import Logging
internal import ServiceLifecycle
internal import Synchronization

/// Sends what was accepted: finds lanes with work, takes those it can serve, keeps their leases alive, and gives them back when it stops.
///
/// Any number of processes may run it on one database. Its task's cancellation is the hard way out, in which nothing is given back: what
/// was in flight is taken over by others once the leases have run out.
package final class DeliveryService: Service {
    private enum Message: Sendable {
        case wake
        case providersChanged
        case laneEnded
        case stop
    }

    private let surroundings: LaneSurroundings
    private let owner: LaneOwner
    private let mailbox = Mailbox<Message>()
    private let lanes = Lanes()

    package init(
        store: any LaneStore, connections: any ConnectionStore, catalog: any ProviderCatalog,
        configuration: DeliveryConfiguration = DeliveryConfiguration(), clock: DeliveryClock, random: @escaping RandomBytes,
        logger: Logger
    ) {
        let lanes = self.lanes
        surroundings = LaneSurroundings(
            store: store, connections: connections, catalog: catalog, configuration: configuration, clock: clock, random: random,
            slots: CallSlots(configuration.callsPerProcess), isContended: { lanes.isContended }, logger: logger)
        owner = LaneOwner(.init(bytes: random(16), version: 4))
    }

    /// Something was accepted in this process.
    package func wake() { mailbox.post(.wake) }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.keepLeases() }
                group.addTask { await self.followProviders() }
                await self.search(&group)
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.mailbox.post(.stop)
        }
    }

    private var configuration: DeliveryConfiguration { surroundings.configuration }
    private var clock: DeliveryClock { surroundings.clock }
    private var logger: Logger { surroundings.logger }
}

// MARK: - Searching

extension DeliveryService {
    private func search(_ group: inout DiscardingTaskGroup) async {
        var isStopping = false
        var nextScout = clock.now()
        while !Task.isCancelled, !(isStopping && lanes.isEmpty) {
            let now = clock.now()
            if !isStopping, now >= nextScout {
                await scout(&group)
                nextScout = clock.now() + configuration.scoutPeriod * (0.75 + unitInterval(surroundings.random) * 0.5)
            }
            let lastScout = clock.now()
            for message in await mailbox.next(until: isStopping ? lastScout + .seconds(1) : nextScout, clock) {
                switch message {
                case .stop:
                    isStopping = true
                    for runner in lanes.all { runner.mailbox.post(.stop) }
                case .wake, .providersChanged:
                    // Many accepts in a row are one search.
                    nextScout = min(nextScout, lastScout + configuration.shortestScoutGap)
                    for runner in lanes.all { runner.mailbox.post(.work) }
                case .laneEnded:
                    if lanes.isContended { nextScout = min(nextScout, lastScout + configuration.shortestScoutGap) }
                }
            }
        }
    }

    private func scout(_ group: inout DiscardingTaskGroup) async {
        let types = surroundings.catalog.loaded.map(\.crmType).filter(surroundings.catalog.isInService)
        let free = configuration.laneLimit - lanes.count
        do {
            // Some more than there is room for: processes that search at the same time should not all ask for the same ones.
            let found = try await surroundings.store.scout(types, at: clock.wall(), limit: max(free, 1) * 4)
            lanes.isContended = found.count > free
            guard free > 0, !found.isEmpty else { return }
            let asked = clock.now()
            let chosen = shuffled(found).prefix(free)
            for lane in try await surroundings.store.take(Array(chosen), as: owner, lease: configuration.lease) {
                serve(lane, asked: asked, &group)
            }
        } catch {
            logger.warning("search for deliveries failed", metadata: ["error": "\(error)"])
        }
    }

    private func serve(_ lane: Lane, asked: ContinuousClock.Instant, _ group: inout DiscardingTaskGroup) {
        var logger = logger
        logger[metadataKey: "lane"] = "\(lane.key.lane)"
        logger[metadataKey: "crm_type"] = "\(lane.crmType)"
        if lane.uncleanCount > 0 {
            logger.notice("lane taken over from an owner that vanished", metadata: ["times": "\(lane.uncleanCount)"])
        }
        let runner = LaneRunner(lane, asked: asked, surroundings)
        lanes.add(runner)
        group.addTask {
            await runner.run()
            self.lanes.remove(runner)
            self.mailbox.post(.laneEnded)
        }
    }

    /// A fair shuffle with the injected generator.
    private func shuffled(_ keys: [Lane.Key]) -> [Lane.Key] {
        var keys = keys
        for last in keys.indices.dropFirst().reversed() {
            keys.swapAt(last, min(Int(unitInterval(surroundings.random) * Double(last + 1)), last))
        }
        return keys
    }
}

// MARK: - Staying informed

extension DeliveryService {
    private func keepLeases() async {
        while !Task.isCancelled {
            try? await clock.sleep(clock.now() + configuration.heartbeat)
            let runners = lanes.all
            guard !Task.isCancelled, !runners.isEmpty else { continue }
            let asked = clock.now()
            do {
                let held = try await surroundings.store.heartbeat(runners.map(\.lane.claim), lease: configuration.lease)
                let news = Dictionary(held.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
                for runner in runners {
                    guard let news = news[runner.lane.key] else {
                        runner.mailbox.post(.lost)
                        continue
                    }
                    runner.lease.prolong(asked: asked, length: configuration.lease)
                    runner.mailbox.post(.held(news))
                }
            } catch {
                // Nobody sends past the lease that he has; if the database comes back in time, all goes on.
                logger.warning("leases could not be prolonged", metadata: ["error": "\(error)"])
            }
        }
    }

    private func followProviders() async {
        for await _ in surroundings.catalog.changes() { mailbox.post(.providersChanged) }
    }
}

/// The lanes that this process serves.
private final class Lanes: Sendable {
    private struct State {
        var runners: [Lane.Key: LaneRunner] = [:]
        var isContended = false
    }

    private let state = Mutex(State())

    var all: [LaneRunner] { state.withLock { Array($0.runners.values) } }
    var count: Int { state.withLock { $0.runners.count } }
    var isEmpty: Bool { count == 0 }

    var isContended: Bool {
        get { state.withLock { $0.isContended } }
        set { state.withLock { $0.isContended = newValue } }
    }

    func add(_ runner: LaneRunner) { state.withLock { $0.runners[runner.lane.key] = runner } }

    func remove(_ runner: LaneRunner) {
        state.withLock { state in
            // The lane may be ours again already, under a new claim.
            if state.runners[runner.lane.key] === runner { state.runners[runner.lane.key] = nil }
        }
    }
}
