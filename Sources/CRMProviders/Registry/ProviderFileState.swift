package import CRMCore

/// How one file of `providers.d` fares: for `/providers` and `crm-host providers list`.
package struct ProviderFileState: Hashable, Sendable {
    package enum State: String, Sendable {
        /// With a reason: what runs is the version before, and the reason says why the present files were refused.
        case inService = "in_service"
        /// Loaded and described, but given no work, as the entry says.
        case paused
        case disabled
        case failed
        /// Takes no more operations. With a reason: it did not let go, and stays in memory.
        case draining
        /// Would go into service; only where nothing is put into service.
        case ready
    }

    /// A version of a library, as far as it is known.
    package struct Version: Hashable, Sendable {
        package var name: String?
        /// In hexadecimal.
        package var sha256: String

        package init(name: String? = nil, sha256: String) {
            self.name = name
            self.sha256 = sha256
        }
    }

    /// The file's name, without its directory.
    package var file: String
    package var library: String?
    package var crmType: CRMType?
    /// What the files ask for: the entry's pin, or without one the library as it lies there.
    package var configured: Version?
    /// What serves, or served until now.
    package var running: Version?
    package var state: State
    package var reason: String?
    /// The rule that the files break, and what to do about it.
    package var rule: LibraryRule?
    package var fix: String?
    /// How often a library was put into service for this file since the host started.
    package var generations = 0
    /// What an operator should know although all is well.
    package var warning: String?
    package var conduct = ProviderConductCounts()

    package init(file: String, library: String? = nil, state: State, reason: String? = nil) {
        self.file = file
        self.library = library
        self.state = state
        self.reason = reason
    }

    /// Of what runs, otherwise of what should.
    package var version: String? { running?.name ?? configured?.name }
    package var sha256: String? { running?.sha256 ?? configured?.sha256 }

    package var json: JSONValue {
        var object: JSONObject = ["file": .string(file)]
        object.set("library", library)
        object.set("crm_type", crmType?.name)
        object.set("version", version)
        object.set("sha256", sha256)
        object.set("configured_version", configured?.name)
        object.set("configured_sha256", configured?.sha256)
        object.set("running_version", running?.name)
        object.set("running_sha256", running?.sha256)
        object["state"] = .string(state.rawValue)
        object.set("reason", reason)
        object.set("rule", rule?.rawValue)
        object.set("fix", fix)
        object["generations"] = .integer(generations)
        object.set("warning", warning)
        for (name, count) in [
            ("abandoned", conduct.abandoned), ("strays", conduct.strays), ("late_completions", conduct.lateCompletions),
            ("wrong_results", conduct.wrongResults), ("wrong_calls", conduct.wrongCalls), ("after_close", conduct.afterClose),
        ] {
            object[name] = .integer(count)
        }
        return .object(object)
    }
}

extension ProviderFileState {
    /// Why files were not taken: the entry cannot be read, or the library is wrong.
    enum Refusal {
        case entry(ProviderEntryError)
        case library(LibraryError)
    }

    mutating func set(_ refusal: Refusal) {
        switch refusal {
        case .entry(let error): reason = error.description
        case .library(let error): (reason, rule, fix) = (error.description, error.rule, error.fix)
        }
    }
}
