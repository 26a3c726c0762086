import Foundation

/// `provider-benchmark [--check] [--runs n] [--operations n] library.so ...`: what provider libraries cost. With `--check` it fails when a
/// limit is broken.
@main struct ProviderBenchmark {
    private var isChecking = false
    private var runs = 11
    private var operations = 20_000
    private var paths: [String] = []

    /// Nanoseconds, of the median.
    private static let limits = (c: 2_000.0, swift: 8_000.0, load: 50_000_000.0)

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        var benchmark = ProviderBenchmark()
        do {
            if arguments.first == LoadBench.flag { return print(try LoadBench.load(Array(arguments.dropFirst()))) }
            guard benchmark.read(arguments) else {
                end(64, "usage: provider-benchmark [--check] [--runs n] [--operations n] library.so ...")
            }
            let isWithinLimits = try benchmark.run()
            if benchmark.isChecking, !isWithinLimits { end(1, "a limit is broken") }
        } catch {
            end(1, "\(error)")
        }
    }

    private static func end(_ status: Int32, _ message: String) -> Never {
        FileHandle.standardError.write(Data("\(message)\n".utf8))
        exit(status)
    }

    private mutating func read(_ arguments: [String]) -> Bool {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--check": isChecking = true
            case "--runs", "--operations":
                guard let number = rest.popFirst().flatMap(Int.init), number > 0 else { return false }
                if argument == "--runs" { runs = number } else { operations = number }
            case let path where !path.hasPrefix("-"): paths.append(URL(fileURLWithPath: path).path)
            default: return false
            }
        }
        return !paths.isEmpty
    }

    private func run() throws -> Bool {
        var isWithinLimits = true
        let libraries = try paths.map { try LoadedLibrary($0) }
        for (name, event) in Scenario.events {
            let baseline = OperationBench.baseline(event, runs: runs)
            print("\(name), \(event.utf8.count) bytes copied through a function pointer: \(baseline.text(1, "ns"))")
            for library in libraries {
                guard let scenario = Scenario.known[library.type] else { continue }
                let bench = OperationBench(library: library, scenario: scenario, event: event)
                let result = try bench.measure(runs: runs, operations: operations)
                let ratio = Int((result.median / baseline.median).rounded())
                let limit = library.isSwift ? Self.limits.swift : Self.limits.c
                let verdict = Self.verdict(result, limit, &isWithinLimits)
                print("  \(library.type): \(result.text(1_000, "µs"))  \(ratio) x the copy  \(verdict) \(limit / 1_000) µs")
            }
        }
        let load = try LoadBench(paths: paths).measure(runs: runs)
        let verdict = Self.verdict(load, Self.limits.load, &isWithinLimits)
        print("loading and creating \(paths.count): \(load.text(1_000_000, "ms"))  \(verdict) \(Self.limits.load / 1_000_000) ms")
        return isWithinLimits
    }

    private static func verdict(_ measurement: Measurement, _ limit: Double, _ isWithinLimits: inout Bool) -> String {
        if measurement.median <= limit { return "within" }
        isWithinLimits = false
        return "OVER"
    }
}
