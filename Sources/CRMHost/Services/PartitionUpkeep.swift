import CRMCore
import CRMStore
import Logging
import ServiceLifecycle

/// Makes the log partitions of the coming days, at the start and then every six hours, and lets go of those that are too old. What failed
/// is tried again after a minute.
struct PartitionUpkeep: Service {
    let pool: PostgresPool
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                var pause: Duration = .seconds(6 * 3_600)
                do throws(StoreError) {
                    let done = try await pool.maintainPartitions()
                    let failed = done.contains { $0.hasPrefix("failed") }
                    if failed { pause = .seconds(60) }
                    if !done.isEmpty {
                        logger.log(
                            level: failed ? .error : .info, "log partitions were maintained",
                            metadata: ["partitions": "\(done.joined(separator: ", "))"])
                    }
                } catch {
                    pause = .seconds(60)
                    logger.error("log partitions could not be maintained", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: pause)
            }
        }
    }
}
