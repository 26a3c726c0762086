internal import CRMPluginAPI
internal import Glibc

/// A provider library in this process, loaded as the host loads it. Never unloaded.
package struct SharedLibrary: Sendable {
    private let entry: @convention(c) @Sendable (UnsafePointer<CChar>?) -> UnsafeRawPointer?

    package struct LoadFailure: Error {
        package let message: String
    }

    package init(path: String) throws(LoadFailure) {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE), let symbol = dlsym(handle, "crm_plugin_factory") else {
            throw LoadFailure(message: dlerror().map { String(cString: $0) } ?? "unknown")
        }
        entry = unsafeBitCast(symbol, to: (@convention(c) @Sendable (UnsafePointer<CChar>?) -> UnsafeRawPointer?).self)
    }

    package func factory(_ interfaceID: UnsafePointer<CChar>?) -> UnsafeRawPointer? { entry(interfaceID) }

    /// Where the products of this build are, or what `CRM_PROVIDER_LIBS` names instead.
    package static var directory: String {
        if let chosen = getenv("CRM_PROVIDER_LIBS") { return String(cString: chosen) }
        var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = path.withUnsafeMutableBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in text.baseAddress.map { readlink("/proc/self/exe", $0, text.count) } ?? 0 }
        }
        let binary = String(decoding: path.prefix(max(0, length)), as: UTF8.self)
        return binary.lastIndex(of: "/").map { String(binary[..<$0]) } ?? "."
    }
}
