package import CRMCore

/// What a library said and did in its probe.
package struct ProbeReport: Sendable, Hashable {
    /// In the order of the steps.
    package var findings: [LibraryFinding]
    /// `nil`: it did not come so far.
    package var descriptor: ProbedDescriptor?

    /// The first rule that it breaks.
    package var failure: LibraryError? {
        if let failure = findings.lazy.compactMap(\.error).first { return failure }
        return descriptor == nil ? LibraryError(.probeSurvives, "did not describe itself in the probe") : nil
    }
}

/// A library's descriptor, read in another process.
package struct ProbedDescriptor: Sendable, Hashable {
    package var crmType: CRMType
    package var displayName: String
    package var version: String
    /// Bits of the ABI's `CRM_CAPABILITY_*`.
    package var capabilities: UInt64
    package var manifest: JSONValue
    /// What it was built with.
    package var sdk: String
    /// Equal for equal descriptors.
    var digest: String

    init(_ module: ProviderModule) {
        crmType = module.crmType
        displayName = module.displayName
        version = module.version
        capabilities = module.capabilities
        manifest = module.manifest.json
        sdk = module.sdk
        digest = module.digest
    }

    package init?(json: JSONValue) {
        guard let crmType = json["crm_type"]?.stringValue.flatMap(CRMType.init), let displayName = json["display_name"]?.stringValue,
            let version = json["version"]?.stringValue, let capabilities = json["capabilities"]?.stringValue.flatMap({ UInt64($0) }),
            let manifest = json["manifest"], let digest = json["digest"]?.stringValue
        else {
            return nil
        }
        self.crmType = crmType
        self.displayName = displayName
        self.version = version
        self.capabilities = capabilities
        self.manifest = manifest
        self.digest = digest
        sdk = json["sdk"]?.stringValue ?? ""
    }

    package var json: JSONValue {
        [
            "crm_type": .string(crmType.name), "display_name": .string(displayName), "version": .string(version),
            // As text: JSON's numbers are not good for 64 bits everywhere.
            "capabilities": .string("\(capabilities)"), "sdk": .string(sdk), "digest": .string(digest), "manifest": manifest,
        ]
    }
}
