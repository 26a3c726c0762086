import CRMCore
import CRMCrypto
import CRMDelivery
import CRMStore
import FoundationEssentials
import Logging
import ServiceLifecycle
import TestSupport

/// A process that delivers, as far as others can tell: a service of its own, that waits for nothing long.
final class DeliveryRun: Sendable {
    let service: DeliveryService
    let connections: TableConnections
    private let group: ServiceGroup
    private let task: Task<Void, any Error>

    static var quick: DeliveryConfiguration {
        var configuration = DeliveryConfiguration()
        configuration.retry.base = .milliseconds(20)
        configuration.retry.cap = .milliseconds(60)
        configuration.heartbeat = .milliseconds(200)
        configuration.scoutPeriod = .milliseconds(100)
        configuration.readPeriod = .milliseconds(100)
        configuration.sweepPeriod = .milliseconds(150)
        configuration.settlePeriod = .milliseconds(20)
        configuration.linger = .milliseconds(100)
        configuration.drain = .seconds(2)
        return configuration
    }

    init(
        _ ground: DeliveryGround, _ catalog: ScriptedCatalog, _ configuration: DeliveryConfiguration = quick,
        lanes: (any LaneStore)? = nil, clock: DeliveryClock = DeliveryClock(wall: DeliveryGround.clock)
    ) {
        let quiet = Logger(label: "delivery") { _ in SwiftLogNoOpLogHandler() }
        connections = TableConnections(pool: ground.superuser)
        let service = DeliveryService(
            store: lanes ?? ground.lanes, connections: connections, catalog: catalog, configuration: configuration,
            clock: clock, random: { randomBytes($0) }, logger: quiet)
        let group = ServiceGroup(services: [service], logger: quiet)
        self.service = service
        self.group = group
        task = Task { try await group.run() }
    }

    /// As SIGTERM does it.
    func stop() async {
        await group.triggerGracefulShutdown()
        try? await task.value
    }

    /// As a process that is gone: nothing is recorded or given back any more.
    func vanish() async {
        task.cancel()
        try? await task.value
    }

    deinit { task.cancel() }
}

/// As when the time of all leases is over.
func endLeases(_ ground: DeliveryGround) async throws {
    _ = try await ground.superuser.run(
        "UPDATE crm.delivery_lanes SET lease_until = now() - interval '1 second' WHERE owner IS NOT NULL")
}

struct NeverHappened: Error, CustomStringConvertible {
    var description: String
}

/// Waits for something that is bound to happen.
func eventually(_ what: String, within limit: Duration = .seconds(20), _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock().now + limit
    while try await !condition() {
        guard ContinuousClock().now < deadline else { throw NeverHappened(description: "never happened: \(what)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// What the sync log says of a delivery, oldest first.
func log(_ ground: DeliveryGround, _ id: DeliveryID) async throws -> [String] {
    let rows = try await ground.superuser.run(
        "SELECT outcome, status, attempt FROM crm.crm_sync_logs WHERE delivery_id = \(id) ORDER BY at, attempt, log_id")
    return try rows.map { "\(try $0.text("outcome")) \(try $0.text("status")) \(try $0.int("attempt"))" }
}

func ids(_ answer: AcceptAnswer) -> [DeliveryID] {
    if case .accepted(_, let deliveries) = answer { deliveries.map(\.id) } else { [] }
}
