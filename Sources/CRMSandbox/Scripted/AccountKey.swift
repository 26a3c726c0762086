import CRMCore

/// Where a scripted CRM's callers put their key, and how the merchant's name or address stands in it.
struct AccountKey {
    private let header: String
    private let before: String
    private let after: String
    private let hasAccount: Bool

    init(_ source: JSONValue, at place: String) throws(SetupError) {
        let definition = try Definition(source, at: place, knowing: ["header", "value"])
        header = try definition.required("header")
        let value = try definition.required("value")
        let parts = value.split(separator: "{account}", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2 else { throw SetupError("\(place).value holds {account} at most once.") }
        before = parts[0]
        after = parts.count == 2 ? parts[1] : ""
        hasAccount = parts.count == 2
    }

    /// `nil` for a key that is not one of the file's.
    func account(of request: Request) -> String? {
        guard let value = request.header(header) else { return nil }
        guard hasAccount else { return value == before ? "sandbox" : nil }
        guard value.hasPrefix(before), value.hasSuffix(after), value.count > before.count + after.count else { return nil }
        let account = String(value.dropFirst(before.count).dropLast(after.count))
        // An address is the same one in any letters; any other text is a name as it stands.
        if EmailAddressRule.accepts(account.lowercased()) { return account.lowercased() }
        let isName = account.count <= 200 && !account.contains { $0.isWhitespace || $0 == "{" || $0 == "}" }
        return isName ? account : nil
    }
}
