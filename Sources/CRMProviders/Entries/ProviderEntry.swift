package import CRMCore

/// What an operator wrote into one file of `providers.d`.
package struct ProviderEntry: Hashable, Sendable {
    /// The library's file: in the provider directory, or absolute.
    package var library: String
    /// The pin, in lower-case hexadecimal: any other content is refused.
    package var sha256: String?
    package var isEnabled = true
    /// Loaded and described, but given no work: deliveries wait.
    package var isPaused = false
    package var config: JSONObject = [:]
    /// `nil`: what the library's manifest asks for.
    package var egressAllow: [String]?
    package var certificateAuthorityFile: String?
    /// Operations at a time; `nil`: what the manifest asks for.
    package var concurrency: Int?
}

/// Why a file of `providers.d` is not an entry: what is wrong, where.
package struct ProviderEntryError: Error, Hashable, CustomStringConvertible {
    package let description: String

    init(_ reason: String, line: Int? = nil) {
        description = line.map { "line \($0): \(reason)" } ?? reason
    }
}
