import COpenSSL

/// Owns an `EVP_PKEY`. Sendable because nothing changes the key after it is made, and libcrypto counts its references
/// atomically; every operation brings a context of its own.
final class RSAKey: @unchecked Sendable {
    private let key: OpaquePointer

    private init(owning key: OpaquePointer) { self.key = key }

    deinit { EVP_PKEY_free(key) }

    var bits: Int { Int(EVP_PKEY_get_bits(key)) }

    static func generate(bits: Int) throws(CryptoError) -> RSAKey {
        guard let bits = UInt32(exactly: bits) else {
            throw CryptoError(code: .failed, call: "RSAKey.generate", reason: "the number of bits is out of range")
        }
        return RSAKey(owning: try OpenSSL.check(crm_rsa_generate(bits), "EVP_RSA_gen"))
    }

    static func reading(pem: String) throws(CryptoError) -> RSAKey {
        var text = Array(pem.utf8)
        defer { text.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
        let key = try OpenSSL.lend(text) { (text, length) throws(CryptoError) in
            let source = try OpenSSL.check(BIO_new_mem_buf(text, Int32(length)), "BIO_new_mem_buf")
            defer { BIO_free(source) }
            return try OpenSSL.check(crm_pem_read_private_key(source), "PEM_read_bio_PrivateKey", else: .invalidKey)
        }
        let owner = RSAKey(owning: key)
        guard EVP_PKEY_is_a(key, "RSA") == 1 else {
            throw CryptoError(code: .invalidKey, call: "EVP_PKEY_is_a", reason: "the private key is not an RSA key")
        }
        return owner
    }

    static func making(modulus: [UInt8], exponent: [UInt8]) throws(CryptoError) -> RSAKey {
        let modulus = try bigNumber(modulus)
        defer { BN_free(modulus) }
        let exponent = try bigNumber(exponent)
        defer { BN_free(exponent) }
        let builder = try OpenSSL.check(OSSL_PARAM_BLD_new(), "OSSL_PARAM_BLD_new")
        defer { OSSL_PARAM_BLD_free(builder) }
        let parameters = crm_rsa_parameters(builder, modulus, exponent)
        try OpenSSL.check(parameters == nil ? 0 : 1, "OSSL_PARAM_BLD_to_param")
        defer { OSSL_PARAM_free(parameters) }
        let context = try OpenSSL.check(EVP_PKEY_CTX_new_from_name(nil, "RSA", nil), "EVP_PKEY_CTX_new_from_name")
        defer { EVP_PKEY_CTX_free(context) }
        try OpenSSL.check(EVP_PKEY_fromdata_init(context), "EVP_PKEY_fromdata_init")
        var key: OpaquePointer?
        try OpenSSL.check(crm_public_key_from_data(context, &key, parameters), "EVP_PKEY_fromdata", else: .invalidKey)
        return RSAKey(owning: try OpenSSL.check(key, "EVP_PKEY_fromdata", else: .invalidKey))
    }

    private static func bigNumber(_ bytes: [UInt8]) throws(CryptoError) -> OpaquePointer {
        try OpenSSL.lend(bytes) { (bytes, length) throws(CryptoError) in
            try OpenSSL.check(BN_bin2bn(bytes, Int32(length), nil), "BN_bin2bn")
        }
    }

    /// A number of the key, big-endian without leading zeros.
    func component(_ name: String) throws(CryptoError) -> [UInt8] {
        var number: OpaquePointer?
        try OpenSSL.check(EVP_PKEY_get_bn_param(key, name, &number), "EVP_PKEY_get_bn_param")
        defer { BN_free(number) }
        let length = (Int(BN_num_bits(number)) + 7) / 8
        return [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            count = Int(BN_bn2bin(number, buffer.baseAddress))
        }
    }

    /// PKCS #1 v1.5 with SHA-256, which is what libcrypto does for an RSA key unless told otherwise.
    func verifies(signature: [UInt8], message: [UInt8]) -> Bool {
        let context = OpenSSL.require(EVP_MD_CTX_new(), "EVP_MD_CTX_new")
        defer { EVP_MD_CTX_free(context) }
        guard OpenSSL.accepts(EVP_DigestVerifyInit(context, nil, OpenSSL.sha256, nil, key)) else { return false }
        return OpenSSL.lend(signature) { signature, signatureLength in
            OpenSSL.lend(message) { message, messageLength in
                OpenSSL.accepts(EVP_DigestVerify(context, signature, signatureLength, message, messageLength))
            }
        }
    }

    func sign(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        let context = try OpenSSL.check(EVP_MD_CTX_new(), "EVP_MD_CTX_new")
        defer { EVP_MD_CTX_free(context) }
        try OpenSSL.check(EVP_DigestSignInit(context, nil, OpenSSL.sha256, nil, key), "EVP_DigestSignInit")
        var length = Int(EVP_PKEY_get_size(key))
        var signature = [UInt8](repeating: 0, count: length)
        let result = OpenSSL.lend(message) { message, messageLength in
            EVP_DigestSign(context, &signature, &length, message, messageLength)
        }
        try OpenSSL.check(result, "EVP_DigestSign")
        signature.removeLast(signature.count - length)
        return signature
    }
}
