package import CRMCore

/// How one file of `providers.d` fares: for `/providers` and `crm-host providers list`.
package struct ProviderFileState: Hashable, Sendable {
    package enum State: String, Sendable {
        /// With a reason: what runs is the version before, and the reason says why the present files were refused.
        case inService = "in_service"
        case disabled
        case failed
        /// Takes no more operations. With a reason: it did not let go, and stays in memory.
        case draining
        /// Would go into service; only where nothing is put into service.
        case ready
    }

    /// The file's name, without its directory.
    package var file: String
    package var library: String?
    package var crmType: CRMType?
    package var version: String?
    /// Of the library, in hexadecimal.
    package var sha256: String?
    package var state: State
    package var reason: String?

    package init(
        file: String, library: String? = nil, crmType: CRMType? = nil, version: String? = nil, sha256: String? = nil, state: State,
        reason: String? = nil
    ) {
        self.file = file
        self.library = library
        self.crmType = crmType
        self.version = version
        self.sha256 = sha256
        self.state = state
        self.reason = reason
    }

    package var json: JSONValue {
        var object: JSONObject = ["file": .string(file)]
        object.set("library", library)
        object.set("crm_type", crmType?.name)
        object.set("version", version)
        object.set("sha256", sha256)
        object["state"] = .string(state.rawValue)
        object.set("reason", reason)
        return .object(object)
    }
}
