package import CRMCore
internal import CRMCrypto

/// The key-encryption keys of this host by their numbers, as the operator gave them. They never leave the process.
package struct KeyRing: Sendable {
    static let keyLength = 32

    let keys: [Int32: Secret]

    package init(_ keys: [Int32: Secret]) throws(KeyRingError) {
        guard !keys.isEmpty else { throw .empty }
        for (kid, key) in keys {
            guard kid > 0 else { throw .malformedLine(number: Int(kid)) }
            guard key.count == Self.keyLength else { throw .wrongLength(kid: kid, key.count) }
        }
        self.keys = keys
    }

    /// `CRM_ENCRYPTION_KEY`: 32 characters, whose bytes are key 1 as they stand.
    package init(single key: Secret) throws(KeyRingError) {
        try self.init([1: key])
    }

    /// `CRM_ENCRYPTION_KEYS_FILE`: lines of `kid: key`, the key as 32 printable characters or as `base64:` and 44. Empty lines and lines
    /// that begin with `#` are skipped.
    package init(file: Secret) throws(KeyRingError) {
        let lines = file.withBytes { bytes in
            bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        }
        var keys: [Int32: Secret] = [:]
        for (index, line) in lines.enumerated() {
            let text = line.trimmed
            if text.isEmpty || text.hasPrefix("#") { continue }
            let parts = text.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let kid = Int32(parts[0].trimmed), keys[kid] == nil, let key = Self.key(parts[1].trimmed) else {
                throw .malformedLine(number: index + 1)
            }
            keys[kid] = key
        }
        try self.init(keys)
    }

    private static func key(_ text: Substring) -> Secret? {
        if text.hasPrefix("base64:") { return Base64.decode(text.dropFirst(7)).map { Secret($0) } }
        let bytes = Array(text.utf8)
        return bytes.allSatisfy { (0x21...0x7E).contains($0) } ? Secret(bytes) : nil
    }
}

/// Why the host's encryption keys are not usable with this database.
package enum KeyRingError: Error, Sendable, Hashable, CustomStringConvertible {
    case empty
    case malformedLine(number: Int)
    case wrongLength(kid: Int32, Int)
    /// The database knows this number with another key.
    case mismatch(kid: Int32)
    /// The database's credentials are written with a key that this host does not have.
    case activeMissing(kid: Int32)
    case store(StoreError)

    package var description: String {
        switch self {
        case .empty: "there is no encryption key"
        case .malformedLine(let number): "line \(number) of the keys' file is not `kid: key` with a new number and 32 characters or base64:"
        case .wrongLength(let kid, let count): "encryption key \(kid) has \(count) bytes; it must have 32"
        case .mismatch(let kid): "encryption key \(kid) is not the one that this database was used with before"
        case .activeMissing(let kid): "the database's active encryption key is \(kid), which is not among this host's keys"
        case .store(let error): "the key ring cannot be read: \(error)"
        }
    }
}

extension StringProtocol {
    fileprivate var trimmed: Substring {
        let start = firstIndex { !$0.isWhitespace } ?? endIndex
        let end = lastIndex { !$0.isWhitespace }.map { index(after: $0) } ?? start
        return Substring(self[start..<end])
    }
}
