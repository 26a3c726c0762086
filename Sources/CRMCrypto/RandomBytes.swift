import COpenSSL

/// From libcrypto's generator, seeded by the kernel; traps rather than return anything predictable.
package func randomBytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        OpenSSL.require(RAND_bytes(buffer.baseAddress, Int32(count)), "RAND_bytes")
        initialized = count
    }
}
