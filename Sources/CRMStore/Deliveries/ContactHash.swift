package import CRMCore
internal import CRMCrypto

/// Turns what identifies people into what does not: a keyed hash, by which rows of one contact are still found.
package struct ContactHash: Sendable {
    private let key: Secret

    package init(key: Secret) { self.key = key }

    /// 16 bytes that stand for a contact.
    package func contactKey(of identity: String) -> [UInt8] { Array(digest(of: Array(identity.utf8), for: "contact").prefix(16)) }

    /// 32 bytes; the same bytes for another purpose have another digest.
    func digest(of bytes: [UInt8], for purpose: String) -> [UInt8] {
        key.withBytes { hmacSHA256(key: $0, Array(purpose.utf8) + [0] + bytes) }
    }
}
