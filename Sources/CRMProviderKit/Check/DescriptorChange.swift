package import CRMCore
package import CRMProviders

/// A difference between a library and its predecessor that somebody would notice.
package struct DescriptorChange: Hashable, Sendable {
    package let outcome: LibraryFinding.Outcome
    /// Of the descriptor or the manifest.
    package let field: String
    package let detail: String
    package let fix: String?

    init(_ outcome: LibraryFinding.Outcome, _ field: String, _ detail: String, fix: String? = nil) {
        (self.outcome, self.field, self.detail, self.fix) = (outcome, field, detail, fix)
    }

    package var json: JSONValue {
        var object: JSONObject = ["field": .string(field), "outcome": .string(outcome.rawValue), "detail": .string(detail)]
        object.set("fix", fix)
        return .object(object)
    }

    /// What stops merchants who are connected fails; what an operator should know warns.
    package static func between(_ old: ProbedDescriptor, _ new: ProbedDescriptor) -> [DescriptorChange] {
        var changes: [DescriptorChange] = []
        if old.crmType != new.crmType {
            changes.append(
                DescriptorChange(
                    .fail, "crm_type", "was \(old.crmType), is \(new.crmType)",
                    fix: "keep the crm_type: connections are stored under it; another CRM is another library"))
        }
        changes += capabilities(old, new)
        for (schema, what) in [("credential_schema", "credential"), ("settings_schema", "setting"), ("config_schema", "config")] {
            let before = Fields(old.manifest[schema] ?? [:])
            let after = Fields(new.manifest[schema] ?? [:])
            changes += fields(schema, what, before, after)
        }
        changes += egress(old, new)
        if old.version == new.version, old != new {
            changes.append(
                DescriptorChange(.warn, "version", "is still \(new.version) although the descriptor differs", fix: "raise the version"))
        }
        return changes
    }

    private static func capabilities(_ old: ProbedDescriptor, _ new: ProbedDescriptor) -> [DescriptorChange] {
        let names = { (bits: UInt64) in
            ProviderDescription(
                crmType: new.crmType, displayName: "", version: "", capabilities: bits, credentialSchema: [:], settingsSchema: [:],
                documentationURL: nil, sha256: ""
            ).capabilityNames
        }
        let lost = old.capabilities & ~new.capabilities
        var changes = names(lost).map {
            DescriptorChange(.fail, "capabilities", "\($0) is gone", fix: "keep it: deliveries of that kind would become dead letters")
        }
        let gained = names(new.capabilities & ~old.capabilities)
        if !gained.isEmpty { changes.append(DescriptorChange(.warn, "capabilities", "new: \(gained.joined(separator: ", "))")) }
        return changes
    }

    private static func fields(_ schema: String, _ what: String, _ before: Fields, _ after: Fields) -> [DescriptorChange] {
        // The operator reads the release notes; merchants do not.
        let severity: LibraryFinding.Outcome = what == "config" ? .warn : .fail
        var changes: [DescriptorChange] = []
        for form in before.forms where !after.forms.contains(where: { $0.required.isSubset(of: form.required) }) {
            let added = after.forms.map { $0.required.subtracting(form.required) }.min { $0.count < $1.count } ?? []
            for name in added.sorted() {
                changes.append(
                    DescriptorChange(
                        severity, "\(schema).required",
                        "the \(what) \(name) is required now\(before.forms.count > 1 ? " of those with \(form.title)" : "")",
                        fix: "give it a default and take it out of required, or accept the old form as well (oneOf)"))
            }
        }
        for name in before.names.subtracting(after.names).sorted() {
            changes.append(
                DescriptorChange(
                    .warn, "\(schema).properties.\(name)", "the \(what) is gone; stored values with it are refused",
                    fix: "keep it in the schema for as long as anybody has it"))
        }
        for name in after.names.subtracting(before.names).sorted() {
            changes.append(DescriptorChange(.warn, "\(schema).properties.\(name)", "a new \(what)"))
        }
        for name in before.secrets.subtracting(after.secrets).intersection(after.names).sorted() {
            changes.append(
                DescriptorChange(.warn, "\(schema).properties.\(name)", "is no secret any more", fix: "keep \"writeOnly\": true"))
        }
        return changes
    }

    private static func egress(_ old: ProbedDescriptor, _ new: ProbedDescriptor) -> [DescriptorChange] {
        let hosts = { (descriptor: ProbedDescriptor) in Set(descriptor.manifest["egress"]?.arrayValue?.compactMap(\.stringValue) ?? []) }
        return hosts(new).subtracting(hosts(old)).sorted().map {
            DescriptorChange(.warn, "egress", "needs \($0) as well", fix: "add it to egress.allow of entries that have one")
        }
    }
}

/// What a schema asks for, form by form.
private struct Fields {
    struct Form {
        var required: Set<String>
        var title: String { required.sorted().joined(separator: ", ") }
    }

    var forms: [Form]
    var names: Set<String>
    var secrets: Set<String>

    init(_ schema: JSONValue) {
        let alternatives = schema["oneOf"]?.arrayValue ?? []
        let common = Self.required(schema)
        forms = alternatives.isEmpty ? [Form(required: common)] : alternatives.map { Form(required: common.union(Self.required($0))) }
        let properties = ([schema] + alternatives).flatMap { Array($0["properties"]?.objectValue ?? [:]) }
        names = Set(properties.map(\.key))
        secrets = Set(properties.filter { $0.value["writeOnly"] == true }.map(\.key))
    }

    private static func required(_ schema: JSONValue) -> Set<String> {
        Set(schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? [])
    }
}
