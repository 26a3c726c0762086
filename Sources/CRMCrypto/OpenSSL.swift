import COpenSSL

/// Every call into libcrypto passes through here. A failure empties the thread's error queue: libpq and libcurl share
/// it, and an entry left behind would be read as theirs.
enum OpenSSL {
    static func check(
        _ result: Int32, _ call: StaticString, else code: CryptoError.Code = .failed
    ) throws(CryptoError) {
        guard result == 1 else { throw refusal(of: call, code) }
    }

    static func check(
        _ pointer: OpaquePointer?, _ call: StaticString, else code: CryptoError.Code = .failed
    ) throws(CryptoError) -> OpaquePointer {
        guard let pointer else { throw refusal(of: call, code) }
        return pointer
    }

    /// For calls that fail only when memory is gone or the library is broken: going on would mean an unhashed or
    /// predictable value.
    static func require(_ result: Int32, _ call: StaticString) {
        guard result == 1 else { preconditionFailure("libcrypto: \(refusal(of: call, .failed))") }
    }

    static func require(_ pointer: OpaquePointer?, _ call: StaticString) -> OpaquePointer {
        guard let pointer else { preconditionFailure("libcrypto: \(refusal(of: call, .failed))") }
        return pointer
    }

    /// For verification, where "no" is an answer and not a failure.
    static func accepts(_ result: Int32) -> Bool {
        if result == 1 { return true }
        ERR_clear_error()
        return false
    }

    private static func refusal(of call: StaticString, _ code: CryptoError.Code) -> CryptoError {
        let last = ERR_peek_last_error()
        let reason = ERR_reason_error_string(last).map { String(cString: $0) } ?? "refused"
        ERR_clear_error()
        return CryptoError(code: code, call: "\(call)", reason: reason)
    }

    /// Fetched once: an implicit fetch costs more than hashing a short message. Never freed, shared by all threads.
    nonisolated(unsafe) static let sha256 = require(EVP_MD_fetch(nil, "SHA256", nil), "EVP_MD_fetch")

    /// Lends the bytes with an address that is not NULL even for no bytes; NULL means something else to libcrypto.
    static func lend<Result, Failure: Error>(
        _ bytes: [UInt8], _ body: (UnsafePointer<UInt8>, Int) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let padded = bytes.isEmpty ? [0] : bytes
        return try padded.withUnsafeBufferPointer { (buffer) throws(Failure) in
            try body(buffer.baseAddress.unsafelyUnwrapped, bytes.count)
        }
    }
}
