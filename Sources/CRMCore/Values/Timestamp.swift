/// A moment in UTC, counted in microseconds since 1970-01-01T00:00:00Z, as PostgreSQL keeps it.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }
    package init(seconds: Int64) { microseconds = seconds * 1_000_000 }

    package var seconds: Int64 { microseconds.quotientRoundedDown(1_000_000) }
    package var milliseconds: Int64 { microseconds.quotientRoundedDown(1_000) }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    package static func + (moment: Timestamp, span: Duration) -> Timestamp {
        Timestamp(microseconds: moment.microseconds + span.microseconds)
    }

    package static func - (moment: Timestamp, span: Duration) -> Timestamp {
        Timestamp(microseconds: moment.microseconds - span.microseconds)
    }

    package static func - (later: Timestamp, earlier: Timestamp) -> Duration {
        .microseconds(later.microseconds - earlier.microseconds)
    }
}

/// Where the current time comes from: the system in production, a value that the test moves in tests.
package typealias WallClock = @Sendable () -> Timestamp

extension Duration {
    package var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
    package var milliseconds: Int64 { microseconds / 1_000 }
    /// Whole seconds, rounded up: what `Retry-After` says.
    package var secondsRoundedUp: Int64 { (microseconds + 999_999).quotientRoundedDown(1_000_000) }
}

extension Int64 {
    /// Division that rounds towards minus infinity, so that times before 1970 keep their order.
    fileprivate func quotientRoundedDown(_ divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
