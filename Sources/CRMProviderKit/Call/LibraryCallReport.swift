package import CRMCore
import CRMFakeHost
import CRMTransport

/// What happened in one call of a library; nothing of it is printed before it went through a redaction.
package struct LibraryCallReport: Sendable {
    let result: OperationResult?
    let hasTimedOut: Bool
    let seconds: Double
    let exchanges: [LiveExchanges.Exchange]
    let log: [FakeLog.Line]
    let metrics: [FakeMetrics.Sample]
    let violations: [String]
    let secrets: [String]

    package var isOK: Bool { result?.status == ProviderStatus.ok.rawValue && !hasTimedOut }

    private var redaction: Redaction {
        var redaction = Redaction(secrets: secrets)
        for exchange in exchanges { redaction.learn(exchange.request) }
        return redaction
    }

    /// Every exchange, then the result. `isTraced`: the log, metrics and broken rules as well.
    package func text(isTraced: Bool) -> String {
        let redaction = redaction
        var parts = exchanges.map { $0.text(redaction) }
        if isTraced { parts += trace(redaction) }
        if exchanges.contains(where: \.isBlocked) {
            parts.append(
                "A target was refused: name what may be called with --allow host:443, or --allow http://127.0.0.1:PORT for this machine.")
        }
        parts.append(outcome(redaction))
        return parts.joined(separator: "\n\n")
    }

    private func outcome(_ redaction: Redaction) -> String {
        guard let result else { return "The operation did not end, not even after it was cancelled (\(Int(seconds)) s)." }
        var line = "\(result.statusName) after \(Int(seconds * 1_000)) ms"
        if hasTimedOut { line += ", cancelled because the time was over" }
        if !result.code.isEmpty { line += "\n  code: \(redaction.text(result.code))" }
        if !result.message.isEmpty { line += "\n  message: \(redaction.text(result.message))" }
        if result.retryAfterMilliseconds > 0 { line += "\n  retry after: \(result.retryAfterMilliseconds) ms" }
        let flags = [(result.isRetryable, "retryable"), (result.isAmbiguous, "ambiguous: the write may have happened")].filter(\.0).map(\.1)
        if !flags.isEmpty { line += "\n  flags: \(flags.joined(separator: ", "))" }
        if let payload = redaction.body(result.payloadBytes) { line += "\n\(payload.stringValue ?? payload.indented)" }
        return line
    }

    private func trace(_ redaction: Redaction) -> [String] {
        var lines = log.map { "log \($0.level): \(redaction.text($0.message)) \(redaction.text($0.fields))" }
        for sample in metrics {
            let labels = sample.labels.map { "\($0.name)=\(redaction.text($0.value))" }.joined(separator: ",")
            lines.append("metric \(sample.name){\(labels)} \(sample.value)")
        }
        lines += violations.map { "broken rule: \(redaction.text($0))" }
        return lines.isEmpty ? [] : [lines.joined(separator: "\n")]
    }

    /// A cassette of the exchanges, for replay in tests: a secret is in none of it.
    package var cassette: JSONValue {
        let redaction = redaction
        return .array(exchanges.compactMap { $0.recorded(redaction) })
    }
}

extension LiveExchanges.Exchange {
    fileprivate var isBlocked: Bool { if case .failure(let failure) = answer { failure.code == .blocked } else { false } }
}
