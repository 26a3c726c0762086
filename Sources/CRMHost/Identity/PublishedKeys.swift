import CRMIdentity
import CRMTransport

/// Fetches the keys with which Google signs ID tokens, from the one address that the configuration allows.
struct PublishedKeys: KeyFetching {
    private let url: String
    private let transport: HTTPTransport

    /// The policy lets nothing but the key server's origin through.
    init(_ configuration: HostConfiguration) throws {
        url = configuration.firebase.keysURL
        let isGoogle = url == FirebaseKeyCache.url
        let policy = try EgressPolicy(
            allow: [isGoogle ? "www.googleapis.com:443" : Self.origin(of: url)],
            allowsLoopbackOrigins: configuration.environment == .development)
        transport = try HTTPTransport(policy: policy)
    }

    func fetchKeys() async throws -> KeyDocument {
        let answer = try await transport.send(
            HTTPRequest(url: url, timeout: .seconds(5), maximumResponseBytes: KeyDocument.maximumBytes))
        return KeyDocument(
            status: answer.status, body: answer.body, cacheControl: answer[header: "cache-control"], age: answer[header: "age"])
    }

    /// `http://127.0.0.1:8003` of `http://127.0.0.1:8003/google/jwks`.
    private static func origin(of url: String) -> String {
        url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3).joined(separator: "/")
    }
}
