import CRMCore
import CRMCrypto

/// Who is logged in to one site: sessions of the login form, and tokens of the identity service.
struct CreatioSessions {
    struct Session {
        let id: String
        let ticket: String
        let csrf: String
        fileprivate var lastUse: Timestamp
    }

    /// A session that nobody uses ends; its length is a setting of a real site.
    static let idleLimit = Duration.seconds(60 * 60)
    static let tokenLifetime = Duration.seconds(60 * 60)

    private var sessions: [String: Session] = [:]
    private var tokens: [String: Timestamp] = [:]

    mutating func logIn(at now: Timestamp) -> Session {
        sessions = sessions.filter { now - $0.value.lastUse < Self.idleLimit }
        let session = Session(id: Self.random(18), ticket: Self.random(48), csrf: Self.random(15), lastUse: now)
        sessions[session.id] = session
        return session
    }

    /// The live session that both cookies name; it lives on from now.
    mutating func use(id: String, ticket: String, at now: Timestamp) -> Session? {
        guard let session = sessions[id], session.ticket == ticket, now - session.lastUse < Self.idleLimit else { return nil }
        sessions[id]?.lastUse = now
        return session
    }

    mutating func makeToken(email: String, at now: Timestamp) -> String {
        tokens = tokens.filter { now < $0.value }
        let token = Base64URL.encode(Array(email.utf8)) + "." + Self.random(30)
        tokens[token] = now + Self.tokenLifetime
        return token
    }

    func isLive(token: String, at now: Timestamp) -> Bool { tokens[token].map { now < $0 } ?? false }

    /// False when nobody was logged in.
    @discardableResult
    mutating func endAll() -> Bool {
        defer {
            sessions = [:]
            tokens = [:]
        }
        return !sessions.isEmpty || !tokens.isEmpty
    }

    private static func random(_ count: Int) -> String { Base64URL.encode(randomBytes(count)) }
}
