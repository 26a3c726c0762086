import CRMCore
import CRMCrypto
import CRMStore
import FoundationEssentials
import TestSupport

/// A migrated database with all stores as the API has them, and a clock that stands until it is moved.
final class StoreGround: Sendable {
    static let key = Secret("correct horse battery staple 32b")

    let database: TestDatabase
    let app: PostgresPool
    let superuser: PostgresPool
    let vault: Vault
    let keys: ServiceKeys
    let merchants: PostgresMerchantStore
    let connections: PostgresConnectionStore
    let logs: PostgresSyncLogStore
    let now: Timestamp

    static func prepare() async throws -> StoreGround {
        let database = try await TestDatabase.make()
        let app = database.pool(.app)
        let vault = try await Vault.open(KeyRing(single: key), app)
        return StoreGround(database, app, vault, try await ServiceKeys.load(vault, app))
    }

    private init(_ database: TestDatabase, _ app: PostgresPool, _ vault: Vault, _ keys: ServiceKeys) {
        let now = Timestamp(microseconds: Int64(Date().timeIntervalSince1970) * 1_000_000)
        self.database = database
        self.app = app
        self.vault = vault
        self.keys = keys
        self.now = now
        superuser = PostgresPool(database.superuser, options: TestDatabase.patience, logger: TestDatabase.quietLogger)
        merchants = PostgresMerchantStore(pool: app, clock: { now }, random: { randomBytes($0) })
        connections = PostgresConnectionStore(pool: app, vault: vault, hash: keys.hash, clock: { now }, random: { randomBytes($0) })
        logs = PostgresSyncLogStore(pool: app, hash: keys.hash)
    }

    let context = RequestContext(actor: .user(uid: "uid-1"), requestID: "request-1", ip: "192.0.2.1", userAgent: "test")

    func identity(_ uid: String = "uid-1", signedIn: Timestamp? = nil) -> VerifiedIdentity {
        VerifiedIdentity(
            uid: uid, email: "\(uid)@example.test", emailVerified: false, name: "Ada", signInProvider: "password",
            authenticatedAt: signedIn ?? now - .seconds(60), expiresAt: now + .seconds(3_600))
    }

    func merchant(_ uid: String = "uid-1") async throws -> MerchantID {
        try await merchants.bootstrap(identity(uid), profile: ProfileChange(), context).merchant.id
    }

    func connect(
        _ merchant: MerchantID, _ type: String = "klaviyo", key: String = "pk_0123456789abcdef0123456789abcdef"
    ) async throws -> (integration: Integration, created: Bool) {
        try await connections.connect(
            NewConnection(
                merchant: merchant, crmType: CRMType(type) ?? .klaviyo, credentials: Secret(#"{"api_key":"\#(key)"}"#), settings: nil,
                label: nil, account: ["id": "A1", "name": "Shop"]), context)
    }

    /// The actions by name: the clock stands, so that their times are equal.
    func audit(of merchant: MerchantID) async throws -> [String] {
        try await app.run("SELECT action FROM crm.audit_logs WHERE merchant_id = \(merchant) ORDER BY action", as: merchant)
            .map { try $0.text("action") }
    }
}

extension CRMType {
    static let klaviyo = CRMType("klaviyo").unsafelyKnown
    static let echo = CRMType("echo").unsafelyKnown
}

extension Optional {
    /// For constants of the tests.
    fileprivate var unsafelyKnown: Wrapped {
        guard let self else { preconditionFailure("a constant that is not one") }
        return self
    }
}
