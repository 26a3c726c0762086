import CRMPluginAPI
import CRMTransport

extension InstanceHost {
    private static let httpMetric = "http_seconds"

    func addToCounter(
        _ name: crm_str, _ labels: UnsafePointer<crm_metric_label_v1>?, _ count: Int, _ amount: UInt64
    ) {
        metrics.add(amount, to: ownName(name), metricLabels(labels, count), of: crmType)
    }

    func recordInHistogram(
        _ name: crm_str, _ labels: UnsafePointer<crm_metric_label_v1>?, _ count: Int, _ value: Double
    ) {
        metrics.record(value, in: ownName(name), metricLabels(labels, count), of: crmType)
    }

    /// Every HTTP call of a provider, measured by the host.
    func recordHTTP(route: String, _ result: Result<HTTPResponse, HTTPFailure>, nanoseconds: Int64) {
        let outcome =
            switch result {
            case .success(let response): "\(response.status / 100)xx"
            case .failure(let failure): failure.code == .tooLarge ? "too_large" : "\(failure.code)"
            }
        let labels = [ProviderMetrics.Label("route", route), ProviderMetrics.Label("outcome", outcome)]
        metrics.record(Double(nanoseconds) / 1e9, in: Self.httpMetric, labels, of: crmType)
    }

    /// Empty, which is no name, for what cannot be one, and for the host's own.
    private func ownName(_ name: crm_str) -> String {
        guard let name = shortText(name), name != Self.httpMetric else { return "" }
        return name
    }

    /// `nil`: there are too many, or one of them is no text.
    private func metricLabels(_ labels: UnsafePointer<crm_metric_label_v1>?, _ count: Int) -> [ProviderMetrics.Label]? {
        guard count <= ProviderMetrics.maximumLabels else { return nil }
        var read: [ProviderMetrics.Label] = []
        for label in UnsafeBufferPointer(start: labels, count: labels == nil ? 0 : count) {
            guard let name = shortText(label.name), let value = shortText(label.value) else { return nil }
            read.append(ProviderMetrics.Label(name, value))
        }
        return read
    }

    /// No longer than anything legal may be, and one byte more, so that what is longer is seen to be.
    private func shortText(_ text: crm_str) -> String? {
        String(validating: borrowedBytes(text, limit: ProviderMetrics.maximumValueBytes + 1), as: UTF8.self)
    }
}
