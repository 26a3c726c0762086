internal import CRMPluginSDK

/// What a login gave, with the place of OData that was found with it. Kept by the host under one key.
struct Session: Sendable, Hashable {
    /// By name; where they are set for does not matter, for they go back to the site that set them.
    private(set) var cookies: [String: String] = [:]
    /// With client credentials.
    var token: String?
    /// The Identity Service took the client's credentials in a header, not in the body.
    var usesBasic = false
    /// It was opened because of a 403, which therefore no longer speaks of a session.
    var followsForbidden = false
    /// Below the site's address: `/0/odata` or `/odata`. Empty until it is found.
    var root = ""

    private static let csrfCookie = "BPMCSRF"

    /// Secrets all of them, whatever they are called.
    var headers: [HTTPHeader] {
        if let token { return [HTTPHeader("Authorization", "Bearer \(token)", isSensitive: true)] }
        let jar = cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        var headers = [HTTPHeader("Cookie", jar, isSensitive: true)]
        // A site whose administrator has switched the protection off sets no such cookie.
        if let value = cookies[Self.csrfCookie] { headers.append(HTTPHeader(Self.csrfCookie, value, isSensitive: true)) }
        headers.append(HTTPHeader("ForceUseSession", "true"))
        return headers
    }

    /// What must not come back in an error's words; the longest first, because one may be part of another.
    var secrets: [String] {
        (cookies.values + (token.map { [$0] } ?? [])).filter { $0.utf8.count >= 8 }.sorted { $0.utf8.count > $1.utf8.count }
    }

    /// A cookie without a value is one that the site takes back.
    mutating func take(_ setCookies: [String]) {
        for line in setCookies {
            let pair = line.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, let name = Self.trimmed(pair[0]), let value = Self.trimmed(pair[1]), !name.isEmpty else { continue }
            cookies[name] = value.isEmpty ? nil : value
        }
    }

    /// `nil` when it has a character that would end a cookie or a header.
    private static func trimmed(_ text: Substring) -> String? {
        var text = text
        while text.hasPrefix(" ") { text.removeFirst() }
        while text.hasSuffix(" ") { text.removeLast() }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ";") }) else { return nil }
        return String(text)
    }
}

extension Session {
    init?(_ value: JSONValue) {
        guard let members = value.objectValue, let root = members["root"]?.stringValue else { return nil }
        self.root = root
        token = members["token"]?.stringValue
        usesBasic = members["basic"]?.boolValue ?? false
        followsForbidden = members["forbidden"]?.boolValue ?? false
        for (name, value) in members["cookies"]?.objectValue ?? [:] { cookies[name] = value.stringValue }
    }

    /// The same session always gives the same bytes.
    var json: JSONValue {
        var members: JSONObject = ["root": .string(root)]
        members.set("token", token)
        if usesBasic { members["basic"] = true }
        if followsForbidden { members["forbidden"] = true }
        let jar = cookies.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }
        if !jar.isEmpty { members["cookies"] = .object(JSONObject(jar)) }
        return .object(members)
    }
}

/// What the host keeps for a connection: a session, or that the site let nobody in.
///
/// A refusal is kept so that of many operations only one asks: a site locks users out whose password is wrong too often.
enum Entrance: Sendable {
    case open(Session)
    case refused(CRMError)

    init?(_ bytes: [UInt8]) {
        guard let value = try? JSONValue(parsing: bytes) else { return nil }
        if let session = Session(value) {
            self = .open(session)
        } else if let error = CRMError(kept: value) {
            self = .refused(error)
        } else {
            return nil
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .open(let session): session.json.canonical()
        case .refused(let error): error.kept.canonical()
        }
    }

    func session() throws(CRMError) -> Session {
        switch self {
        case .open(let session): return session
        case .refused(let error): throw error
        }
    }
}

extension CRMError {
    fileprivate var kept: JSONValue {
        var members: JSONObject = [
            "status": .integer(status.rawValue), "code": .string(code), "message": .string(message), "flags": .integer(flags.rawValue),
            "details": .object(details),
        ]
        if let retryAfter { members["retry_after_s"] = .integer(retryAfter.components.seconds) }
        return .object(members)
    }

    fileprivate init?(kept value: JSONValue) {
        guard let number = value["status"]?.intValue, let status = Int32(exactly: number).flatMap(Status.init),
            let code = value["code"]?.stringValue, let message = value["message"]?.stringValue
        else { return nil }
        self.init(
            status, code: code, message: message, retryAfter: (value["retry_after_s"]?.intValue).map { .seconds($0) },
            flags: Flags(rawValue: UInt32(value["flags"]?.intValue ?? 0)), details: value["details"]?.objectValue ?? [:])
    }
}
