import CRMCore
import CRMCrypto

/// An RSA key with the id under which the key server lists it.
struct SigningKey {
    let id: String
    private let key: RSAPrivateKey

    init(_ key: RSAPrivateKey) {
        self.key = key
        // As long as Google's own ids: 40 hexadecimal digits.
        id = SHA256.hash(key.publicKey.modulus).prefix(20).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func generate() throws -> SigningKey { SigningKey(try .generate(bits: 2048)) }

    func sign(_ text: String) throws -> String { Base64URL.encode(try key.signRS256(Array(text.utf8))) }

    var jwk: JSONValue {
        [
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": .string(id), "n": .string(Base64URL.encode(key.publicKey.modulus)),
            "e": .string(Base64URL.encode(key.publicKey.exponent)),
        ]
    }
}
