package import CRMCore
import CRMCrypto
package import CRMStore
import FoundationEssentials

/// A database with merchants and connections, and the stores that deliveries go through.
package struct DeliveryGround: Sendable {
    /// Is dropped with its last holder.
    private let database: TestDatabase
    /// Sees and may do everything: for what a test prepares and checks.
    package let superuser: PostgresPool
    package let worker: PostgresPool
    package let app: PostgresPool
    package let deliveries: PostgresDeliveryStore
    package let lanes: PostgresLaneStore
    package let crmType: CRMType

    /// Milliseconds, so that what is stored compares with what the API shows.
    package static let clock: WallClock = {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000) * 1_000)
    }

    package static func prepare(crmType: String = "klaviyo", clock: @escaping WallClock = Self.clock) async throws -> DeliveryGround {
        guard let crmType = CRMType(crmType) else { throw StoreError.conflict }
        return DeliveryGround(try await TestDatabase.make(), crmType, clock)
    }

    private init(_ database: TestDatabase, _ crmType: CRMType, _ clock: @escaping WallClock) {
        self.database = database
        // A busy machine is no reason to fail.
        let patient = PoolOptions(size: 4, connectTimeout: .seconds(30), acquireTimeout: .seconds(30))
        superuser = PostgresPool(database.superuser, options: patient, logger: TestDatabase.quietLogger)
        worker = database.pool(.worker, patient)
        app = database.pool(.app, patient)
        self.crmType = crmType
        deliveries = PostgresDeliveryStore(
            pool: app, hash: ContactHash(key: Secret("a key for hashes in tests")), clock: clock, random: { randomBytes($0) },
            acceptTimeout: .seconds(30))
        lanes = PostgresLaneStore(pool: worker)
    }

    /// A merchant with one connection.
    package func connect(
        _ merchant: MerchantID = MerchantID(UUID()), _ crmType: CRMType? = nil
    ) async throws -> (merchant: MerchantID, integration: IntegrationID) {
        let integration = IntegrationID(UUID())
        _ = try await superuser.run(
            "INSERT INTO crm.merchants (merchant_id) VALUES (\(merchant)) ON CONFLICT (merchant_id) DO NOTHING")
        _ = try await superuser.run(
            """
            INSERT INTO crm.key_ring (kid, check_value, state) VALUES (1, \(Array(repeating: 0, count: 32) as [UInt8]), 'active')
            ON CONFLICT (kid) DO NOTHING
            """)
        _ = try await superuser.run(
            """
            INSERT INTO crm.crm_integrations (
                merchant_id, integration_id, crm_type, credential_fingerprint, cred_ct, cred_kid, cred_salt, cred_ver)
            VALUES (
                \(merchant), \(integration), \(crmType ?? self.crmType), '0123456789abcdef',
                public.pgp_sym_encrypt_bytea('{}', 'key', 'cipher-algo=aes256, s2k-mode=1, s2k-digest-algo=sha256, compress-algo=0'),
                1, \(Array(repeating: 1, count: 16) as [UInt8]), 1)
            """)
        return (merchant, integration)
    }

    /// Asks for one event to be delivered; `contacts` of the same name are the same contact.
    package func event(
        _ contact: String, uniqueID: String? = nil, to integration: IntegrationID, crmType: CRMType? = nil, index: Int = 0,
        name: String = "Placed Order"
    ) -> AcceptItem {
        var payload: JSONObject = ["name": .string(name), "contact": ["email": .string(contact)]]
        payload.set("unique_id", uniqueID)
        return AcceptItem(
            integration: integration, crmType: crmType ?? self.crmType, kind: .event, contactIdentity: contact, payload: payload,
            eventKey: uniqueID.map { (name, $0) }, index: index, isPrincipal: true)
    }

    /// The upsert of a contact, by itself or with an event.
    package func contact(
        _ contact: String, to integration: IntegrationID, index: Int = 0, eventKey: (name: String, uniqueID: String)? = nil,
        isPrincipal: Bool = true
    ) -> AcceptItem {
        AcceptItem(
            integration: integration, crmType: crmType, kind: .contact, contactIdentity: contact,
            payload: ["email": .string(contact), "first_name": "Zoë"], eventKey: eventKey, index: index, isPrincipal: isPrincipal)
    }

    package func accept(
        _ merchant: MerchantID, _ items: [AcceptItem], key: String? = nil, canonical: String = "request", requestID: String = "request-1"
    ) async throws -> AcceptAnswer {
        try await deliveries.accept(
            AcceptRequest(
                merchant: merchant, requestID: requestID, idempotency: key.map { ($0, Array(canonical.utf8)) }, items: items))
    }

    /// How many rows a query counts.
    package func count(_ statement: Statement) async throws -> Int {
        try await superuser.run("SELECT count(*) AS count \(statement)").first?.int("count") ?? 0
    }

    package func queued(_ merchant: MerchantID) async throws -> Int {
        try await count("FROM crm.deliveries WHERE merchant_id = \(merchant)")
    }
}
