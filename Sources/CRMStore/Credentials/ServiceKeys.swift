package import CRMCore
internal import CRMCrypto

/// Random keys of the service's own, made at the first start and kept encrypted in the database. They outlive changes of the encryption
/// key: what they signed and hashed stays valid.
package struct ServiceKeys: CursorSigner {
    package let hash: ContactHash
    private let cursorKey: Secret

    private enum Name: String {
        case contactHash = "contact-hash"
        case cursor

        var purpose: String { "crm-service-key/v1|\(rawValue)" }
    }

    package static func load(
        _ vault: Vault, _ pool: PostgresPool, random: RandomBytes = { randomBytes($0) }
    ) async throws(StoreError) -> ServiceKeys {
        ServiceKeys(
            hash: ContactHash(key: try await key(.contactHash, vault, pool, random)), cursorKey: try await key(.cursor, vault, pool, random)
        )
    }

    package func sign(_ bytes: [UInt8]) -> [UInt8] { cursorKey.withBytes { hmacSHA256(key: $0, bytes) } }

    private static func key(
        _ name: Name, _ vault: Vault, _ pool: PostgresPool, _ random: RandomBytes
    ) async throws(StoreError) -> Secret {
        if let known = try await stored(name, vault, pool) { return known }
        let seal = try vault.seal(Secret(random(32)), for: name.purpose)
        _ = try await pool.run(
            """
            INSERT INTO crm.service_keys (name, ct, kid, salt) VALUES (\(name.rawValue), \(seal.message), \(seal.kid), \(seal.salt))
            ON CONFLICT (name) DO NOTHING
            """)
        // Perhaps another host's, which was quicker.
        guard let made = try await stored(name, vault, pool) else { throw .conflict }
        return made
    }

    private static func stored(_ name: Name, _ vault: Vault, _ pool: PostgresPool) async throws(StoreError) -> Secret? {
        guard let row = try await pool.run("SELECT kid, salt FROM crm.service_keys WHERE name = \(name.rawValue)").first else { return nil }
        let key = try vault.passphrase(kid: Int32(try row.int64("kid")), salt: try row.bytes("salt"), for: name.purpose)
        let opened = try await pool.run(
            """
            SELECT CASE WHEN crm.is_sealed(ct) THEN public.pgp_sym_decrypt_bytea(ct, \(Parameter(key))) END AS plaintext
            FROM crm.service_keys WHERE name = \(name.rawValue)
            """)
        guard let plaintext = try opened.first?.bytes(ifAny: "plaintext"), plaintext.count == 32 else { throw .undecryptable }
        return Secret(plaintext)
    }
}
