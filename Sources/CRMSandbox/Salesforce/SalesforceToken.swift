import CRMCore
import CRMCrypto

/// A request to the token endpoint, for the one grant that is played: client credentials.
struct SalesforceToken {
    struct Refusal: Error {
        var error: String
        var description: String
        var status = 400

        var answer: Answer {
            .json(["error": .string(error), "error_description": .string(description)], status: status)
        }
    }

    static let clientPrefix = "sandbox_"

    let clientID: String
    let secret: String

    /// Whose client it is, as far as the request says.
    static func account(in request: Request) -> String? { (try? SalesforceToken(request)).flatMap(\.account) }

    var account: String? {
        guard clientID.hasPrefix(Self.clientPrefix) else { return nil }
        let email = clientID.dropFirst(Self.clientPrefix.count).lowercased()
        return EmailAddressRule.accepts(email) ? email : nil
    }

    init(_ request: Request) throws(Refusal) {
        guard request.method == "POST", request.mediaType == "application/x-www-form-urlencoded" else {
            throw Refusal(error: "invalid_request", description: "must use HTTP POST with a form")
        }
        let form = Query(String(decoding: request.body, as: UTF8.self))
        guard let grant = form["grant_type"] else {
            throw Refusal(error: "unsupported_grant_type", description: "grant type not supported")
        }
        guard grant == "client_credentials" else {
            let isKnown = grant == "password" || grant == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            throw Refusal(
                error: isKnown ? "invalid_grant" : "unsupported_grant_type",
                description: isKnown ? "this grant is not enabled in the organization" : "grant type not supported")
        }
        if let (id, secret) = Self.basic(request) {
            clientID = id
            self.secret = secret
        } else {
            guard let id = form["client_id"], let secret = form["client_secret"] else {
                throw Refusal(error: "invalid_request", description: "client_id and client_secret are required")
            }
            clientID = id
            self.secret = secret
        }
    }

    private static func basic(_ request: Request) -> (String, String)? {
        guard let header = request.header("authorization"), header.lowercased().hasPrefix("basic "),
            let bytes = Base64.decode(header.dropFirst(6))
        else { return nil }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }
}
