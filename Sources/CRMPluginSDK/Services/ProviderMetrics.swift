internal import CRMPluginAPI

/// Counters and histograms in the host's metrics, under the provider's name; without the host's service they go nowhere.
///
/// Names are `[a-z][a-z0-9_]{0,63}`, label names too. Label values come from small fixed sets: never an id, never what somebody typed.
public struct ProviderMetrics: Sendable {
    private let service: HostTable<crm_metrics_v1>?

    init(_ service: HostTable<crm_metrics_v1>?) { self.service = service }

    public func count(_ name: String, by amount: UInt64 = 1, _ labels: KeyValuePairs<String, String> = [:]) {
        guard let service = service?.table else { return }
        lend(name, labels) { name, labels in
            service.counter_add(service.ctx, name, labels.baseAddress, labels.count, amount)
        }
    }

    /// `value` is in the base unit that the name ends with: `_seconds`, `_bytes`.
    public func record(_ name: String, _ value: Double, _ labels: KeyValuePairs<String, String> = [:]) {
        guard let service = service?.table else { return }
        lend(name, labels) { name, labels in
            service.histogram_record(service.ctx, name, labels.baseAddress, labels.count, value)
        }
    }

    private func lend(
        _ name: String, _ labels: KeyValuePairs<String, String>, _ use: (crm_str, UnsafeBufferPointer<crm_metric_label_v1>) -> Void
    ) {
        var texts = BorrowedTexts()
        let name = texts.append(name.utf8)
        let pairs = labels.map { (name: texts.append($0.key.utf8), value: texts.append($0.value.utf8)) }
        texts.storage.withUnsafeBytes { memory in
            pairs.map { crm_metric_label_v1(name: memory.text($0.name), value: memory.text($0.value)) }
                .withUnsafeBufferPointer { use(memory.text(name), $0) }
        }
    }
}
