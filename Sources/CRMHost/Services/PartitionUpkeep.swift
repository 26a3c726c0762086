import CRMCore
import CRMStore
import Logging
import ServiceLifecycle

/// Makes the log partitions of the coming days, at the start and then every six hours, and lets go of those that are too old.
struct PartitionUpkeep: Service {
    let pool: PostgresPool
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do throws(StoreError) {
                    let done = try await pool.maintainPartitions()
                    if !done.isEmpty {
                        logger.info("log partitions were maintained", metadata: ["partitions": "\(done.joined(separator: ", "))"])
                    }
                } catch {
                    logger.error("log partitions could not be maintained", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: .seconds(6 * 3_600))
            }
        }
    }
}
