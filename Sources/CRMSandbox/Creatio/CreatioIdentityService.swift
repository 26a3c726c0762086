import CRMCore
import CRMCrypto

/// OAuth 2.0 client credentials; on Creatio's cloud a host of its own, beside the site's.
struct CreatioIdentityService {
    static let paths = [["connect", "token"], [".well-known", "openid-configuration"]]
    private static let clientPrefix = "sandbox_"
    private static let secret = "sandbox"

    let request: Request
    let now: Timestamp

    /// On the cloud's host names: whether this is the identity service's or the site's. `nil` elsewhere, where one address plays both.
    static func isOnlyService(of request: Request) -> Bool? {
        request.host.map { $0.prefix { $0 != "." }.hasSuffix("-is") }
    }

    static func email(in request: Request) -> String? {
        guard request.segments.suffix(2) == paths[0][...] else { return nil }
        return (client(in: Query(String(decoding: request.body, as: UTF8.self))) ?? basicClient(in: request))?.email
    }

    func answer(_ path: [String], _ site: (String) -> CreatioSite) throws(CreatioRefusal) -> Answer {
        if path == Self.paths[0] { return try token(site) }
        guard request.method == "GET" else { throw CreatioRefusal.methodNotAllowed(request.method) }
        let issuer = request.base
        return .json([
            "issuer": .string(issuer), "token_endpoint": .string(issuer + "/connect/token"),
            "grant_types_supported": ["client_credentials"],
        ])
    }

    private func token(_ site: (String) -> CreatioSite) throws(CreatioRefusal) -> Answer {
        guard request.method == "POST" else { throw CreatioRefusal.methodNotAllowed(request.method) }
        guard request.mediaType == "application/x-www-form-urlencoded" else { return Self.refusal("invalid_request") }
        let form = Query(String(decoding: request.body, as: UTF8.self))
        guard form["grant_type"] == "client_credentials" else { return Self.refusal("unsupported_grant_type") }
        let inBody = Self.client(in: form)
        guard let client = inBody ?? Self.basicClient(in: request), client.secret == Self.secret else {
            return Self.refusal("invalid_client")
        }
        let site = site(client.email)
        guard !site.traits.wantsBasic || inBody == nil else { return Self.refusal("invalid_client") }
        let token = site.sessions.makeToken(email: client.email, at: now)
        return .json([
            "access_token": .string(token), "expires_in": .integer(CreatioSessions.tokenLifetime.secondsRoundedUp), "token_type": "Bearer",
        ])
    }

    private static func refusal(_ code: String) -> Answer {
        Answer.json(["error": .string(code)], status: 400).with(effects: [Effect(kind: .refused)])
    }

    private static func client(in form: Query) -> (email: String, secret: String)? {
        guard let id = form["client_id"], let secret = form["client_secret"] else { return nil }
        return email(ofClient: id).map { ($0, secret) }
    }

    private static func basicClient(in request: Request) -> (email: String, secret: String)? {
        guard let header = request.header("authorization"), header.hasPrefix("Basic "), let bytes = Base64.decode(header.dropFirst(6))
        else {
            return nil
        }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        // The two are form-encoded before they are joined (RFC 6749 section 2.3.1).
        return email(ofClient: PercentEncoding.decode(parts[0], plusIsSpace: true)).map {
            ($0, PercentEncoding.decode(parts[1], plusIsSpace: true))
        }
    }

    private static func email(ofClient id: String) -> String? {
        guard id.hasPrefix(clientPrefix) else { return nil }
        let email = id.dropFirst(clientPrefix.count).lowercased()
        return EmailAddressRule.accepts(email) ? email : nil
    }
}
