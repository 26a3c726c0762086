import CRMCore
import CRMStore
import FoundationEssentials
import Synchronization

/// Connections as the table has them, with credentials that the test can look at.
final class TableConnections: ConnectionStore {
    private let pool: PostgresPool
    private let stored = Mutex<[IntegrationID: Secret]>([:])

    init(pool: PostgresPool) { self.pool = pool }

    func credentials(of integration: IntegrationID) -> String? {
        stored.withLock { $0[integration] }.map { $0.withBytes { String(decoding: $0, as: UTF8.self) } }
    }

    func open(_ merchant: MerchantID, _ type: CRMType) async throws(StoreError) -> OpenedConnection? {
        let rows = try await pool.run(
            """
            SELECT integration_id, state, cred_ver, connected_at, updated_at, settings FROM crm.crm_integrations
            WHERE merchant_id = \(merchant) AND crm_type = \(type)
            """)
        guard let row = rows.first else { return nil }
        let id: IntegrationID = try row.id("integration_id")
        let at = try row.timestamp("connected_at")
        let integration = Integration(
            id: id, merchant: merchant, crmType: type, label: nil, state: IntegrationState(rawValue: try row.text("state")) ?? .active,
            stateReason: nil, account: [:], settings: try row.object("settings"), credentialFingerprint: "",
            credentialVersion: try row.int64("cred_ver"),
            connectedAt: at, updatedAt: try row.timestamp("updated_at"), lastValidatedAt: nil)
        return OpenedConnection(integration: integration, credentials: stored.withLock { $0[id] } ?? Secret(#"{"api_key":"secret"}"#))
    }

    func replaceCredentials(of integration: Integration, with credentials: Secret) async throws(StoreError) {
        let rows = try await pool.run(
            """
            UPDATE crm.crm_integrations SET cred_ver = cred_ver + 1
            WHERE integration_id = \(integration.id) AND cred_ver = \(integration.credentialVersion) RETURNING cred_ver
            """)
        guard !rows.isEmpty else { throw .conflict }
        stored.withLock { $0[integration.id] = credentials }
    }

    // Delivery asks for nothing else.
    func integrations(of merchant: MerchantID) async throws(StoreError) -> [Integration] { throw .conflict }
    func connect(_ connection: NewConnection, _ context: RequestContext) async throws(StoreError) -> (
        integration: Integration, created: Bool
    ) {
        throw .conflict
    }
    func disconnect(_ merchant: MerchantID, _ type: CRMType, _ context: RequestContext) async throws(StoreError) -> (
        at: Timestamp, cancelled: Int
    )? {
        throw .conflict
    }
    func change(
        _ merchant: MerchantID, _ type: CRMType, _ change: ConnectionChange, _ context: RequestContext
    ) async throws(StoreError) -> Integration? { throw .conflict }
    func integration(_ merchant: MerchantID, _ type: CRMType) async throws(StoreError) -> Integration? { throw .conflict }
    func status(_ merchant: MerchantID, _ type: CRMType) async throws(StoreError) -> ConnectionStatus? { throw .conflict }
}
