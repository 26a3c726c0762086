import COpenSSL

/// RFC 2104 with SHA-256; any key length, the empty one included.
package func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: SHA256.byteCount) { code, count in
        let written = OpenSSL.lend(key) { key, keyLength in
            OpenSSL.lend(message) { message, messageLength in
                HMAC(OpenSSL.sha256, key, Int32(keyLength), message, messageLength, code.baseAddress, nil)
            }
        }
        OpenSSL.require(written == nil ? 0 : 1, "HMAC")
        count = SHA256.byteCount
    }
}
