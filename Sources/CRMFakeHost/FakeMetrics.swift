internal import CRMPluginAPI
internal import Synchronization

/// What the provider counted and measured: `crm.metrics/1`.
package final class FakeMetrics: Sendable {
    package struct Sample: Sendable, Hashable {
        package enum Kind: Sendable { case counter, histogram }

        package struct Label: Sendable, Hashable {
            package let name: String
            package let value: String

            package init(_ name: String, _ value: String) {
                self.name = name
                self.value = value
            }
        }

        package let kind: Kind
        package let name: String
        package let labels: [Label]
        package let value: Double

        package init(_ kind: Kind, _ name: String, _ labels: [Label], _ value: Double) {
            self.kind = kind
            self.name = name
            self.labels = labels
            self.value = value
        }
    }

    private let state = Mutex<[Sample]>([])

    package var samples: [Sample] { state.withLock { $0 } }

    /// What a counter has come to, over all of its labels.
    package func total(_ name: String) -> Double {
        samples.filter { $0.kind == .counter && $0.name == name }.reduce(0) { $0 + $1.value }
    }

    func write(_ kind: Sample.Kind, _ name: crm_str, _ labels: UnsafePointer<crm_metric_label_v1>?, _ count: Int, _ value: Double) {
        let labels = UnsafeBufferPointer(start: labels, count: labels == nil ? 0 : count).map {
            Sample.Label($0.name.copied, $0.value.copied)
        }
        state.withLock { $0.append(Sample(kind, name.copied, labels, value)) }
    }
}
