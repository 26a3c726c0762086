/// Brings the document with Google's public keys. Implementations answer or throw within 5 s, follow no redirect, use no proxy
/// and read no more than `KeyDocument.maximumBytes`.
package protocol KeyFetching: Sendable {
    func fetchKeys() async throws -> KeyDocument
}

/// The key server's answer, as far as it matters here.
package struct KeyDocument: Sendable, Hashable {
    package static let maximumBytes = 65_536

    package var status: Int
    package var body: [UInt8]
    package var cacheControl: String?
    package var age: String?

    package init(status: Int, body: [UInt8], cacheControl: String?, age: String?) {
        self.status = status
        self.body = body
        self.cacheControl = cacheControl
        self.age = age
    }
}
