import CRMCore
import CRMCrypto
import CRMPluginAPI

/// The checked table `crm.module/0` of a loaded library, and what its descriptor says.
///
/// Tables and descriptors are static in the library, which stays mapped, so the pointer is good for ever.
struct ProviderModule: @unchecked Sendable {
    let table: UnsafePointer<crm_module_v1>
    let crmType: CRMType
    let displayName: String
    let version: String
    let capabilities: UInt64
    let manifest: ProviderManifest
    /// What it was built with.
    let sdk: String
    /// Of all that the descriptor says.
    let digest: String

    init(_ library: LibraryHandle) throws(LibraryError) {
        guard let raw = library.table(CRM_MODULE_ID) else {
            throw LibraryError(.factoryInterface, "does not offer \(CRM_MODULE_ID), the interface that this host speaks")
        }
        table = try Self.checkedTable(raw)
        // As a function that may return NULL, whatever the header promises.
        let function = unsafeBitCast(table.pointee.descriptor, to: (@convention(c) () -> UnsafeRawPointer?).self)
        guard let rawDescriptor = function() else { throw LibraryError(.descriptorValid, "its descriptor is NULL") }
        let descriptor = try Self.checkedDescriptor(rawDescriptor)

        let name = try text(descriptor.crm_type, "crm_type")
        guard let type = CRMType(name) else { throw LibraryError(.crmTypeLegal, "its crm_type does not match [a-z][a-z0-9_-]{1,31}") }
        guard !type.isReserved else { throw LibraryError(.crmTypeReserved, "its crm_type \(type) is a word of the API's own routes") }
        crmType = type
        displayName = try text(descriptor.display_name, "display_name")
        version = try text(descriptor.version, "version")
        capabilities = descriptor.capabilities
        guard !displayName.isEmpty, !version.isEmpty, version.utf8.count <= 64, displayName.utf8.count <= 128 else {
            throw LibraryError(.descriptorValid, "its descriptor lacks display_name or version")
        }
        guard descriptor.manifest_json.len <= Self.maximumManifestBytes else {
            throw LibraryError(.manifestValid, "its manifest has \(descriptor.manifest_json.len) bytes")
        }
        let manifestBytes = borrowedBytes(descriptor.manifest_json)
        manifest = try ProviderManifest(manifestBytes)
        sdk = borrowedText(table.pointee.sdk, limit: 128)
        var hash = SHA256()
        for part in [Array(name.utf8), Array(displayName.utf8), Array(version.utf8), Array("\(capabilities)".utf8), manifestBytes] {
            hash.update(Array("\(part.count):".utf8))
            hash.update(part)
        }
        digest = hexadecimalText(hash.finish())
    }

    private static let maximumManifestBytes = 1 << 20

    func description(sha256: String) -> ProviderDescription {
        ProviderDescription(
            crmType: crmType, displayName: displayName, version: version, capabilities: capabilities,
            credentialSchema: manifest.credentialSchema, settingsSchema: manifest.settingsSchema,
            documentationURL: manifest.documentationURL,
            sha256: sha256)
    }

    /// The sizes and pointers are looked at as plain words first: a table of another version, or one with a NULL in it, may not be read as
    /// the Swift type.
    private static func checkedTable(_ raw: UnsafeRawPointer) throws(LibraryError) -> UnsafePointer<crm_module_v1> {
        let magic = raw.loadUnaligned(as: UInt32.self)
        let size = raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
        guard magic == UInt32(CRM_MAGIC) else { throw LibraryError(.moduleTable, "its module table does not begin with CRM_MAGIC") }
        let expected = MemoryLayout<crm_module_v1>.size
        guard Int(size) == expected else {
            throw LibraryError(.moduleTable, "its crm_module_v1 has \(size) bytes instead of \(expected): built with another header")
        }
        for offset in stride(from: 32, to: expected, by: 8) where raw.loadUnaligned(fromByteOffset: offset, as: UInt.self) == 0 {
            throw LibraryError(.moduleTable, "its module table has a NULL function")
        }
        return raw.assumingMemoryBound(to: crm_module_v1.self)
    }

    private static func checkedDescriptor(_ raw: UnsafeRawPointer) throws(LibraryError) -> crm_descriptor_v1 {
        let size = raw.loadUnaligned(as: UInt32.self)
        let expected = MemoryLayout<crm_descriptor_v1>.size
        guard Int(size) == expected else {
            throw LibraryError(
                .descriptorValid, "its crm_descriptor_v1 has \(size) bytes instead of \(expected): built with another header")
        }
        return raw.load(as: crm_descriptor_v1.self)
    }
}

private func text(_ value: crm_str, _ field: String) throws(LibraryError) -> String {
    guard let text = String(validating: borrowedBytes(value), as: UTF8.self) else {
        throw LibraryError(.descriptorValid, "its \(field) is not UTF-8")
    }
    return text
}
