import CRMCore
import Logging
import Synchronization

/// What one provider has done against the rules, over all its generations.
final class ProviderConduct: Sendable {
    enum Fault: Int, CaseIterable {
        case completedTwice, completedLate, completedAfterClose, wrongResult, calledAfterClose, wrongCall

        var message: Logger.Message {
            switch self {
            case .completedTwice: "the provider completed an operation twice"
            case .completedLate: "the provider completed an operation after it was given up"
            case .completedAfterClose: "the provider completed an operation after it was closed"
            case .wrongResult: "the provider gave a result that cannot be used as it is"
            case .calledAfterClose: "the provider called the host after it was closed"
            case .wrongCall: "the provider asked the host for more than it gives"
            }
        }
    }

    private struct State {
        var counts = [Int](repeating: 0, count: Fault.allCases.count)
        var abandoned = 0
    }

    private let state = Mutex(State())
    private let logger: Logger

    /// Beyond so many of a kind only every thousandth is logged.
    private static let loggedEach = 20

    init(logger: Logger) { self.logger = logger }

    func count(_ fault: Fault, _ details: @autoclosure () -> [String: String] = [:]) {
        let count = state.withLock { state in
            state.counts[fault.rawValue] += 1
            return state.counts[fault.rawValue]
        }
        guard count <= Self.loggedEach || count % 1_000 == 0 else { return }
        logger.error(fault.message, metadata: details().merging(["count": "\(count)"]) { $1 }.mapValues(Logger.MetadataValue.string))
    }

    /// Operations that were given up and are still owed.
    func addAbandoned(_ change: Int) { state.withLock { $0.abandoned += change } }

    var counts: ProviderConductCounts {
        let state = state.withLock { $0 }
        return ProviderConductCounts(
            abandoned: state.abandoned,
            strays: state.counts[Fault.completedTwice.rawValue],
            lateCompletions: state.counts[Fault.completedLate.rawValue],
            wrongResults: state.counts[Fault.wrongResult.rawValue],
            wrongCalls: state.counts[Fault.wrongCall.rawValue],
            afterClose: state.counts[Fault.completedAfterClose.rawValue] + state.counts[Fault.calledAfterClose.rawValue])
    }
}

/// How often a provider broke a rule while it ran, since the host started.
package struct ProviderConductCounts: Hashable, Sendable {
    /// Operations whose callers were answered without the provider, and that it has not completed yet.
    package var abandoned = 0
    /// Completions of operations that were complete already.
    package var strays = 0
    /// Completions after the operation was given up.
    package var lateCompletions = 0
    /// Results that were not JSON, not UTF-8, or too large.
    package var wrongResults = 0
    /// Calls of a host's service that asked for too much.
    package var wrongCalls = 0
    /// Calls and completions after `close`.
    package var afterClose = 0
}

/// The conduct of every provider that was in service.
final class ProviderConducts: Sendable {
    private let state = Mutex([CRMType: ProviderConduct]())

    func conduct(of type: CRMType, logger: Logger) -> ProviderConduct {
        state.withLock { state in
            if let known = state[type] { return known }
            let made = ProviderConduct(logger: logger)
            state[type] = made
            return made
        }
    }

    subscript(type: CRMType) -> ProviderConductCounts? { state.withLock { $0[type] }?.counts }
}
