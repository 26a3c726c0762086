import CRMCore
import Yams

extension ProviderEntry {
    static let maximumBytes = 256 << 10

    package init(yaml: String) throws(ProviderEntryError) {
        let fields = try YAMLMapping(document: yaml)
        try fields.allowOnly(["library", "sha256", "enabled", "paused", "isolation", "config", "egress", "limits"])

        guard let library = try fields.text("library"), !library.isEmpty else { throw ProviderEntryError("library is missing") }
        guard library.hasPrefix("/") || !library.contains("/") else {
            throw fields.error("library", "must be a file name in the provider directory, or an absolute path")
        }
        self.init(library: library)

        if let pin = try fields.text("sha256")?.lowercased() {
            guard pin.utf8.count == 64, pin.allSatisfy(\.isHexDigit) else { throw fields.error("sha256", "must be 64 hexadecimal digits") }
            sha256 = pin
        }
        isEnabled = try fields.flag("enabled") ?? true
        isPaused = try fields.flag("paused") ?? false
        switch try fields.text("isolation") ?? "in_process" {
        case "in_process": break
        case "process": throw fields.error("isolation", "process is not supported by this host; write in_process")
        default: throw fields.error("isolation", "must be in_process")
        }
        if let config = try fields.mapping("config") { self.config = try config.json() }
        if let egress = try fields.mapping("egress") {
            try egress.allowOnly(["allow", "ca_file"])
            egressAllow = try egress.texts("allow")
            certificateAuthorityFile = try egress.text("ca_file")
        }
        if let limits = try fields.mapping("limits") {
            try limits.allowOnly(["concurrency"])
            concurrency = try limits.integer("concurrency", in: 1...10_000)
        }
    }
}
