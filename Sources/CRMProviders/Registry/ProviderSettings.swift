package import CRMTransport

/// Where providers come from and what they may be allowed.
package struct ProviderSettings: Sendable {
    /// The entries: `$CRM_CONFIG_DIR/providers.d`.
    package var entryDirectory: String
    /// Where a library is looked for that is named without a path.
    package var libraryDirectory: String
    /// Holds the private copies, in `store`.
    package var stateDirectory: String
    /// Entries may open an origin on loopback: `CRM_ENV=development`.
    package var allowsLoopbackOrigins: Bool
    /// How long the operations of a provider that goes may take to end.
    package var drainTimeout: Duration
    /// What tries a library before it is loaded into this process.
    package var probe: ProbeCommand
    /// So many copies of each library are kept for a way back.
    package var keptCopies = 5
    /// Addresses that no provider may reach although they are public: the database's, for instance.
    package var refusedAddresses: [IPAddress] = []

    package init(
        entryDirectory: String, libraryDirectory: String, stateDirectory: String, allowsLoopbackOrigins: Bool = false,
        drainTimeout: Duration = .seconds(13), probe: ProbeCommand = ProbeCommand()
    ) {
        self.entryDirectory = entryDirectory
        self.libraryDirectory = libraryDirectory
        self.stateDirectory = stateDirectory
        self.allowsLoopbackOrigins = allowsLoopbackOrigins
        self.drainTimeout = drainTimeout
        self.probe = probe
    }

    func path(ofLibrary name: String) -> String { name.hasPrefix("/") ? name : "\(libraryDirectory)/\(name)" }
}
