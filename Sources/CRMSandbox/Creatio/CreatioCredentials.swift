import CRMCore
import CRMCrypto
import NIOHTTP1

/// What a request says about who sends it, not yet judged.
struct CreatioCredentials {
    let bearer: String?
    /// By name; a browser sends all in one header.
    let cookies: [String: String]

    init(_ request: Request) {
        if let header = request.header("authorization"), header.hasPrefix("Bearer ") {
            bearer = String(header.dropFirst(7))
        } else {
            bearer = nil
        }
        var cookies: [String: String] = [:]
        for header in request.headers["cookie"] {
            for pair in header.split(separator: ";") {
                let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 { cookies[String(parts[0])] = String(parts[1]) }
            }
        }
        self.cookies = cookies
    }

    /// Tokens and the cookie `UserName` name the merchant in a form that tells a session that has ended from one that never was.
    var email: String? {
        if let bearer {
            guard let name = bearer.split(separator: ".").first, let bytes = Base64URL.decode(name) else { return nil }
            return String(validating: bytes, as: UTF8.self)
        }
        return cookies["UserName"].flatMap(Self.userName)
    }

    /// The cookie holds the codes of the name's characters.
    static func cookie(of userName: String) -> String { userName.unicodeScalars.map { String($0.value) }.joined(separator: "|") }

    private static func userName(_ cookie: String) -> String? {
        var name = String.UnicodeScalarView()
        for code in cookie.split(separator: "|") {
            guard let scalar = UInt32(code).flatMap(Unicode.Scalar.init) else { return nil }
            name.append(scalar)
        }
        return String(name)
    }
}
