import COpenSSL

/// Takes as long for a difference in the first byte as for none; only a difference in length shows.
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return OpenSSL.lend(left) { left, count in
        OpenSSL.lend(right) { right, _ in CRYPTO_memcmp(left, right, count) == 0 }
    }
}
