import ServiceLifecycle
import UnixSignals

/// Looks at the providers again on SIGHUP.
struct ReloadSignal: Service {
    let reload: @Sendable () async -> Void

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        await cancelWhenGracefulShutdown {
            for await _ in signals { await reload() }
        }
    }
}
