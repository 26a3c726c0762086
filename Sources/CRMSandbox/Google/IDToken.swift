import CRMCore
import CRMCrypto

/// What a caller of `POST /google/token` wants in the token, deliberate defects included.
struct IDTokenRequest {
    /// Ways to break a token, each one that a verifier has to notice.
    enum Defect: String, CaseIterable {
        case wrongAudience = "wrong_audience"
        case wrongIssuer = "wrong_issuer"
        case expired
        case issuedInFuture = "issued_in_future"
        /// Signed by a key that nobody publishes, under the id of the published one.
        case otherKey = "other_key"
        /// Signed by a key that nobody publishes, under that key's own id.
        case unknownKey = "unknown_key"
        case tampered
        /// `alg: none` and no signature.
        case unsigned
    }

    private static let members: Set<String> = [
        "email", "name", "uid", "project", "expires_in", "auth_time_offset", "sign_in_provider", "email_verified", "claims", "defect",
    ]

    let email: String
    let name: String?
    let uid: String
    let project: String
    let expiresIn: Int
    let authTimeOffset: Int
    let signInProvider: String
    let emailVerified: Bool
    /// Put over the claims at the end; `null` removes one.
    let claims: JSONObject
    let defect: Defect?

    init(_ body: JSONValue, defaultProject: String) throws(SetupError) {
        guard let body = body.objectValue else { throw SetupError("The body is an object, such as {\"email\": \"ada@shop.test\"}.") }
        if let unknown = body.keys.first(where: { !Self.members.contains($0) }) {
            throw SetupError("There is no member \"\(unknown.prefix(40))\"; known are \(Self.members.sorted().joined(separator: ", ")).")
        }
        guard let email = body["email"]?.stringValue, EmailAddressRule.accepts(email) else {
            throw SetupError("`email` is an e-mail address, such as ada@shop.test.")
        }
        defect = try body["defect"].map { value throws(SetupError) in
            guard let defect = value.stringValue.flatMap(Defect.init) else {
                throw SetupError("`defect` is one of \(Defect.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            return defect
        }
        self.email = email
        name = body["name"]?.stringValue
        uid = body["uid"]?.stringValue ?? Self.uid(of: email)
        project = body["project"]?.stringValue ?? defaultProject
        expiresIn = body["expires_in"]?.intValue ?? 3_600
        authTimeOffset = body["auth_time_offset"]?.intValue ?? 0
        signInProvider = body["sign_in_provider"]?.stringValue ?? "password"
        emailVerified = body["email_verified"]?.boolValue ?? true
        claims = body["claims"]?.objectValue ?? [:]
        guard (1...86_400 * 365).contains(expiresIn), abs(authTimeOffset) <= 86_400 * 3_650 else {
            throw SetupError("`expires_in` is from 1 second to a year, `auth_time_offset` within ten years.")
        }
    }

    /// Firebase's user ids are 28 letters and digits; ours are the same for the same address on every machine.
    static func uid(of email: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return String(SHA256.hash(Array("uid:\(email.lowercased())".utf8)).prefix(28).map { alphabet[Int($0) % alphabet.count] })
    }
}

extension IDTokenRequest {
    func payload(at now: Timestamp) -> JSONValue {
        let now = Int(now.seconds)
        let issued = defect == .expired ? now - expiresIn - 3_600 : defect == .issuedInFuture ? now + 3_600 : now
        let audience = defect == .wrongAudience ? "\(project)-other" : project
        var payload: JSONObject = [:]
        payload.set("name", name)
        payload["iss"] = .string("https://securetoken.google.com/" + (defect == .wrongIssuer ? "\(project)-other" : project))
        payload["aud"] = .string(audience)
        payload["auth_time"] = .integer(issued + authTimeOffset)
        payload["user_id"] = .string(uid)
        payload["sub"] = .string(uid)
        payload["iat"] = .integer(issued)
        payload["exp"] = .integer(issued + expiresIn)
        payload["email"] = .string(email)
        payload["email_verified"] = .bool(emailVerified)
        payload["firebase"] = ["identities": identities, "sign_in_provider": .string(signInProvider)]
        for (claim, value) in claims { payload[claim] = value.nilIfNull }
        return .object(payload)
    }

    private var identities: JSONValue {
        var identities: JSONObject = ["email": [.string(email)]]
        if signInProvider.contains(".") { identities[signInProvider] = [.string(uid)] }
        return .object(identities)
    }
}
