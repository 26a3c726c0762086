import CRMPluginAPI

extension ELFImage {
    /// Throws for whatever would make loading the library dangerous or pointless, as far as bytes tell. It comes before the first
    /// `dlopen`, which runs constructors.
    package func checkIsProvider() throws(LibraryError) {
        guard type == 3 else { throw LibraryError("not a shared object; link it with -shared") }
        guard machine == Self.ownMachine else { throw LibraryError("built for another processor") }
        try checkNote()

        let foreign = needed.filter { !Self.isSystemLibrary($0) }
        if let swift = foreign.first(where: { $0.hasPrefix("libswift") || $0.hasPrefix("libFoundation") }) {
            throw LibraryError("needs \(swift); a provider in Swift carries its own runtime: compile and link it with -static-stdlib")
        }
        guard foreign.isEmpty else {
            throw LibraryError("needs \(foreign.joined(separator: ", ")); link that statically, and do HTTP through the host")
        }
        // SwiftPM writes $ORIGIN into every library; beside the private copy there is nothing to be found.
        guard runPaths.allSatisfy({ $0 == "$ORIGIN" }) else { throw LibraryError("has a search path of its own; link without -rpath") }
        guard !hasTextRelocations else { throw LibraryError("has text relocations; compile with -fPIC") }
        guard !hasExecutableStack else { throw LibraryError("asks for an executable stack; link with -z noexecstack") }

        guard exports.contains(Self.entry) else {
            throw LibraryError("does not export \(Self.entry); mark it CRM_EXPORT, and see that the version script keeps it global")
        }
        let others = exports.filter { $0 != Self.entry && !Self.linkerSymbols.contains($0) }.sorted()
        guard others.isEmpty else {
            let shown = others.prefix(3).joined(separator: ", ") + (others.count > 3 ? " and \(others.count - 3) more" : "")
            throw LibraryError("exports \(shown) beside \(Self.entry); compile with -fvisibility=hidden or link with a version script")
        }
    }

    private func checkNote() throws(LibraryError) {
        let owner = Array("CRM\0".utf8)
        guard let note = notes.first(where: { $0.owner == owner && $0.type == 1 }), note.descriptor.count == 16 else {
            throw LibraryError("has no CRM note: not a provider library, or CRM_PROVIDER_NOTE is missing from its source")
        }
        let words = note.descriptor.withUnsafeBytes { bytes in
            (0..<4).map { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
        }
        guard words[0] == UInt32(CRM_MAGIC) else { throw LibraryError("its CRM note cannot be read") }
        guard words[1] == UInt32(CRM_MODULE_MAJOR) else {
            throw LibraryError("speaks version \(words[1]) of the provider interface; this host speaks \(CRM_MODULE_MAJOR)")
        }
    }

    static let entry = "crm_plugin_factory"
    private static let linkerSymbols: Set<String> = ["__bss_start", "_edata", "_end", "_init", "_fini"]

    #if arch(x86_64)
        private static let ownMachine: UInt16 = 62
    #elseif arch(arm64)
        private static let ownMachine: UInt16 = 183
    #endif

    private static func isSystemLibrary(_ name: String) -> Bool {
        ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"].contains(name)
            || name.hasPrefix("ld-linux-")
    }
}
