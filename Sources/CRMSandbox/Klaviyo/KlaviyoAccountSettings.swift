import CRMCore

/// How Klaviyo treats one account and its keys: what somebody who tests sets with `PUT /accounts/klaviyo/{account}`.
struct KlaviyoAccountSettings {
    /// Reasons for which Klaviyo itself or the merchant suppresses an address.
    private static let bans: Set<String> = ["HARD_BOUNCE", "INVALID_EMAIL", "SPAM_REPORT", "USER_SUPPRESSED"]

    /// Scopes that the account's keys lack.
    private(set) var missingScopes: Set<String> = []
    /// The lists of the account by id, and whether who subscribes to one must confirm.
    private(set) var lists: [String: Bool] = ["Single": false, "Double": true]
    /// Addresses that are suppressed for another reason than a withdrawal.
    private(set) var suppressed: [String: String] = [:]

    /// A new subscription undoes a complaint and the merchant's own decision, not that an address cannot be reached.
    mutating func liftSuppression(of email: String) {
        let email = email.lowercased()
        if suppressed[email] == "SPAM_REPORT" || suppressed[email] == "USER_SUPPRESSED" { suppressed[email] = nil }
    }

    mutating func change(_ settings: JSONObject) throws(SetupError) {
        for (name, value) in settings {
            switch name {
            case "missing_scopes": missingScopes = Set(try Self.texts(value, name))
            case "lists":
                lists = [:]
                for (id, process) in try Self.texts(in: value, name) {
                    guard process == "single_opt_in" || process == "double_opt_in" else {
                        throw SetupError("A list is \"single_opt_in\" or \"double_opt_in\".")
                    }
                    lists[id] = process == "double_opt_in"
                }
            case "suppressed":
                suppressed = [:]
                for (email, reason) in try Self.texts(in: value, name) {
                    guard Self.bans.contains(reason) else {
                        throw SetupError("An address is suppressed for one of \(Self.bans.sorted().joined(separator: ", ")).")
                    }
                    suppressed[email.lowercased()] = reason
                }
            default: throw SetupError("klaviyo has no setting \"\(name.prefix(40))\"; it knows lists, missing_scopes and suppressed.")
            }
        }
    }

    private static func texts(_ value: JSONValue, _ name: String) throws(SetupError) -> [String] {
        let texts = value.arrayValue?.compactMap(\.stringValue)
        guard let texts, texts.count == value.arrayValue?.count else { throw SetupError("`\(name)` is an array of strings.") }
        return texts
    }

    private static func texts(in value: JSONValue, _ name: String) throws(SetupError) -> [(String, String)] {
        guard let members = value.objectValue else { throw SetupError("`\(name)` is an object of strings.") }
        var texts: [(String, String)] = []
        for (key, value) in members {
            guard let text = value.stringValue else { throw SetupError("`\(name)` is an object of strings.") }
            texts.append((key, text))
        }
        return texts
    }
}
