import CRMFakeHost
import CRMPluginAPI

/// A provider library in this process.
struct LoadedLibrary {
    enum Failure: Error {
        case noModule(String)
        case notCreated(String)
    }

    let path: String
    let type: String
    /// Written in Swift, with our SDK.
    let isSwift: Bool
    private let module: crm_module_v1

    init(_ path: String) throws {
        let library = try SharedLibrary(path: path)
        guard let table = library.factory(CRM_MODULE_ID) else { throw Failure.noModule(path) }
        module = table.assumingMemoryBound(to: crm_module_v1.self).pointee
        self.path = path
        type = module.descriptor().pointee.crm_type.text
        isSwift = module.sdk.text.hasPrefix("CRMPluginSDK/")
    }

    func create(_ host: UnsafePointer<crm_host_v1>, config: String) throws -> UnsafePointer<crm_provider_v1> {
        let bytes = Array(config.utf8)
        let provider = bytes.withUnsafeBufferPointer { config in
            module.create(host, crm_bytes(ptr: config.baseAddress, len: config.count), nil, { _, _ in })
        }
        guard let provider else { throw Failure.notCreated(path) }
        return provider
    }
}
