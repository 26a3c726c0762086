import CRMCore

/// `meta.patch_properties`: changes to single custom properties.
struct KlaviyoPropertyPatch {
    private var append: JSONObject = [:]
    private var unappend: JSONObject = [:]
    private var unset: [String] = []

    init(_ meta: KlaviyoField?) throws(KlaviyoRefusal) {
        guard let meta else { return }
        try meta.onlyMembers(["patch_properties", "patch_identifiers"], of: "profile-meta")
        if let identifiers = meta.optional("patch_identifiers") {
            throw .invalid("The sandbox does not play patch_identifiers.", at: identifiers.pointer)
        }
        guard let patch = meta.optional("patch_properties") else { return }
        try patch.onlyMembers(["append", "unappend", "unset"], of: "patch-properties")
        append = try patch.optional("append")?.object() ?? [:]
        unappend = try patch.optional("unappend")?.object() ?? [:]
        if let names = patch.optional("unset") {
            if let name = names.value.stringValue {
                unset = [name]
            } else {
                for name in try names.elements() { unset.append(try name.string()) }
            }
        }
    }

    func apply(to properties: inout JSONObject) {
        for (name, value) in append { properties[name] = .array(Self.list(properties[name]) + Self.list(value)) }
        for (name, value) in unappend {
            guard let list = properties[name]?.arrayValue else { continue }
            let removed = Self.list(value)
            properties[name] = .array(list.filter { !removed.contains($0) })
        }
        for name in unset { properties[name] = nil }
    }

    private static func list(_ value: JSONValue?) -> [JSONValue] {
        switch value {
        case nil, .null?: []
        case .array(let elements)?: elements
        case let single?: [single]
        }
    }
}
