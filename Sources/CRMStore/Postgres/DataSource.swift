internal import CPostgres

/// Where a database is and how to get in: a libpq URI or keyword string, read once.
///
/// A `search_path` parameter, which libpq refuses and older deployments have, is taken out: our SQL is schema-qualified.
package struct DataSource: Sendable, CustomStringConvertible, CustomReflectable {
    /// The text is not what libpq reads. It stays out of the message, since it may hold a password.
    package struct Unreadable: Error, CustomStringConvertible {
        package var description: String {
            "is neither a postgresql:// URI nor a list of keyword=value that libpq reads; look for a parameter it does not know, and for "
                + "characters of the password that a URI needs percent-encoded"
        }
    }

    /// What is set, by libpq's keywords.
    let settings: [String: String]

    package init(_ dsn: String) throws(Unreadable) {
        let text = Self.isURI(dsn) ? Self.withoutSearchPath(uri: dsn) : Self.withoutSearchPath(keywords: dsn)
        guard let list = PQconninfoParse(text, nil) else { throw Unreadable() }
        defer { PQconninfoFree(list) }
        var settings: [String: String] = [:]
        var option = list
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { settings[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        self.settings = settings
    }

    private init(settings: [String: String]) { self.settings = settings }

    /// The same server, another database or role.
    package func with(database: String? = nil, user: String? = nil, password: String? = nil) -> DataSource {
        var changed = settings
        if let database { changed["dbname"] = database }
        if let user { changed["user"] = user }
        if let password { changed["password"] = password }
        return DataSource(settings: changed)
    }

    package var user: String? { settings["user"] }
    package var database: String? { settings["dbname"] }

    /// Everything stays on this machine, or the server's certificate and name are checked.
    package var isLocalOrVerified: Bool {
        if settings["sslmode"] == "verify-full" { return true }
        let hosts = (settings["hostaddr"] ?? settings["host"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
        return hosts.allSatisfy { host in
            host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@") || host.hasPrefix("127.") || ["localhost", "::1"].contains(host)
        }
    }

    /// In keyword form, for `psql` and for other processes. Holds the password.
    package var keywords: String {
        settings.sorted { $0.key < $1.key }.map { key, value in
            let escaped = value.flatMap { $0 == "'" || $0 == "\\" ? ["\\", $0] : [$0] }
            return "\(key)='\(String(escaped))'"
        }.joined(separator: " ")
    }

    package var description: String { "<database \(database ?? "") as \(user ?? "")>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    private static func isURI(_ dsn: String) -> Bool { dsn.hasPrefix("postgresql://") || dsn.hasPrefix("postgres://") }

    private static func withoutSearchPath(uri: String) -> String {
        // A password may hold a question mark; the query begins at the first one after the host.
        guard let query = uri.lastIndex(of: "?") else { return uri }
        let kept = uri[uri.index(after: query)...].split(separator: "&").filter { !$0.hasPrefix("search_path=") }
        return uri[..<query] + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&"))
    }

    private static func withoutSearchPath(keywords: String) -> String {
        var kept: [Substring] = []
        var rest = Substring(keywords)
        while let word = takeSetting(from: &rest) {
            let key = word.prefix { $0 != "=" && !$0.isWhitespace }
            if key != "search_path" { kept.append(word) }
        }
        return kept.joined(separator: " ")
    }

    /// One `keyword = value`, with libpq's quotes and backslashes, as it stands.
    private static func takeSetting(from rest: inout Substring) -> Substring? {
        rest = rest.drop(while: \.isWhitespace)
        guard !rest.isEmpty else { return nil }
        var index = rest.firstIndex(of: "=").map { rest.index(after: $0) } ?? rest.endIndex
        index = rest[index...].firstIndex { !$0.isWhitespace } ?? rest.endIndex
        var isQuoted = false
        while index < rest.endIndex {
            let character = rest[index]
            if character == "'" { isQuoted.toggle() }
            if character.isWhitespace && !isQuoted { break }
            index = rest.index(after: index)
            if character == "\\" && index < rest.endIndex { index = rest.index(after: index) }
        }
        defer { rest = rest[index...] }
        return rest[..<index]
    }
}
