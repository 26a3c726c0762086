import CRMCore

/// The calls of the last 24 hours, counted by the hour.
struct SalesforceUsage {
    static let dailyLimit = 100_000

    private var hours: [Int64: Int] = [:]

    mutating func count(at now: Timestamp) {
        let hour = now.seconds / 3_600
        hours[hour, default: 0] += 1
        if hours.count > 24 { hours = hours.filter { $0.key > hour - 24 } }
    }

    func calls(at now: Timestamp) -> Int {
        let hour = now.seconds / 3_600
        return hours.reduce(0) { $1.key > hour - 24 && $1.key <= hour ? $0 + $1.value : $0 }
    }
}

/// Ten wrong passwords in a row lock the user out for a quarter of an hour, whatever is typed meanwhile.
struct SalesforceLock {
    private static let attempts = 10
    private static let time = Duration.seconds(15 * 60)

    private var failures = 0
    private var lockedUntil: Timestamp?

    func isLocked(at now: Timestamp) -> Bool { lockedUntil.map { $0 > now } ?? false }

    mutating func fail(at now: Timestamp) {
        failures += 1
        guard failures >= Self.attempts else { return }
        lockedUntil = now + Self.time
        failures = 0
    }

    mutating func succeed() { failures = 0 }
}
