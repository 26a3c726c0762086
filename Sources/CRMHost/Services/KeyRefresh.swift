import CRMIdentity
import ServiceLifecycle

/// Keeps Google's keys fresh while the host runs.
struct KeyRefresh: Service {
    let keys: FirebaseKeyCache

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await keys.run { try await Task.sleep(for: $0) }
        }
    }
}
