import CRMCore
import CRMCrypto

/// The three parts of a compact JWS, decoded: clause V2.
struct TokenParts {
    let header: [UInt8]
    let payload: [UInt8]
    let signature: [UInt8]
    /// The received characters that the signature is over.
    let signed: [UInt8]

    init(_ token: String) throws(IdentityError) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else { throw .invalid(clause: "V2 parts") }
        guard let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { throw .invalid(clause: "V2 base64url") }
        self.header = header
        self.payload = payload
        self.signature = signature
        signed = Array(token.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count))
    }
}

extension JSONObject {
    /// An object and nothing around it, within bounds that hold before anything is parsed.
    init(token bytes: [UInt8], maximumBytes: Int, maximumDepth: Int, clause: String) throws(IdentityError) {
        guard bytes.count <= maximumBytes else { throw .invalid(clause: "\(clause) size") }
        guard bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}") else { throw .invalid(clause: "\(clause) object") }
        let limits = JSONLimits(maximumDepth: maximumDepth, maximumTokens: 2_048)
        guard let object = (try? JSONValue(parsing: bytes, limits: limits))?.objectValue else { throw .invalid(clause: "\(clause) JSON") }
        self = object
    }
}

extension String {
    /// Byte for byte. `==` holds more texts for equal: the Kelvin sign for K, for one.
    func isExactly(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
