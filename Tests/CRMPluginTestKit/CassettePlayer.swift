internal import CRMFakeHost
internal import CRMPluginAPI
internal import Synchronization

/// Plays a cassette to a provider, each exchange once. A request that it does not know fails with `CRM_HTTP_ERROR_REPLAY_MISS`.
package final class CassettePlayer: Sendable {
    package enum Order: Sendable {
        /// As recorded.
        case strict
        /// Each request takes the first exchange left that matches: for providers that send several at once.
        case free
    }

    private struct State {
        var left: [Cassette.Exchange]
        var misses: [String] = []
    }

    private let order: Order
    private let state: Mutex<State>

    package init(_ cassette: Cassette, _ order: Order = .strict) {
        self.order = order
        state = Mutex(State(left: cassette.exchanges))
    }

    /// Requests that were not on the cassette, `POST https://…`, without what they carried.
    package var misses: [String] { state.withLock { $0.misses } }

    /// Exchanges that no request has asked for.
    package var unplayed: [Cassette.Exchange] { state.withLock { $0.left } }

    package func answer(_ request: FakeHTTP.Request) -> FakeHTTP.Reply {
        state.withLock { state in
            let index: Int? =
                switch order {
                case .strict: state.left.first?.matches(request) == true ? 0 : nil
                case .free: state.left.firstIndex { $0.matches(request) }
                }
            guard let index else {
                state.misses.append("\(request.method) \(request.url)")
                return .failure(CRM_HTTP_ERROR_REPLAY_MISS)
            }
            return state.left.remove(at: index).reply
        }
    }
}
