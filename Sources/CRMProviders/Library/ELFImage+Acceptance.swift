import CRMPluginAPI
import Glibc

extension ELFImage {
    /// Throws for whatever would make loading the library dangerous or pointless, as far as bytes tell. It comes before the first
    /// `dlopen`, which runs constructors.
    package func checkIsProvider() throws(LibraryError) {
        for rule in Self.rules { try check(rule) }
    }

    /// Every rule with its outcome.
    package var findings: [LibraryFinding] {
        Self.rules.map { rule in
            do throws(LibraryError) {
                try check(rule)
                return LibraryFinding(rule)
            } catch {
                return LibraryFinding(error)
            }
        }
    }

    private static let rules: [LibraryRule] = [
        .elfSharedObject, .elfMachine, .elfNote, .elfInterface, .elfSwiftRuntime, .elfNoHTTPStack, .elfNeeded, .elfSearchPath,
        .elfTextRelocations, .elfExecutableStack, .elfGlibc, .elfEntry, .elfExports,
    ]

    private func check(_ rule: LibraryRule) throws(LibraryError) {
        let fault: (detail: String, fix: String)? =
            switch rule {
            case .elfSharedObject: type == 3 ? nil : ("not a shared object", "link it with -shared")
            case .elfMachine: machine == Self.ownMachine ? nil : ("built for another processor", "build it for \(Self.ownMachineName)")
            case .elfNote: noteFault
            case .elfInterface: interfaceFault
            case .elfSwiftRuntime: swiftFault
            case .elfNoHTTPStack: httpStackFault
            case .elfNeeded: neededFault
            // SwiftPM writes $ORIGIN into every library; beside the private copy there is nothing to be found.
            case .elfSearchPath:
                runPaths.allSatisfy { $0 == "$ORIGIN" } ? nil : ("has a search path of its own", "link without -rpath")
            case .elfTextRelocations: hasTextRelocations ? ("has text relocations", "compile with -fPIC") : nil
            case .elfExecutableStack: hasExecutableStack ? ("asks for an executable stack", "link with -z noexecstack") : nil
            case .elfGlibc: glibcFault
            case .elfEntry:
                exports.contains(Self.entry)
                    ? nil : ("does not export \(Self.entry)", "mark it CRM_EXPORT, and see that the version script keeps it global")
            case .elfExports: exportsFault
            default: nil
            }
        if let fault { throw LibraryError(rule, fault.detail, fix: fault.fix) }
    }

    private typealias Fault = (detail: String, fix: String)

    // MARK: The note

    /// Magic, interface major, header minor, 0.
    private var noteWords: [UInt32]? {
        let owner = Array("CRM\0".utf8)
        guard let note = notes.first(where: { $0.owner == owner && $0.type == 1 }), note.descriptor.count == 16 else { return nil }
        return note.descriptor.withUnsafeBytes { bytes in
            (0..<4).map { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
        }
    }

    private var noteFault: Fault? {
        guard let words = noteWords else {
            return ("has no CRM note: not a provider library", "place CRM_PROVIDER_NOTE at file scope of its source")
        }
        return words[0] == UInt32(CRM_MAGIC) ? nil : ("its CRM note cannot be read", "place CRM_PROVIDER_NOTE as the header has it")
    }

    private var interfaceFault: Fault? {
        guard let words = noteWords, words[1] != UInt32(CRM_MODULE_MAJOR) else { return nil }
        return (
            "speaks version \(words[1]) of the provider interface; this host speaks \(CRM_MODULE_MAJOR)",
            "build it with the headers of this host"
        )
    }

    // MARK: What it needs

    private var foreign: [String] { needed.filter { !Self.isSystemLibrary($0) } }

    private static func isSwift(_ name: String) -> Bool {
        (name.hasPrefix("libswift") || name.hasPrefix("libFoundation") || name.hasPrefix("lib_Foundation"))
    }

    private static func isHTTPStack(_ name: String) -> Bool {
        name.hasPrefix("libcurl") || name.hasPrefix("libFoundationNetworking") || name.hasPrefix("libssl.") || name.hasPrefix("libcrypto.")
            || name.hasPrefix("libgnutls") || name.hasPrefix("libnghttp2")
    }

    private var swiftFault: Fault? {
        guard let name = foreign.first(where: { Self.isSwift($0) && !Self.isHTTPStack($0) }) else { return nil }
        return ("needs \(name)", "a provider in Swift carries its own runtime: compile and link it with -static-stdlib")
    }

    private var httpStackFault: Fault? {
        guard let name = foreign.first(where: Self.isHTTPStack) else { return nil }
        return ("needs \(name)", "do HTTP through the host's service crm.http/1, which keeps TLS, deadlines and the egress policy")
    }

    private var neededFault: Fault? {
        let others = foreign.filter { !Self.isSwift($0) && !Self.isHTTPStack($0) }
        return others.isEmpty ? nil : ("needs \(others.joined(separator: ", "))", "link that statically")
    }

    private var glibcFault: Fault? {
        let own = GlibcVersion.ofThisSystem
        for name in neededVersions where name.hasPrefix("GLIBC_") && !name.hasPrefix("GLIBC_ABI_") {
            guard let wanted = GlibcVersion(String(name.dropFirst(6))) else {
                return ("needs \(name), which is no public version of the C library", "use only its public functions")
            }
            if let own, own < wanted {
                return ("needs \(name), and this host has GLIBC_\(own)", "build it on a system no newer than the host's")
            }
        }
        return nil
    }

    // MARK: What it offers

    private var exportsFault: Fault? {
        let others = exports.filter { $0 != Self.entry && !Self.linkerSymbols.contains($0) }.sorted()
        if others.isEmpty { return nil }
        let shown = others.prefix(3).joined(separator: ", ") + (others.count > 3 ? " and \(others.count - 3) more" : "")
        return ("exports \(shown) beside \(Self.entry)", "compile with -fvisibility=hidden or link with a version script")
    }

    static let entry = "crm_plugin_factory"
    private static let linkerSymbols: Set<String> = ["__bss_start", "_edata", "_end", "_init", "_fini"]

    #if arch(x86_64)
        private static let ownMachine: UInt16 = 62
        private static let ownMachineName = "x86_64"
    #elseif arch(arm64)
        private static let ownMachine: UInt16 = 183
        private static let ownMachineName = "aarch64"
    #endif

    private static func isSystemLibrary(_ name: String) -> Bool {
        ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"].contains(name)
            || name.hasPrefix("ld-linux-")
    }
}

/// `2.36`, compared number by number.
private struct GlibcVersion: Comparable, CustomStringConvertible {
    private let numbers: [Int]

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard !parts.isEmpty, parts.allSatisfy({ $0 != nil }) else { return nil }
        numbers = parts.compactMap { $0 }
    }

    static let ofThisSystem: GlibcVersion? = {
        // "glibc 2.36"
        var text = [CChar](repeating: 0, count: 64)
        guard confstr(Int32(_CS_GNU_LIBC_VERSION), &text, text.count) > 0 else { return nil }
        let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return words.last.flatMap { GlibcVersion(String($0)) }
    }()

    var description: String { numbers.map(String.init).joined(separator: ".") }

    static func < (left: GlibcVersion, right: GlibcVersion) -> Bool { left.numbers.lexicographicallyPrecedes(right.numbers) }
}
