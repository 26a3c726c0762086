import CRMCore
import CRMCrypto
import CRMIdentity

/// A key pair in Google's place.
struct SigningKey: Sendable {
    let id: String
    let key: RSAPrivateKey

    init(_ id: String, bits: Int = 2_048) throws {
        self.id = id
        key = try RSAPrivateKey.generate(bits: bits)
    }

    // Made once: a pair costs a tenth of a second.
    static let first = Result { try SigningKey("first_key-1") }
    static let second = Result { try SigningKey("second_key-2") }

    var jwk: JSONValue {
        [
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": .string(id), "n": .string(Base64URL.encode(key.publicKey.modulus)),
            "e": "AQAB",
        ]
    }

    func jwk(changing name: String, to value: JSONValue?) -> JSONValue {
        var members = jwk.objectValue ?? [:]
        members[name] = value
        return .object(members)
    }

    /// header.payload.signature over exactly these texts.
    func token(header: String, payload: String) throws -> String {
        let signed = "\(Base64URL.encode(Array(header.utf8))).\(Base64URL.encode(Array(payload.utf8)))"
        return "\(signed).\(Base64URL.encode(try key.signRS256(Array(signed.utf8))))"
    }
}

extension KeyDocument {
    init(_ keys: JSONValue..., cacheControl: String? = "public, max-age=3600", age: String? = nil) {
        let document: JSONValue = ["keys": .array(keys)]
        self.init(status: 200, body: document.serialized(), cacheControl: cacheControl, age: age)
    }
}
