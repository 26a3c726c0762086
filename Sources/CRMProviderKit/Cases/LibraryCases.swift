import CRMCore
import CRMFakeHost
import CRMPluginAPI
import CRMProviders
import Glibc

extension ConformanceCase {
    /// What the library is before any operation.
    static let library: [ConformanceCase] = [
        ConformanceCase(.library, "file", "the file is one that a host loads: one export, the note, nothing needed but the system") {
            ground in
            let broken = LibraryCheck.findings(path: ground.path).filter { $0.outcome == .fail }
            guard let first = broken.first else { return }
            let others = broken.count > 1 ? " (and \(broken.count - 1) more; see providers check)" : ""
            throw CaseFailure("\(first.rule.rawValue): \(first.detail)\(first.fix.map { "; \($0)" } ?? "")\(others)")
        },
        ConformanceCase(.library, "factory", "the factory knows one interface, and answers the same table for it") { ground in
            let library = try ground.library()
            for id in ["crm.unknown/0", CRM_MODULE_ID + "x", CRM_MODULE_ID + " ", "crm.module", ""] where library.factory(id) != nil {
                throw CaseFailure("crm_plugin_factory(\"\(id)\") is a table; NULL is due for every id but \(CRM_MODULE_ID)")
            }
            guard library.factory(nil) == nil else { throw CaseFailure("crm_plugin_factory(NULL) is a table; NULL is due") }
            let tables = try TwoThreads.run { (0..<50).map { _ in library.factory(CRM_MODULE_ID).map { UInt(bitPattern: $0) } } }
            guard Set(tables.flatMap { $0 }) == [UInt(bitPattern: try ground.module())] else {
                throw CaseFailure("crm_plugin_factory(\"\(CRM_MODULE_ID)\") does not return the same table every time")
            }
        },
        ConformanceCase(.library, "quiet", "loading and describing take no time and leave nothing behind") { ground in
            let before = Surroundings()
            let start = now()
            _ = try ground.descriptor()
            let seconds = now() - start
            if let change = before.change(to: Surroundings()) { throw CaseFailure("after load and descriptor: \(change)") }
            guard seconds < 0.5 else { throw CaseFailure("load, factory and descriptor took \(Int(seconds * 1_000)) ms; 100 is a lot") }
        },
        ConformanceCase(.library, "descriptor", "the descriptor is complete, and the same every time") { ground in
            let first = try ground.descriptor()
            guard CRMType(first.crmType) != nil else {
                throw CaseFailure("crm_type \"\(first.crmType)\" does not match [a-z][a-z0-9_-]{1,31}")
            }
            guard !first.displayName.isEmpty, first.version.isSemanticVersion else {
                throw CaseFailure("display_name or version is missing, or \"\(first.version)\" is not a semantic version (1.2.3)")
            }
            let describe = try ground.module().pointee.descriptor
            let again = try TwoThreads.run { (0..<20).map { _ in ReadDescriptor(describe().pointee) } }.flatMap { $0 }
            guard Set(again) == [first] else { throw CaseFailure("the descriptor differs from call to call") }
            _ = try ground.rig().close()
            guard try ground.descriptor() == first else { throw CaseFailure("the descriptor is another one after create and close") }
        },
        ConformanceCase(.library, "manifest", "the manifest's schemas can be used, and fit the conformance file") { ground in
            guard let manifest = try ground.descriptor().manifest else { throw CaseFailure("the manifest is not JSON") }
            guard manifest.objectValue != nil else { throw CaseFailure("the manifest is not an object") }
            let values = [
                ("credential_schema", "credentials", ground.file.credentials), ("settings_schema", "settings", ground.file.settings),
                ("config_schema", "config", ground.file.config),
            ]
            for (name, member, value) in values {
                guard let schema = manifest[name] else { throw CaseFailure("the manifest has no \(name)") }
                let violations: [SchemaViolation]
                do {
                    violations = try Schema(schema).violations(of: .object(value))
                } catch {
                    throw CaseFailure("\(name): \(error)")
                }
                if let violation = violations.first {
                    throw CaseFailure("the file's \(member)\(violation.pointer) \(violation.detail), says \(name)")
                }
            }
        },
        ConformanceCase(.library, "wrong-credentials", "the credential schema refuses wrong credentials") { ground in
            guard let wrong = ground.file.wrongCredentials else { throw NotApplicable("the file has no wrong_credentials") }
            guard let schema = try ground.descriptor().manifest?["credential_schema"], let checked = try? Schema(schema) else {
                throw CaseFailure("the manifest has no usable credential_schema")
            }
            guard !checked.violations(of: wrong).isEmpty else {
                throw CaseFailure("credential_schema accepts the file's wrong_credentials")
            }
        },
        ConformanceCase(.library, "samples", "every declared operation is shown in the conformance file") { ground in
            let capabilities = try ground.descriptor().capabilities
            let missing = ProviderOperation.allCases.filter { capabilities & $0.capability != 0 && ground.file.sample(of: $0) == nil }
            guard missing.isEmpty else {
                throw CaseFailure("the file shows no \(missing.map(\.name).joined(separator: ", ")), which the library declares")
            }
        },
    ]

    /// Found out by the parent, which sees all processes.
    static let everyProcess = ConformanceCase(.library, "every-process", "the descriptor is the same in every process") { _ in }
}

extension String {
    fileprivate var isSemanticVersion: Bool {
        let core = prefix { $0 != "-" && $0 != "+" }.split(separator: ".", omittingEmptySubsequences: false)
        return core.count == 3 && core.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }
    }
}
