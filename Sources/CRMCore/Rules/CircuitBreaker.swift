/// Stops a lane from calling a CRM that keeps failing, and lets one call at a time find out whether it has recovered.
///
/// closed → open → (when its time has come, one probe) → closed or open again, for longer.
package struct CircuitBreaker: Sendable, Hashable {
    /// What the next owner of a lane must know; `nil` is a closed breaker.
    package struct Opening: Sendable, Hashable {
        package var until: Timestamp
        /// How many times in a row it opened.
        package var step: Int

        package init(until: Timestamp, step: Int) {
            self.until = until
            self.step = step
        }
    }

    package enum Admission: Sendable, Hashable {
        case any
        /// One call, and the next only after its outcome.
        case probe
        case none(until: Timestamp)
    }

    private struct Sample: Sendable, Hashable {
        var at: Timestamp
        var isFailure: Bool
    }

    package private(set) var opening: Opening?
    private var samples: [Sample] = []

    private static let failuresInARow = 5
    private static let window = 20
    private static let span: Duration = .seconds(30)
    private static let firstPause: Duration = .seconds(10)
    private static let longestPause: Duration = .seconds(300)

    package init(opening: Opening? = nil) { self.opening = opening }

    package func admission(at now: Timestamp) -> Admission {
        guard let opening else { return .any }
        return now < opening.until ? .none(until: opening.until) : .probe
    }

    /// `random`, in 0..<1, spreads the pause by a fifth either way, so that lanes which failed together do not probe together.
    package mutating func record(isFailure: Bool, at now: Timestamp, random: Double) {
        if let opening {
            // Calls that were under way when it opened say nothing about the recovery.
            guard now >= opening.until else { return }
            if isFailure {
                open(step: opening.step + 1, at: now, random: random)
            } else {
                self.opening = nil
                samples = []
            }
            return
        }
        samples.append(Sample(at: now, isFailure: isFailure))
        if samples.count > Self.window { samples.removeFirst() }
        if isTripped(at: now) { open(step: 1, at: now, random: random) }
    }

    private func isTripped(at now: Timestamp) -> Bool {
        let last = samples.suffix(Self.failuresInARow)
        if last.count == Self.failuresInARow, last.allSatisfy(\.isFailure) { return true }
        guard samples.count == Self.window, let first = samples.first, now - first.at <= Self.span else { return false }
        return samples.count(where: \.isFailure) * 2 >= Self.window
    }

    private mutating func open(step: Int, at now: Timestamp, random: Double) {
        let pause = min(Self.firstPause * (1 << min(step - 1, 16)), Self.longestPause)
        let spread = .microseconds(Int64(Double(pause.microseconds) * (random * 0.4 - 0.2))) as Duration
        opening = Opening(until: now + pause + spread, step: step)
        samples = []
    }
}
