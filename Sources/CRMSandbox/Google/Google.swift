import CRMCore
import CRMCrypto

/// Google's part in signing in: the key server, and a token issuer that signs whatever it is asked for.
final class Google: Imitation {
    let name = "google"

    /// Made when it is first asked for, unless one was kept: it takes longer than all the rest of the start.
    private lazy var key = Result { try keptKey ?? .generate() }
    private let keptKey: SigningKey?
    private let project: String
    /// Made when the first test wants a token that must not verify.
    private lazy var strangerKey = Result { try SigningKey.generate() }

    init(keptKey: SigningKey?, project: String) {
        self.keptKey = keptKey
        self.project = project
    }

    func account(of request: Request) -> String? { nil }

    func accounts() -> [(account: String, counts: JSONObject)] { [] }

    func forget(account: String?) {}

    func scriptedAnswer(to request: Request, status: Int, code: String?, retryAfter: Int?) -> Answer {
        let answer = Answer.json(["error": ["code": .integer(status), "message": "The sandbox was told to answer this."]], status: status)
        return retryAfter.map { answer.with(header: "Retry-After", String($0)) } ?? answer
    }

    func answer(_ request: Request, path: [String], at now: Timestamp) -> Answer {
        switch (request.method, path) {
        case ("GET", ["jwks"]): keys()
        case ("POST", ["token"]): token(request, at: now)
        default: .problem(404, "not_found", "Google's part has GET /google/jwks and POST /google/token.")
        }
    }

    private func keys() -> Answer {
        guard case .success(let key) = key else { return .problem(500, "no_key", "The key could not be made.") }
        return .json(["keys": [key.jwk]]).with(header: "Cache-Control", "public, max-age=19800, must-revalidate, no-transform")
    }

    private func token(_ request: Request, at now: Timestamp) -> Answer {
        do {
            let wanted = try IDTokenRequest(try request.json(), defaultProject: project)
            return .json([
                "id_token": .string(try sign(wanted, at: now)), "uid": .string(wanted.uid), "expires_in": .integer(wanted.expiresIn),
            ])
        } catch let error as SetupError {
            return .problem(400, "invalid_request", error.description)
        } catch is JSONError {
            return .problem(400, "malformed_json", "The body is not JSON.")
        } catch {
            return .problem(500, "signing_failed", "The token could not be signed.")
        }
    }

    private func sign(_ wanted: IDTokenRequest, at now: Timestamp) throws -> String {
        let key = try key.get()
        let payload = wanted.payload(at: now)
        func unsigned(_ algorithm: String, _ keyID: String?) -> String {
            var header: JSONObject = ["alg": .string(algorithm)]
            header.set("kid", keyID)
            header["typ"] = "JWT"
            return Base64URL.encode(JSONValue.object(header).serialized()) + "." + Base64URL.encode(payload.serialized())
        }
        switch wanted.defect {
        case .unsigned: return unsigned("none", nil) + "."
        case .otherKey:
            let text = unsigned("RS256", key.id)
            return text + "." + (try strangerKey.get().sign(text))
        case .unknownKey:
            let stranger = try strangerKey.get()
            let text = unsigned("RS256", stranger.id)
            return text + "." + (try stranger.sign(text))
        case .tampered:
            // The signature belongs to another payload.
            let text = unsigned("RS256", key.id)
            return text + "." + (try key.sign(text + "x"))
        default:
            let text = unsigned("RS256", key.id)
            return text + "." + (try key.sign(text))
        }
    }
}
