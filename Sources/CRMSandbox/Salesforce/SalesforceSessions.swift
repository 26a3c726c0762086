import CRMCore
import CRMCrypto

/// Who is logged in. What has ended stays known, so that the journal can still say whose late request it was.
struct SalesforceSessions {
    private struct Session {
        let account: String
        var lastUse: Timestamp
        var hasEnded = false
    }

    private var sessions: [String: Session] = [:]

    mutating func open(for org: SalesforceOrg, at now: Timestamp) -> String {
        let id = "\(org.id.short)!AQ\(Base64URL.encode(randomBytes(48)))"
        sessions[id] = Session(account: org.email, lastUse: now)
        return id
    }

    func account(of id: String) -> String? { sessions[id]?.account }

    /// Whether the session is open; using it keeps it so.
    mutating func use(_ id: String, lasting seconds: Int64, at now: Timestamp) -> Bool {
        guard let session = sessions[id], !session.hasEnded else { return false }
        guard now - session.lastUse <= .seconds(seconds) else {
            sessions[id]?.hasEnded = true
            return false
        }
        sessions[id]?.lastUse = max(now, session.lastUse)
        return true
    }

    mutating func end(_ account: String) -> Bool {
        var hasEnded = false
        for (id, session) in sessions where session.account == account && !session.hasEnded {
            sessions[id]?.hasEnded = true
            hasEnded = true
        }
        return hasEnded
    }

    mutating func forget(_ account: String?) {
        sessions = account.map { account in sessions.filter { $0.value.account != account } } ?? [:]
    }
}
