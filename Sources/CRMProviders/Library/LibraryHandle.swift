import CRMPluginAPI
import Glibc

/// A library in this process. It is never unloaded: code of a Swift library may still be referred to after its last use.
struct LibraryHandle: Sendable {
    private let factory: @convention(c) (UnsafePointer<CChar>?) -> UnsafeRawPointer?

    /// Runs the library's constructors.
    init(opening path: String) throws(LibraryError) {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            throw LibraryError(.probeLoads, "cannot be loaded: \(Self.lastMessage())")
        }
        guard let symbol = dlsym(handle, ELFImage.entry) else {
            throw LibraryError(.elfEntry, "does not export \(ELFImage.entry): \(Self.lastMessage())")
        }
        factory = unsafeBitCast(symbol, to: (@convention(c) (UnsafePointer<CChar>?) -> UnsafeRawPointer?).self)
    }

    /// `nil` is passed on as NULL.
    func table(orNull interfaceID: String?) -> UnsafeRawPointer? { interfaceID.map { table($0) } ?? factory(nil) }

    func table(_ interfaceID: String) -> UnsafeRawPointer? { interfaceID.withCString { factory($0) } }

    private static func lastMessage() -> String { dlerror().map { String(cString: $0) } ?? "no reason given" }
}
