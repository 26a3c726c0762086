/// Keeps the last good key set between two runs. What it returns is trusted like the key server's own answer, so nobody but this
/// process may be able to write it.
package protocol KeyPersisting: Sendable {
    /// `nil` when nothing was saved yet.
    func load() async throws -> [UInt8]?
    func save(_ bytes: [UInt8]) async throws
}
