import CRMCore
import CRMFakeHost
import CRMPluginAPI
import Glibc

/// A case found what it looks for.
struct CaseFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A case has nothing to look at in this provider.
struct NotApplicable: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What a case works with: the library, the author's file, and means to make hosts and instances.
final class CaseGround {
    let path: String
    let file: ConformanceFile
    let seed: UInt64
    private var loaded: SharedLibrary?

    init(path: String, file: ConformanceFile, seed: UInt64) {
        // Without a slash it would be looked for among the system's libraries.
        self.path = path.contains("/") ? path : "./\(path)"
        self.file = file
        self.seed = seed
    }

    /// Loaded at the first call, as a host does.
    func library() throws -> SharedLibrary {
        if let loaded { return loaded }
        do {
            let library = try SharedLibrary(path: path)
            loaded = library
            return library
        } catch {
            throw CaseFailure("the library cannot be loaded: \(error.message)")
        }
    }

    func module() throws -> UnsafePointer<crm_module_v1> {
        guard let table = try library().factory(CRM_MODULE_ID) else { throw CaseFailure("crm_plugin_factory has no \(CRM_MODULE_ID)") }
        guard table.load(as: UInt32.self) == CRM_MAGIC, table.load(fromByteOffset: 4, as: UInt32.self) == MemoryLayout<crm_module_v1>.size
        else {
            throw CaseFailure("its module table has another size or magic than this ABI's")
        }
        return table.assumingMemoryBound(to: crm_module_v1.self)
    }

    func descriptor() throws -> ReadDescriptor { ReadDescriptor(try module().pointee.descriptor().pointee) }

    func isDeclared(_ capability: UInt64) throws -> Bool { try descriptor().capabilities & capability != 0 }

    /// Operations that are declared and shown, with their first samples.
    func samples() throws -> [Sample] {
        let capabilities = try descriptor().capabilities
        let samples = ProviderOperation.allCases.filter { capabilities & $0.capability != 0 }.compactMap { file.sample(of: $0) }
        guard !samples.isEmpty else { throw NotApplicable("the file shows none of the declared operations") }
        return samples
    }

    /// The one that says most when one has to do: a write, if there is one.
    func mainSample() throws -> Sample {
        let samples = try samples()
        return samples.first { $0.operation.writes } ?? samples[0]
    }

    func sample(of operation: ProviderOperation) throws -> Sample {
        try require(operation.capability, operation.name)
        guard let sample = file.sample(of: operation) else { throw NotApplicable("the file shows no \(operation.name)") }
        return sample
    }

    func require(_ capability: UInt64, _ name: String) throws {
        guard try isDeclared(capability) else { throw NotApplicable("the capability \(name) is not declared") }
    }

    func rig(
        services: Set<FakeHost.Service> = Set(FakeHost.Service.allCases), workers: FakeWorkers.Mode = .virtual, config: JSONObject? = nil,
        _ interference: Playbook.Interference? = nil
    ) throws -> Rig {
        try Rig(self, services: services, workers: workers, config: config ?? file.config, interference)
    }

    /// The secret texts: of the credentials, as the manifest marks them, and of the session.
    func secrets() throws -> [NamedSecret] {
        let schema: Schema
        do {
            schema = try Schema(try descriptor().manifest?["credential_schema"] ?? [:])
        } catch let error as SchemaError {
            throw CaseFailure("credential_schema: \(error)")
        }
        var secrets = file.secrets.enumerated().map { NamedSecret(name: "secrets/\($0)", text: $1) }
        for name in schema.secretNames.sorted() {
            for credentials in [file.credentials] + file.samples.compactMap(\.credentials) {
                guard let text = credentials[name]?.stringValue, !text.isEmpty else { continue }
                guard text.utf8.count >= ConformanceFile.shortestSecret else {
                    throw CaseFailure(
                        "the secret credential \(name) in the conformance file is too short to be found again; give it "
                            + "\(ConformanceFile.shortestSecret) characters or more")
                }
                if !secrets.contains(where: { $0.text == text }) { secrets.append(NamedSecret(name: "credentials/\(name)", text: text)) }
            }
        }
        guard !secrets.isEmpty else { throw NotApplicable("neither credential_schema nor the file names a secret") }
        return secrets
    }
}

/// A text that may turn up nowhere, and its place in the conformance file.
struct NamedSecret {
    let name: String
    let text: String
}

/// A descriptor, copied out of a library.
struct ReadDescriptor: Hashable {
    let crmType: String
    let displayName: String
    let version: String
    let capabilities: UInt64
    let manifestBytes: [UInt8]

    init(_ descriptor: crm_descriptor_v1) {
        crmType = descriptor.crm_type.copied
        displayName = descriptor.display_name.copied
        version = descriptor.version.copied
        capabilities = descriptor.capabilities
        manifestBytes = descriptor.manifest_json.copied
    }

    var manifest: JSONValue? { try? JSONValue(parsing: manifestBytes) }

    /// The same in every process for the same descriptor.
    var digest: String {
        let text = [crmType, displayName, version, String(capabilities)].joined(separator: "\u{1F}")
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in Array(text.utf8) + manifestBytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return String(hash, radix: 16)
    }
}
