import COpenSSL

/// A key that others' RS256 signatures are checked with. Which sizes are good enough is the caller's rule.
package struct RSAPublicKey: Sendable {
    /// Big-endian without leading zeros, as a JWK's `n` and `e` carry them.
    package let modulus: [UInt8]
    package let exponent: [UInt8]
    package let bits: Int

    private let key: RSAKey

    package init(modulus: [UInt8], exponent: [UInt8]) throws(CryptoError) {
        guard let last = modulus.last, !last.isMultiple(of: 2), modulus.count <= Self.maximumModulusBytes,
            let lastOfExponent = exponent.last, !lastOfExponent.isMultiple(of: 2), exponent.count <= modulus.count
        else {
            throw CryptoError(code: .invalidKey, call: "RSAPublicKey", reason: "these numbers are no RSA key")
        }
        try self.init(key: .making(modulus: modulus, exponent: exponent))
    }

    init(key: RSAKey) throws(CryptoError) {
        self.key = key
        modulus = try key.component(OSSL_PKEY_PARAM_RSA_N)
        exponent = try key.component(OSSL_PKEY_PARAM_RSA_E)
        bits = key.bits
    }

    /// libcrypto itself stops at 16,384 bits.
    private static let maximumModulusBytes = 2_048

    /// RSASSA-PKCS1-v1_5 with SHA-256; a signature of another length than the modulus is none.
    package func isValidRS256(signature: [UInt8], message: [UInt8]) -> Bool {
        signature.count == modulus.count && key.verifies(signature: signature, message: message)
    }
}
