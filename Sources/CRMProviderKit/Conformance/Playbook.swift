import CRMFakeHost
import CRMPluginAPI
import Synchronization

/// Plays the CRM: answers each request of an operation as its sample says, unless a case interferes.
final class Playbook: Sendable {
    enum Stage: Sendable {
        /// Login and what belongs to it.
        case session
        /// A request of the sample; `isRead`: it changes nothing in the CRM.
        case exchange(isRead: Bool)
        /// No exchange fits.
        case unknown(isRead: Bool)

        var isSession: Bool { if case .session = self { true } else { false } }

        var isRead: Bool {
            switch self {
            case .session: true
            case .exchange(let isRead), .unknown(let isRead): isRead
            }
        }
    }

    /// What is answered instead of the file's answer; `nil`: that one.
    typealias Interference = @Sendable (_ stage: Stage, _ request: FakeHTTP.Request, _ usual: FakeHTTP.Reply) -> FakeHTTP.Reply?

    /// A request, as it was understood.
    struct Entry: Sendable {
        let request: FakeHTTP.Request
        let stage: Stage
    }

    private struct State {
        var samples: [UInt64: Sample] = [:]
        /// How often each exchange of an operation was asked for.
        var turns: [UInt64: [Int: Int]] = [:]
        var entries: [Entry] = []
    }

    private let file: ConformanceFile
    private let interference: Interference?
    private let state = Mutex(State())

    init(_ file: ConformanceFile, _ interference: Interference?) {
        self.file = file
        self.interference = interference
    }

    /// From now on the operation of that id is answered with this sample's exchanges.
    func follow(_ operation: UInt64, _ sample: Sample) { state.withLock { $0.samples[operation] = sample } }

    var entries: [Entry] { state.withLock { $0.entries } }

    /// Requests that the file has no answer to.
    var unknown: [String] {
        entries.compactMap { entry in
            guard case .unknown = entry.stage else { return nil }
            return "\(entry.request.method) \(entry.request.url)"
        }
    }

    /// What would have changed the CRM.
    var writes: [FakeHTTP.Request] { entries.filter { !$0.stage.isRead }.map(\.request) }

    func answer(_ request: FakeHTTP.Request) -> FakeHTTP.Reply {
        let (stage, usual) = state.withLock { state -> (Stage, FakeHTTP.Reply) in
            let (stage, usual) = usualAnswer(request, &state)
            state.entries.append(Entry(request: request, stage: stage))
            return (stage, usual)
        }
        return interference?(stage, request, usual) ?? usual
    }

    private func usualAnswer(_ request: FakeHTTP.Request, _ state: inout State) -> (Stage, FakeHTTP.Reply) {
        if let exchange = state.samples[request.operation].flatMap({ next(of: $0, request, &state) }) {
            return (.exchange(isRead: exchange.isRead), exchange.response.reply)
        }
        if let exchange = file.session.first(where: { $0.request.matches(request) }) { return (.session, exchange.response.reply) }
        return (.unknown(isRead: ["GET", "HEAD"].contains(request.method)), .status(404))
    }

    /// Of several that fit each has its turn, and the last one stays.
    private func next(of sample: Sample, _ request: FakeHTTP.Request, _ state: inout State) -> CannedExchange? {
        let fitting = sample.exchanges.indices.filter { sample.exchanges[$0].request.matches(request) }
        let turns = state.turns[request.operation] ?? [:]
        guard let chosen = fitting.first(where: { turns[$0] == nil }) ?? fitting.last else { return nil }
        state.turns[request.operation, default: [:]][chosen, default: 0] += 1
        return sample.exchanges[chosen]
    }
}
