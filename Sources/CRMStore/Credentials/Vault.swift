package import CRMCore
internal import CRMCrypto

/// A key ring that the database agrees with: what rows are encrypted and decrypted with.
///
/// PostgreSQL's pgcrypto does the encryption. Each version of each row has a key of its own, derived here from a key of the ring, the row's
/// salt and what the row is; so a message that is copied to another row, or brought back from an older version, does not decrypt.
package struct Vault: Sendable {
    private let keys: [Int32: Secret]
    private let activeKid: Int32
    private let random: RandomBytes

    /// What is bound and stored when a row is encrypted.
    struct Seal {
        let kid: Int32
        let salt: [UInt8]
        /// SQL whose value is the encrypted message.
        let message: Statement
    }

    /// `purpose` names the row and its version.
    func seal(_ plaintext: Secret, for purpose: String) throws(StoreError) -> Seal {
        let salt = random(16)
        let key = try passphrase(kid: activeKid, salt: salt, for: purpose)
        // A key or a text that is NULL would make a message that is NULL, without an error.
        return Seal(
            kid: activeKid, salt: salt,
            message: """
                public.pgp_sym_encrypt_bytea(\(Parameter(bytea: plaintext)), \(Parameter(key)),
                    'cipher-algo=aes256, s2k-mode=1, s2k-digest-algo=sha256, compress-algo=0')
                """)
    }

    /// The key to one version of one row, for pgcrypto.
    func passphrase(kid: Int32, salt: [UInt8], for purpose: String) throws(StoreError) -> Secret {
        guard let key = keys[kid] else { throw .undecryptable }
        return key.withBytes { key in
            Secret(Base64URL.encode(hkdfSHA256(key: key, salt: salt, info: Array(purpose.utf8), length: 32)))
        }
    }
}

// MARK: Agreeing with the database

extension Vault {
    /// Compares the keys with the database's check values, adds those that it does not have, and takes its active key for new rows.
    package static func open(
        _ ring: KeyRing, _ pool: PostgresPool, random: @escaping RandomBytes = { randomBytes($0) }
    ) async throws(KeyRingError) -> Vault {
        // Nothing is written before every key that the database knows was compared.
        _ = try await active(of: ring, pool)
        // The newest first: in a new database it becomes the active one.
        for (kid, key) in ring.keys.sorted(by: { $0.key > $1.key }) {
            try await add(kid, key, pool)
        }
        // Again, for another host may have come first with another key.
        guard let active = try await active(of: ring, pool) else { throw .store(.conflict) }
        guard ring.keys[active] != nil else { throw .activeMissing(kid: active) }
        return Vault(keys: ring.keys, activeKid: active, random: random)
    }

    private static func active(of ring: KeyRing, _ pool: PostgresPool) async throws(KeyRingError) -> Int32? {
        var active: Int32?
        for entry in try await entries(pool) {
            if entry.isActive { active = entry.kid }
            guard let key = ring.keys[entry.kid] else { continue }
            if !constantTimeEqual(entry.checkValue, checkValue(of: key)) { throw .mismatch(kid: entry.kid) }
        }
        return active
    }

    private static func entries(
        _ pool: PostgresPool
    ) async throws(KeyRingError) -> [(kid: Int32, checkValue: [UInt8], isActive: Bool)] {
        do throws(StoreError) {
            var entries: [(kid: Int32, checkValue: [UInt8], isActive: Bool)] = []
            for row in try await pool.run("SELECT kid, check_value, state = 'active' AS active FROM crm.key_ring") {
                entries.append((Int32(try row.int64("kid")), try row.bytes("check_value"), try row.bool("active")))
            }
            return entries
        } catch {
            throw .store(error)
        }
    }

    private static func add(_ kid: Int32, _ key: Secret, _ pool: PostgresPool) async throws(KeyRingError) {
        do throws(StoreError) {
            _ = try await pool.run(
                """
                INSERT INTO crm.key_ring (kid, check_value, state)
                SELECT \(kid), \(checkValue(of: key)),
                    CASE WHEN EXISTS (SELECT FROM crm.key_ring WHERE state = 'active') THEN 'known' ELSE 'active' END
                ON CONFLICT DO NOTHING
                """)
        } catch {
            throw .store(error)
        }
    }

    /// Tells keys apart and says nothing about them.
    private static func checkValue(of key: Secret) -> [UInt8] {
        key.withBytes { hkdfSHA256(key: $0, salt: [], info: Array("crm-key-check/v1".utf8), length: 32) }
    }
}
