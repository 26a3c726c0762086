package import CRMCore
package import CRMProviders

/// Everything that can be said about a library without putting it into service: what its bytes say, what it does in a process of its
/// own, and how it compares with the library that it is to replace.
package struct LibraryReport: Sendable {
    package let path: String
    package let findings: [LibraryFinding]
    package let descriptor: ProbedDescriptor?
    /// `nil`: there was nothing to compare with.
    package let changes: [DescriptorChange]?

    /// Blocks for as long as the probes take: a second at most for a good library, ten for a bad one.
    package init(_ path: String, previous: String? = nil, probe: ProbeCommand = ProbeCommand()) {
        self.path = path
        (findings, descriptor) = Self.examine(path, probe)
        guard let previous else {
            changes = nil
            return
        }
        guard let old = Self.examine(previous, probe).1 else {
            changes = [
                DescriptorChange(.fail, "previous", "\(previous) does not describe itself", fix: "name the library that is in service")
            ]
            return
        }
        changes = descriptor.map { DescriptorChange.between(old, $0) } ?? []
    }

    private static func examine(_ path: String, _ probe: ProbeCommand) -> ([LibraryFinding], ProbedDescriptor?) {
        let still = LibraryCheck.findings(path: path)
        // What is dangerous or pointless to load is not loaded.
        guard !still.contains(where: { $0.outcome == .fail }) else { return (still, nil) }
        do {
            let report = try ProviderProbe.probe(path: path, command: probe)
            return (still + report.findings, report.descriptor)
        } catch {
            return (still + [LibraryFinding(error)], nil)
        }
    }

    package var passes: Bool {
        descriptor != nil && !findings.contains { $0.outcome == .fail } && !(changes ?? []).contains { $0.outcome == .fail }
    }

    package var json: JSONValue {
        var object: JSONObject = ["library": .string(path), "passed": .bool(passes), "checks": .array(findings.map(\.json))]
        object.set("changes", changes.map { .array($0.map(\.json)) })
        return .object(object)
    }

    /// One line for each check, the fix below it.
    package var text: String {
        var lines: [String] = []
        for finding in findings { lines += Self.lines(finding.outcome, finding.rule.rawValue, finding.detail, finding.fix) }
        if let changes {
            lines.append("compared with the previous library:")
            if changes.isEmpty { lines.append("  pass  nothing that a merchant or an operator would notice") }
            for change in changes { lines += Self.lines(change.outcome, change.field, change.detail, change.fix) }
        }
        let counts = findings.map(\.outcome) + (changes ?? []).map(\.outcome)
        let (failed, warned) = (counts.count { $0 == .fail }, counts.count { $0 == .warn })
        lines.append(
            failed == 0
                ? "\(path) passes\(warned > 0 ? ", with \(warned) warnings" : "")" : "\(path) fails: \(failed) of \(counts.count) checks")
        return lines.joined(separator: "\n")
    }

    private static func lines(_ outcome: LibraryFinding.Outcome, _ name: String, _ detail: String, _ fix: String?) -> [String] {
        let mark = outcome == .fail ? "FAIL" : outcome.rawValue
        return ["  \(mark)  \(name)\(detail.isEmpty ? "" : ": \(detail)")"] + (fix.map { ["        fix: \($0)"] } ?? [])
    }
}
