import COpenSSL

/// RFC 5869 with SHA-256. Built on HMAC because libcrypto's own refuses an empty key and a long `info`.
/// `length` is at most 8,160, the most that the RFC allows.
package func hkdfSHA256(key: [UInt8], salt: [UInt8], info: [UInt8], length: Int) -> [UInt8] {
    precondition((0...255 * SHA256.byteCount).contains(length), "HKDF-SHA256 gives at most 8,160 bytes")
    var extracted = hmacSHA256(key: salt, key)
    defer { wipe(&extracted) }
    var output: [UInt8] = []
    output.reserveCapacity(length + SHA256.byteCount)
    var block: [UInt8] = []
    defer { wipe(&block) }
    var counter: UInt8 = 0
    while output.count < length {
        counter += 1
        block = hmacSHA256(key: extracted, block + info + [counter])
        output += block
    }
    output.removeLast(output.count - length)
    return output
}

private func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
}
