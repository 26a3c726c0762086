extension ConformanceReport {
    /// One line for each group, and what failed or did not apply.
    package var text: String {
        var lines: [String] = []
        for group in ConformanceCase.Group.allCases where rows.contains(where: { $0.group == group }) {
            let (passed, failed, skipped) = (count(.passed, in: group), count(.failed, in: group), count(.notApplicable, in: group))
            var line = group.rawValue.padded(12) + "\(passed) passed".padded(12)
            if failed > 0 { line += "\(failed) failed".padded(10) }
            if skipped > 0 { line += "\(skipped) not applicable" }
            lines.append(line.trimmed)
        }
        lines += skippedReasons(rows).map { "  -     not applicable to \($0.count == 1 ? "one case" : "\($0.count) cases"): \($0.reason)" }
        for row in failures { lines.append("  FAIL  \(row.id): \(row.verdict.detail)") }
        lines.append(summary)
        return lines.joined(separator: "\n")
    }

    package var summary: String {
        let failed = count(.failed)
        let outcome = failed == 0 ? "all \(count(.passed)) cases passed" : "\(failed) of \(failed + count(.passed)) cases failed"
        let level = level.map { ", level \($0.rawValue)" } ?? ""
        return "\(outcome)\(level), seed \(seed), \((seconds * 10).rounded() / 10) s"
    }

    /// The table for a README.
    package var markdown: String {
        var lines = ["| group | passed | failed | not applicable |", "|---|---:|---:|---|"]
        for group in ConformanceCase.Group.allCases where rows.contains(where: { $0.group == group }) {
            let reasons = skippedReasons(rows.filter { $0.group == group }).map(\.reason)
            let skipped = count(.notApplicable, in: group)
            lines.append(
                "| \(group.rawValue) | \(count(.passed, in: group)) | \(count(.failed, in: group)) | "
                    + "\(skipped == 0 ? "" : "\(skipped): \(reasons.joined(separator: "; "))") |")
        }
        for row in failures { lines.append("| **failed** `\(row.id)` | | | \(row.verdict.detail.replacing("|", with: "\\|")) |") }
        if let level { lines.append("\nLevel: **\(level.rawValue)**.") }
        return lines.joined(separator: "\n")
    }

    /// Each reason once, with the number of cases that it kept away.
    private func skippedReasons(_ rows: [Row]) -> [(reason: String, count: Int)] {
        var reasons: [(reason: String, count: Int)] = []
        for row in rows where row.verdict.outcome == .notApplicable {
            if let index = reasons.firstIndex(where: { $0.reason == row.verdict.detail }) {
                reasons[index].count += 1
            } else {
                reasons.append((row.verdict.detail, 1))
            }
        }
        return reasons
    }

    /// As build servers read it.
    package var junit: String {
        var lines = [#"<?xml version="1.0" encoding="UTF-8"?>"#, #"<testsuites tests="\#(rows.count)" failures="\#(count(.failed))">"#]
        for group in ConformanceCase.Group.allCases {
            let members = rows.filter { $0.group == group }
            guard !members.isEmpty else { continue }
            lines.append(
                #"  <testsuite name="\#(group.rawValue)" tests="\#(members.count)" failures="\#(count(.failed, in: group))""#
                    + #" skipped="\#(count(.notApplicable, in: group))">"#)
            for row in members {
                let start = #"    <testcase classname="\#(group.rawValue)" name="\#(row.id.escaped)" time="\#(row.verdict.seconds)""#
                switch row.verdict.outcome {
                case .passed: lines.append(start + "/>")
                case .failed: lines.append(start + #"><failure message="\#(row.verdict.detail.escaped)"/></testcase>"#)
                case .notApplicable: lines.append(start + #"><skipped message="\#(row.verdict.detail.escaped)"/></testcase>"#)
                }
            }
            lines.append("  </testsuite>")
        }
        return (lines + ["</testsuites>", ""]).joined(separator: "\n")
    }
}

extension String {
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }

    fileprivate var trimmed: String { String(reversed().drop { $0 == " " }.reversed()) }

    /// For an XML attribute; what XML cannot hold is left out.
    fileprivate var escaped: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "\n", "\t": text += " "
            default: if scalar.value >= 0x20, scalar.value != 0xFFFE, scalar.value != 0xFFFF { text.unicodeScalars.append(scalar) }
            }
        }
        return text
    }
}
