import CRMCore

/// The JOSE header: clause V3.
struct TokenHeader {
    static let algorithm = "RS256"
    /// Members that would have a verifier fetch keys, trust the token's own, or read the payload another way.
    private static let forbidden = ["crit", "jwk", "jku", "x5u", "x5c", "b64", "zip"]

    let keyID: String

    init(_ bytes: [UInt8]) throws(IdentityError) {
        let members = try JSONObject(token: bytes, maximumBytes: 1_024, maximumDepth: 1, clause: "V3")
        guard members["alg"]?.stringValue?.isExactly(Self.algorithm) == true else { throw .invalid(clause: "V3 alg") }
        if let type = members["typ"] {
            guard type.stringValue?.isExactly("JWT") == true else { throw .invalid(clause: "V3 typ") }
        }
        guard !Self.forbidden.contains(where: { members[$0] != nil }) else { throw .invalid(clause: "V3 member") }
        guard let keyID = members["kid"]?.stringValue, KeyID.isValid(keyID) else { throw .invalid(clause: "V3 kid") }
        self.keyID = keyID
    }
}
