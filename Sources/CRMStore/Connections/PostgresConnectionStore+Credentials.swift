package import CRMCore
internal import Glibc

extension PostgresConnectionStore {
    package func open(_ merchant: MerchantID, _ type: CRMType) async throws(StoreError) -> OpenedConnection? {
        for _ in 0..<Self.attempts {
            let rows = try await pool.run(
                """
                SELECT \(Integration.columns), cred_kid, cred_salt FROM crm.crm_integrations
                WHERE merchant_id = \(merchant) AND crm_type = \(type)
                """, as: merchant)
            guard let row = rows.first else { return nil }
            let integration = try Integration(row)
            let key = try vault.passphrase(
                kid: Int32(try row.int64("cred_kid")), salt: try row.bytes("cred_salt"),
                for: CredentialEnvelope.purpose(merchant, integration.id, type, version: integration.credentialVersion))
            guard var plaintext = try await plaintext(of: integration, key) else { continue }
            defer { wipe(&plaintext) }
            guard let credentials = CredentialEnvelope.unwrap(plaintext, of: integration.id) else { throw .undecryptable }
            return OpenedConnection(integration: integration, credentials: credentials)
        }
        throw .conflict
    }

    /// `nil`: there is another version by now, to which the key does not belong.
    private func plaintext(of integration: Integration, _ key: Secret) async throws(StoreError) -> [UInt8]? {
        let rows = try await pool.run(
            """
            SELECT CASE WHEN crm.is_sealed(cred_ct) THEN public.pgp_sym_decrypt_bytea(cred_ct, \(Parameter(key))) END AS plaintext
            FROM crm.crm_integrations
            WHERE merchant_id = \(integration.merchant) AND integration_id = \(integration.id)
                AND cred_ver = \(integration.credentialVersion)
            """, as: integration.merchant)
        guard let row = rows.first else { return nil }
        guard let plaintext = try row.bytes(ifAny: "plaintext") else { throw .undecryptable }
        return plaintext
    }

    package func replaceCredentials(of integration: Integration, with credentials: Secret) async throws(StoreError) {
        let version = integration.credentialVersion + 1
        let seal = try seal(credentials, of: integration.id, integration.merchant, integration.crmType, version: version)
        let rows = try await pool.run(
            """
            UPDATE crm.crm_integrations SET
                credential_fingerprint = \(fingerprint(of: credentials)), cred_ct = \(seal.message), cred_kid = \(seal.kid),
                cred_salt = \(seal.salt), cred_ver = \(version), updated_at = \(clock())
            WHERE merchant_id = \(integration.merchant) AND integration_id = \(integration.id)
                AND cred_ver = \(integration.credentialVersion)
            """, as: integration.merchant)
        if rows.affected == 0 { throw .conflict }
    }

    func seal(
        _ credentials: Secret, of integration: IntegrationID, _ merchant: MerchantID, _ type: CRMType, version: Int64
    ) throws(StoreError) -> Vault.Seal {
        try vault.seal(
            CredentialEnvelope.wrap(credentials, of: integration),
            for: CredentialEnvelope.purpose(merchant, integration, type, version: version))
    }

    /// The same for the same credentials in whatever order their fields were written.
    func fingerprint(of credentials: Secret) -> String {
        let canonical = credentials.withBytes { bytes in
            guard let object = try? JSONValue(parsing: bytes).objectValue else { return bytes }
            return JSONValue.object(JSONObject(object.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })).serialized()
        }
        return hash.digest(of: canonical, for: "credentials").prefix(8).hexadecimal
    }
}

private func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { memory in
        if let start = memory.baseAddress { explicit_bzero(start, memory.count) }
    }
}
