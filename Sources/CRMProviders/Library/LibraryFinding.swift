package import CRMCore

/// What became of one rule when a library was looked at.
package struct LibraryFinding: Hashable, Sendable {
    package enum Outcome: String, Sendable { case pass, warn, fail }

    package var rule: LibraryRule
    package var outcome: Outcome
    /// What was found; empty where there is nothing to say.
    package var detail: String
    package var fix: String?

    package init(_ rule: LibraryRule, _ outcome: Outcome = .pass, _ detail: String = "", fix: String? = nil) {
        self.rule = rule
        self.outcome = outcome
        self.detail = detail
        self.fix = fix
    }

    package init(_ error: LibraryError) { self.init(error.rule, .fail, error.detail, fix: error.fix) }

    package init?(json: JSONValue) {
        guard let rule = json["rule"]?.stringValue.flatMap(LibraryRule.init),
            let outcome = json["outcome"]?.stringValue.flatMap(Outcome.init)
        else {
            return nil
        }
        self.init(rule, outcome, json["detail"]?.stringValue ?? "", fix: json["fix"]?.stringValue)
    }

    package var json: JSONValue {
        var object: JSONObject = ["rule": .string(rule.rawValue), "outcome": .string(outcome.rawValue)]
        if !detail.isEmpty { object["detail"] = .string(detail) }
        object.set("fix", fix)
        return .object(object)
    }

    /// As an error, where it is a failure.
    package var error: LibraryError? { outcome == .fail ? LibraryError(rule, detail, fix: fix) : nil }
}
