/// A key of our own: a service account's, or the sandbox's in Google's place. Prints as nothing but its size.
package struct RSAPrivateKey: Sendable, CustomStringConvertible, CustomReflectable {
    package let publicKey: RSAPublicKey

    private let key: RSAKey

    private init(key: RSAKey) throws(CryptoError) {
        self.key = key
        publicKey = try RSAPublicKey(key: key)
    }

    package static func generate(bits: Int) throws(CryptoError) -> RSAPrivateKey {
        try RSAPrivateKey(key: .generate(bits: bits))
    }

    /// PKCS #8 or PKCS #1, not encrypted.
    package init(pem: String) throws(CryptoError) {
        try self.init(key: .reading(pem: pem))
    }

    package func signRS256(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        try key.sign(message)
    }

    package var description: String { "RSAPrivateKey(\(publicKey.bits) bits)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
