import CRMCore
import FoundationEssentials
import Synchronization

/// Providers whose answers the test decides, and a record of every call.
final class ScriptedCatalog: ProviderCatalog {
    struct Call: Sendable {
        var number: Int
        var request: ProviderRequest
        var startedAt: ContinuousClock.Instant
        var contact: String { (request.payload["contact"] ?? request.payload["event"]?["contact"])?["email"]?.stringValue ?? "" }
        var uniqueID: String { request.payload["event"]?["unique_id"]?.stringValue ?? "" }
    }

    typealias Script = @Sendable (Call) async -> ProviderOutcome

    private struct State {
        var types: Set<CRMType>
        var paused: Set<CRMType> = []
        var calls: [Call] = []
        var inFlight: [String: Int] = [:]
        var overlaps = 0
        var listeners: [AsyncStream<Void>.Continuation] = []
    }

    private let state: Mutex<State>
    private let script: Script

    init(_ types: Set<CRMType>, _ script: @escaping Script) {
        state = Mutex(State(types: types))
        self.script = script
    }

    /// The events and upserts, in the order in which they began.
    var calls: [Call] { state.withLock { $0.calls.filter { $0.request.operation != .validateCredentials } } }
    var validations: Int { state.withLock { $0.calls.count { $0.request.operation == .validateCredentials } } }
    /// How often a contact had two calls at once.
    var overlaps: Int { state.withLock(\.overlaps) }

    func put(inService type: CRMType) { change { $0.types.insert(type) } }
    func take(outOfService type: CRMType) { change { $0.types.remove(type) } }

    func pause(_ type: CRMType) { change { $0.paused.insert(type) } }
    func resume(_ type: CRMType) { change { $0.paused.remove(type) } }

    private func change(_ body: (inout State) -> Void) {
        let listeners = state.withLock { state in
            body(&state)
            return state.listeners
        }
        for listener in listeners { listener.yield() }
    }

    var loaded: [ProviderDescription] { state.withLock { $0.types.sorted() }.map(Self.description) }
    func isPaused(_ type: CRMType) -> Bool { state.withLock { $0.paused.contains(type) } }
    func provider(_ type: CRMType) -> ProviderDescription? { loaded.first { $0.crmType == type } }

    func changes() -> AsyncStream<Void> {
        AsyncStream { continuation in
            state.withLock { $0.listeners.append(continuation) }
            continuation.yield()
        }
    }

    func call(_ type: CRMType, _ request: ProviderRequest) async -> ProviderOutcome? {
        let started = state.withLock { state -> Call? in
            guard state.types.contains(type), !state.paused.contains(type) else { return nil }
            let call = Call(number: state.calls.count, request: request, startedAt: ContinuousClock().now)
            state.calls.append(call)
            let key = request.account + call.contact
            state.inFlight[key, default: 0] += 1
            if state.inFlight[key, default: 0] > 1, request.operation != .validateCredentials { state.overlaps += 1 }
            return call
        }
        guard let started else { return nil }
        let outcome = await script(started)
        state.withLock { $0.inFlight[request.account + started.contact, default: 1] -= 1 }
        return outcome
    }

    private static func description(_ type: CRMType) -> ProviderDescription {
        ProviderDescription(
            crmType: type, displayName: type.name, version: "1.0", capabilities: 0, credentialSchema: [:], settingsSchema: [:],
            documentationURL: nil, sha256: "")
    }
}
