internal import CRMCore

extension Integration {
    static let columns: Statement = """
        integration_id, merchant_id, crm_type, label, state, state_reason, account, settings, credential_fingerprint, cred_ver, connected_at,
        updated_at, last_validated_at
        """

    init(_ row: Row) throws(StoreError) {
        guard let state = IntegrationState(rawValue: try row.text("state")) else { throw .wrongType }
        self.init(
            id: try row.id("integration_id"), merchant: try row.id("merchant_id"), crmType: try row.crmType("crm_type"),
            label: try row.text(ifAny: "label"), state: state, stateReason: try row.text(ifAny: "state_reason"),
            account: try row.object("account"), settings: try row.object("settings"),
            credentialFingerprint: try row.text("credential_fingerprint"), credentialVersion: try row.int64("cred_ver"),
            connectedAt: try row.timestamp("connected_at"), updatedAt: try row.timestamp("updated_at"),
            lastValidatedAt: try row.timestamp(ifAny: "last_validated_at"))
    }
}
