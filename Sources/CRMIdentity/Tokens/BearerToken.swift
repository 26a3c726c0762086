package import CRMCore

/// The `Authorization` header of a signed-in user: clause V1.
package enum BearerToken {
    package static let lengths = 100...4_096

    /// Takes the values of all `Authorization` headers of a request and returns the token of the only one.
    package static func parse(headers: [String]) throws(IdentityError) -> String {
        guard headers.count == 1 else { throw .invalid(clause: "V1 one header") }
        let parts = headers[0].split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { throw .invalid(clause: "V1 scheme") }
        let token = String(parts[1])
        try check(token)
        return token
    }

    static func check(_ token: String) throws(IdentityError) {
        guard lengths.contains(token.utf8.count) else { throw .invalid(clause: "V1 length") }
        var dots = 0
        for byte in token.utf8 {
            if byte == UInt8(ascii: ".") {
                dots += 1
            } else if !Base64URLCharacters.contains(byte) {
                throw .invalid(clause: "V1 characters")
            }
        }
        guard dots == 2 else { throw .invalid(clause: "V1 dots") }
    }
}
