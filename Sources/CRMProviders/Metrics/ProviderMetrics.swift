import CRMCore
import Synchronization

/// The counters and histograms of all providers of the process, within bounds that no provider can exceed.
final class ProviderMetrics: Sendable {
    typealias Label = ProviderMetricsSnapshot.Label

    private struct Metric {
        let isHistogram: Bool
        var counters: [[Label]: UInt64] = [:]
        var histograms: [[Label]: Distribution] = [:]

        var seriesCount: Int { counters.count + histograms.count }
    }

    private struct State {
        var metrics: [String: Metric] = [:]
        var perType: [CRMType: Int] = [:]
        var dropped: [CRMType: UInt64] = [:]
    }

    private let state = Mutex(State())

    static let maximumSeries = 100
    static let maximumMetricsPerProvider = 200
    static let maximumLabels = 8
    static let maximumValueBytes = 64

    /// `nil` labels: they broke the rules before they could be read.
    func add(_ amount: UInt64, to name: String, _ labels: [Label]?, of type: CRMType) {
        change(name, labels, of: type, isHistogram: false) { metric, labels in
            let sum = metric.counters[labels, default: 0].addingReportingOverflow(amount)
            metric.counters[labels] = sum.overflow ? .max : sum.partialValue
        }
    }

    func record(_ value: Double, in name: String, _ labels: [Label]?, of type: CRMType) {
        guard value.isFinite else { return drop(type) }
        change(name, labels, of: type, isHistogram: true) { metric, labels in
            metric.histograms[labels, default: Distribution(unitOf: name)].add(value)
        }
    }

    private func change(
        _ name: String, _ labels: [Label]?, of type: CRMType, isHistogram: Bool, _ body: (inout Metric, [Label]) -> Void
    ) {
        guard let labels, Self.isName(name, maximum: 64), Self.areValid(labels) else { return drop(type) }
        let sorted = labels.sorted()
        let fullName = Self.fullName(name, of: type)
        state.withLock { state in
            var metric: Metric
            if let known = state.metrics[fullName] {
                guard known.isHistogram == isHistogram else {
                    state.dropped[type, default: 0] += 1
                    return
                }
                metric = known
            } else {
                guard state.perType[type, default: 0] < Self.maximumMetricsPerProvider else {
                    state.dropped[type, default: 0] += 1
                    return
                }
                state.perType[type, default: 0] += 1
                metric = Metric(isHistogram: isHistogram)
            }
            // Not copied while it is changed.
            state.metrics[fullName] = nil
            let isKnown = metric.counters[sorted] != nil || metric.histograms[sorted] != nil
            let isFull = !isKnown && metric.seriesCount >= Self.maximumSeries
            body(&metric, isFull ? sorted.map { Label($0.name, "other") } : sorted)
            state.metrics[fullName] = metric
        }
    }

    private func drop(_ type: CRMType) { state.withLock { $0.dropped[type, default: 0] += 1 } }

    var snapshot: ProviderMetricsSnapshot {
        state.withLock { state in
            var families = state.metrics.map { name, metric in
                let counters = metric.counters.map { ProviderMetricsSnapshot.Series(labels: $0, value: .counter($1)) }
                let histograms = metric.histograms.map {
                    ProviderMetricsSnapshot.Series(labels: $0, value: .histogram($1.snapshot))
                }
                return ProviderMetricsSnapshot.Family(name: name, series: (counters + histograms).sorted { Self.precedes($0, $1) })
            }
            if !state.dropped.isEmpty {
                let series = state.dropped.sorted { $0.key < $1.key }.map { type, count in
                    ProviderMetricsSnapshot.Series(labels: [Label("crm_type", type.name)], value: .counter(count))
                }
                families.append(ProviderMetricsSnapshot.Family(name: "provider_metrics_dropped", series: series))
            }
            return ProviderMetricsSnapshot(families: families.sorted { $0.name < $1.name })
        }
    }

    private static func precedes(_ left: ProviderMetricsSnapshot.Series, _ right: ProviderMetricsSnapshot.Series) -> Bool {
        left.labels.lexicographicallyPrecedes(right.labels)
    }

    // MARK: Rules

    /// A hyphen is legal in a crm_type and in no metric.
    private static func fullName(_ name: String, of type: CRMType) -> String {
        "provider_" + String(type.name.map { $0 == "-" ? "_" : $0 }) + "_" + name
    }

    private static func areValid(_ labels: [Label]) -> Bool {
        labels.count <= maximumLabels && Set(labels.map(\.name)).count == labels.count
            && labels.allSatisfy { isName($0.name, maximum: 32) && $0.name != "le" && $0.value.utf8.count <= maximumValueBytes }
    }

    private static func isName(_ name: String, maximum: Int) -> Bool {
        guard let first = name.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
        return name.utf8.count <= maximum
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
                default: false
                }
            }
    }
}

/// Observations in buckets that suit the unit with which a metric's name ends.
private struct Distribution {
    private let bounds: [Double]
    private var buckets: [UInt64]
    private var count: UInt64 = 0
    private var sum = 0.0

    init(unitOf name: String) {
        bounds =
            if name.hasSuffix("_seconds") {
                [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
            } else if name.hasSuffix("_bytes") {
                [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216]
            } else {
                [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]
            }
        buckets = [UInt64](repeating: 0, count: bounds.count)
    }

    mutating func add(_ value: Double) {
        if let place = bounds.firstIndex(where: { value <= $0 }) { buckets[place] += 1 }
        count += 1
        sum += value
    }

    var snapshot: ProviderMetricsSnapshot.Histogram {
        var total: UInt64 = 0
        let cumulative = buckets.map { bucket in
            total += bucket
            return total
        }
        return ProviderMetricsSnapshot.Histogram(bounds: bounds, cumulative: cumulative, count: count, sum: sum)
    }
}
