/// All that the providers have counted and recorded until one moment.
package struct ProviderMetricsSnapshot: Sendable, Hashable {
    package struct Label: Sendable, Hashable, Comparable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }

        package static func < (left: Label, right: Label) -> Bool { (left.name, left.value) < (right.name, right.value) }
    }

    package struct Histogram: Sendable, Hashable {
        /// The upper bounds of the buckets, ascending; what is larger counts only in `count`.
        package var bounds: [Double]
        /// So many observations were no larger than the bound of the same index.
        package var cumulative: [UInt64]
        package var count: UInt64
        package var sum: Double
    }

    package enum Value: Sendable, Hashable {
        case counter(UInt64)
        case histogram(Histogram)
    }

    package struct Series: Sendable, Hashable {
        package var labels: [Label]
        package var value: Value

        package init(labels: [Label], value: Value) {
            self.labels = labels
            self.value = value
        }
    }

    /// One metric with all its series, in the order of their labels.
    package struct Family: Sendable, Hashable {
        /// With its prefix: `provider_klaviyo_retries`.
        package var name: String
        package var series: [Series]

        package init(name: String, series: [Series]) {
            self.name = name
            self.series = series
        }
    }

    /// Sorted by name.
    package var families: [Family]

    package init(families: [Family]) { self.families = families }

    package subscript(_ name: String) -> Family? { families.first { $0.name == name } }

    /// The text format of Prometheus, version 0.0.4.
    package var prometheusText: String {
        var text = ""
        for family in families {
            switch family.series.first?.value {
            case .counter: text += "# TYPE \(family.name) counter\n"
            case .histogram: text += "# TYPE \(family.name) histogram\n"
            case nil: continue
            }
            for series in family.series {
                switch series.value {
                case .counter(let count): text += "\(family.name)\(Self.list(series.labels)) \(count)\n"
                case .histogram(let histogram):
                    for (bound, count) in zip(histogram.bounds.map { "\($0)" } + ["+Inf"], histogram.cumulative + [histogram.count]) {
                        text += "\(family.name)_bucket\(Self.list(series.labels + [Label("le", bound)])) \(count)\n"
                    }
                    text += "\(family.name)_sum\(Self.list(series.labels)) \(histogram.sum)\n"
                    text += "\(family.name)_count\(Self.list(series.labels)) \(histogram.count)\n"
                }
            }
        }
        return text
    }

    private static func list(_ labels: [Label]) -> String {
        if labels.isEmpty { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
    }

    private static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
