import CRMCore
import CRMCrypto

/// The keys of one JWK document that are fit to check ID tokens with, by their ids.
struct KeySet: Sendable {
    /// The document itself, for the next start.
    let document: JSONValue
    private let keys: [String: RSAPublicKey]

    var count: Int { keys.count }

    subscript(id: String) -> RSAPublicKey? { keys[id] }

    init(_ document: KeyDocument) throws(KeyDocumentError) {
        guard document.status == 200 else { throw .status(document.status) }
        guard document.body.count <= KeyDocument.maximumBytes else { throw .tooLarge }
        let parsed: JSONValue
        do {
            parsed = try JSONValue(parsing: document.body, limits: JSONLimits(maximumDepth: 8, maximumTokens: 4_096))
        } catch {
            throw .malformed
        }
        try self.init(parsed)
    }

    init(_ document: JSONValue) throws(KeyDocumentError) {
        guard let entries = document["keys"]?.arrayValue else { throw .malformed }
        var keys: [String: RSAPublicKey] = [:]
        for entry in entries {
            guard let (id, key) = Self.usableKey(entry) else { continue }
            guard keys.updateValue(key, forKey: id) == nil else { throw .repeatedKeyID }
        }
        guard !keys.isEmpty else { throw .noUsableKey }
        self.keys = keys
        self.document = document
    }

    /// Clause V10. Keys of other kinds may stand in the same document and are passed over.
    private static func usableKey(_ entry: JSONValue) -> (id: String, key: RSAPublicKey)? {
        guard entry["kty"] == "RSA", entry["alg"] ?? "RS256" == "RS256", entry["use"] ?? "sig" == "sig",
            let id = entry["kid"]?.stringValue, KeyID.isValid(id),
            let modulus = entry["n"]?.stringValue.flatMap({ Base64URL.decode($0) }), (256...512).contains(modulus.count),
            entry["e"]?.stringValue.flatMap({ Base64URL.decode($0) }) == [1, 0, 1],
            let key = try? RSAPublicKey(modulus: modulus, exponent: [1, 0, 1]), (2_048...4_096).contains(key.bits)
        else { return nil }
        return (id, key)
    }
}

/// Why an answer of the key server does not replace the keys in use.
enum KeyDocumentError: Error, Hashable, CustomStringConvertible {
    case status(Int)
    case tooLarge
    case malformed
    case noUsableKey
    case repeatedKeyID

    var description: String {
        switch self {
        case .status(let status): "the key server answered \(status)"
        case .tooLarge: "the key document is larger than 64 KiB"
        case .malformed: "the key document is not a JSON object with keys"
        case .noUsableKey: "the key document holds no usable key"
        case .repeatedKeyID: "the key document names two keys alike"
        }
    }
}

/// The form of a `kid`: it is looked up, cached and logged, so it is short and plain.
enum KeyID {
    static func isValid(_ id: String) -> Bool {
        (1...64).contains(id.utf8.count) && id.utf8.allSatisfy(Base64URLCharacters.contains)
    }
}
