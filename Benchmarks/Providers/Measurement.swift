import Glibc

/// The same thing measured several times.
struct Measurement {
    let minimum: Double
    let median: Double
    let maximum: Double

    init(runs: Int, _ measure: () throws -> Double) rethrows {
        var values: [Double] = []
        for _ in 0..<max(1, runs) { values.append(try measure()) }
        values.sort()
        (minimum, median, maximum) = (values[0], values[values.count / 2], values[values.count - 1])
    }

    func text(_ scale: Double, _ unit: String) -> String {
        let figures = [minimum, median, maximum].map { value in
            let rounded = (value / scale * 100).rounded() / 100
            return "\(rounded)"
        }
        return "min \(figures[0])  median \(figures[1])  max \(figures[2]) \(unit)"
    }
}

/// Nanoseconds of a clock.
enum Clock {
    /// What this thread has computed: whoever else uses the machine is not in it.
    static var computed: Double { read(CLOCK_THREAD_CPUTIME_ID) }
    static var elapsed: Double { read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}
