package import CRMCore
package import CRMProviders

/// A library's descriptor and manifest, read in a process of its own.
package enum LibraryDescription {
    /// Blocks for as long as the probe takes.
    package static func json(_ path: String, probe: ProbeCommand = ProbeCommand()) throws(LibraryError) -> JSONValue {
        let report = LibraryReport(path, probe: probe)
        guard let descriptor = report.descriptor else {
            throw report.findings.lazy.compactMap(\.error).first
                ?? LibraryError(.probeSurvives, "\(path) did not describe itself", fix: "run crm-host providers check on it")
        }
        let names = ProviderDescription(
            crmType: descriptor.crmType, displayName: descriptor.displayName, version: descriptor.version,
            capabilities: descriptor.capabilities, credentialSchema: [:], settingsSchema: [:], documentationURL: nil, sha256: ""
        ).capabilityNames
        return [
            "crm_type": .string(descriptor.crmType.name), "display_name": .string(descriptor.displayName),
            "version": .string(descriptor.version), "capabilities": .array(names.map { .string($0) }), "sdk": .string(descriptor.sdk),
            "manifest": descriptor.manifest,
        ]
    }
}

extension JSONValue {
    /// For reading: two spaces a level, short arrays of plain values on one line.
    package var indented: String { indented("") }

    private func indented(_ space: String) -> String {
        let inner = space + "  "
        switch self {
        case .object(let members) where !members.isEmpty:
            let lines = members.map { "\(inner)\(JSONValue.string($0.key).text): \($0.value.indented(inner))" }
            return "{\n\(lines.joined(separator: ",\n"))\n\(space)}"
        case .array(let elements) where elements.contains { $0.objectValue != nil || $0.arrayValue != nil || text.count > 100 }:
            return "[\n\(elements.map { inner + $0.indented(inner) }.joined(separator: ",\n"))\n\(space)]"
        default: return text
        }
    }
}
