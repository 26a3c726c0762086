import CRMCore
import Synchronization

/// Which instance answers for which CRM, and what became of the others.
final class ProviderRegistry: Sendable {
    private struct State {
        var routes: [CRMType: ProviderInstance] = [:]
        /// In their routes, and given no work.
        var paused: Set<CRMType> = []
        var files: [ProviderFileState] = []
        var lastDrain: UInt64 = 0
        var draining: [UInt64: ProviderFileState] = [:]
        var drains: [UInt64: Task<Void, Never>] = [:]
        var lastListener: UInt64 = 0
        var listeners: [UInt64: AsyncStream<Void>.Continuation] = [:]
    }

    private let state = Mutex(State())

    var descriptions: [ProviderDescription] {
        state.withLock { $0.routes.values.map(\.description) }.sorted { $0.crmType < $1.crmType }
    }

    func description(_ type: CRMType) -> ProviderDescription? { state.withLock { $0.routes[type]?.description } }

    var files: [ProviderFileState] {
        let (files, draining) = state.withLock { ($0.files, Array($0.draining.values)) }
        return (files + draining).sorted { ($0.file, $0.state.rawValue) < ($1.file, $1.state.rawValue) }
    }

    /// The instance in service, held open; `release` is due. One lock covers look-up and hold, so that a swap falls before or after.
    func acquire(_ type: CRMType) -> ProviderInstance? {
        state.withLock { state in
            guard !state.paused.contains(type), let instance = state.routes[type], instance.acquire() else { return nil }
            return instance
        }
    }

    func isPaused(_ type: CRMType) -> Bool { state.withLock { $0.paused.contains(type) } }

    /// Puts an instance into service, or with `nil` none.
    func replace(_ type: CRMType, with instance: ProviderInstance?, isPaused: Bool = false) {
        change { state in
            state.routes[type] = instance
            if isPaused { state.paused.insert(type) } else { state.paused.remove(type) }
        }
    }

    /// What runs already runs on.
    func pause(_ type: CRMType, _ isPaused: Bool) {
        change { state in if isPaused { state.paused.insert(type) } else { state.paused.remove(type) } }
    }

    private func change(_ body: (inout State) -> Void) {
        let listeners = state.withLock { state in
            body(&state)
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.yield() }
    }

    func publish(_ files: [ProviderFileState]) { state.withLock { $0.files = files } }

    /// Lets an instance end that was taken out of service. `ended` hears whether it did.
    func drain(
        _ instance: ProviderInstance, as file: ProviderFileState, timeout: Duration, ended: @escaping @Sendable (Bool) -> Void
    ) {
        state.withLock { state in
            state.lastDrain += 1
            let number = state.lastDrain
            state.draining[number] = file
            state.drains[number] = Task.detached { [weak self] in
                let isClosed = await instance.retire(drainTimeout: timeout)
                self?.state.withLock { state in
                    state.drains[number] = nil
                    if isClosed {
                        state.draining[number] = nil
                    } else {
                        state.draining[number]?.reason = "did not end its operations or did not close; it stays in memory until a restart"
                    }
                }
                ended(isClosed)
            }
        }
    }

    func waitForDrains() async {
        for drain in state.withLock({ Array($0.drains.values) }) { await drain.value }
    }

    func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.lastListener += 1
            state.listeners[state.lastListener] = continuation
            return state.lastListener
        }
        continuation.onTermination = { [weak self] _ in _ = self?.state.withLock { $0.listeners.removeValue(forKey: number) } }
        continuation.yield()
        return stream
    }
}
