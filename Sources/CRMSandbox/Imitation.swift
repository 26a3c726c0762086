import CRMCore

/// A service that the sandbox plays. What scripts, the journal and the account list need is the same for all of them.
protocol Imitation: AnyObject {
    /// The first segment of its paths, and its name in scripts and in the journal.
    var name: String { get }

    /// The service's own host names, for clients that know no other: `a.klaviyo.com`, `*.salesforce.com`.
    var hosts: [String] { get }

    /// Whose request this is, as far as it can be told without judging it. Never a key.
    func account(of request: Request) -> String?

    /// `path` is what follows the imitation's own name.
    func answer(_ request: Request, path: [String], at now: Timestamp) -> Answer

    /// The service's way of saying this status, for scripted answers that bring no body.
    func scriptedAnswer(to request: Request, status: Int, code: String?, retryAfter: Int?) -> Answer

    /// Accounts seen so far with what they hold.
    func accounts() -> [(account: String, counts: JSONObject)]

    /// Forgets one account's state, or all.
    func forget(account: String?)

    /// Ends what the account's callers are logged in with; false when there is no such account, or nothing to end.
    func endSessions(account: String) -> Bool

    /// Changes how the service treats one account, known or not.
    func configure(account: String, _ settings: JSONObject) throws(SetupError)
}

extension Imitation {
    var hosts: [String] { [] }

    func endSessions(account: String) -> Bool { false }

    func configure(account: String, _ settings: JSONObject) throws(SetupError) {
        guard let first = settings.keys.first else { return }
        throw SetupError("\(name) has no setting \"\(first.prefix(40))\".")
    }
}
