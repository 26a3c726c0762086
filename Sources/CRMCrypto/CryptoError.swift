/// What libcrypto refused, in its own constant words; never a byte of what it was given.
package struct CryptoError: Error, Hashable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// The key is not one: unreadable text, an even modulus, another algorithm.
        case invalidKey
        /// libcrypto could not do it: too few bits asked for, no memory.
        case failed
    }

    package let code: Code
    /// The libcrypto function, or the check of ours, that refused.
    package let call: String
    package let reason: String

    package var description: String { "\(call): \(reason)" }
}
