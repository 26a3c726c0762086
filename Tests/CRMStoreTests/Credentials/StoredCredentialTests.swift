import CRMCore
import CRMCrypto
import CRMStore
import FoundationEssentials
import TestSupport
import Testing

@Suite struct StoredCredentialTests {
    private let marker = "pk_5fd1a9c0c4e84e0fb1d9f3a7"

    @Test func noTableHoldsAReadableCredential() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        _ = try await ground.connect(merchant, key: marker)
        // A control: what is readable is found.
        _ = try await ground.superuser.run("UPDATE crm.merchants SET display_name = 'control-5fd1'")
        let hex = Array(marker.utf8).map { String($0, radix: 16) }.joined()
        let tables = try await ground.superuser.run(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('crm', 'public')")
        var found: [String: Int] = [:]
        for table in try tables.map({ try $0.text("name") }) {
            for needle in [marker, hex, Base64.encode(Array(marker.utf8)), "control-5fd1"] {
                let rows = try await ground.superuser.run(
                    Statement("SELECT count(*) AS n FROM \(table) t WHERE strpos(t::text, $1) > 0", [Parameter(needle)]))
                found[needle, default: 0] += try rows.first?.int("n") ?? 0
            }
        }
        #expect(found == [marker: 0, hex: 0, Base64.encode(Array(marker.utf8)): 0, "control-5fd1": 1])
    }

    @Test func theMessageHasTheOneFormAndHidesTheLength() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        var lengths: Set<Int> = []
        for (type, key) in [("klaviyo", "short"), ("echo", marker + marker)] {
            _ = try await ground.connect(merchant, type, key: key)
        }
        for row in try await ground.superuser.run("SELECT cred_ct FROM crm.crm_integrations") {
            let message = try row.bytes("cred_ct")
            #expect(message.prefix(6) == [0xC3, 0x0C, 0x04, 0x09, 0x01, 0x08])
            #expect(message[14] == 0xD2)
            lengths.insert(message.count)
        }
        #expect(lengths.count == 1)
    }

    @Test func aCopiedRowDoesNotDecrypt() async throws {
        let ground = try await StoreGround.prepare()
        let (first, second) = (try await ground.merchant("uid-1"), try await ground.merchant("uid-2"))
        _ = try await ground.connect(first, key: marker)
        _ = try await ground.connect(second)
        _ = try await ground.superuser.run(
            """
            UPDATE crm.crm_integrations AS target SET cred_ct = source.cred_ct, cred_salt = source.cred_salt, cred_kid = source.cred_kid
            FROM crm.crm_integrations AS source WHERE source.merchant_id = \(first) AND target.merchant_id = \(second)
            """)
        await #expect(throws: StoreError.undecryptable) { _ = try await ground.connections.open(second, .klaviyo) }
        #expect(try await ground.connections.open(first, .klaviyo) != nil)
    }

    @Test func anOlderVersionBroughtBackDoesNotDecrypt() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        _ = try await ground.connect(merchant, key: marker)
        _ = try await ground.superuser.run("CREATE TABLE public.old AS SELECT cred_ct, cred_salt FROM crm.crm_integrations")
        _ = try await ground.connect(merchant, key: "new")
        _ = try await ground.superuser.run(
            "UPDATE crm.crm_integrations SET (cred_ct, cred_salt) = (SELECT cred_ct, cred_salt FROM public.old)")
        await #expect(throws: StoreError.undecryptable) { _ = try await ground.connections.open(merchant, .klaviyo) }
    }

    @Test(arguments: [
        "cipher-algo=aes256, s2k-mode=1, s2k-digest-algo=sha256, compress-algo=0, disable-mdc=1", "cipher-algo=aes256", "",
    ])
    func theTableRefusesOtherForms(options: String) async throws {
        let ground = try await StoreGround.prepare()
        _ = try await ground.connect(try await ground.merchant())
        await #expect(throws: StoreError.refused(sqlState: "23514", constraint: "crm_integrations_cred_sealed")) {
            _ = try await ground.superuser.run(
                "UPDATE crm.crm_integrations SET cred_ct = public.pgp_sym_encrypt_bytea('abc', 'key', \(options))")
        }
        await #expect(throws: StoreError.refused(sqlState: "23514", constraint: "crm_integrations_cred_sealed")) {
            _ = try await ground.superuser.run("UPDATE crm.crm_integrations SET cred_ct = '{\"api_key\":\"plain\"}'")
        }
    }

    @Test func anotherKeyUnderAKnownNumberIsRefused() async throws {
        let ground = try await StoreGround.prepare()
        let mistyped = try KeyRing(single: Secret("Correct horse battery staple 32b"))
        await #expect(throws: KeyRingError.mismatch(kid: 1)) { _ = try await Vault.open(mistyped, ground.app) }
        let right = try KeyRing([1: StoreGround.key, 2: Secret(randomBytes(32))])
        _ = try await Vault.open(right, ground.app)
        // Key 1 is still the active one, so a host with key 2 alone would write rows that others cannot read.
        let alone = try KeyRing([3: Secret(randomBytes(32))])
        await #expect(throws: KeyRingError.activeMissing(kid: 1)) { _ = try await Vault.open(alone, ground.app) }
    }

    @Test func serviceKeysAreMadeOnceByWhoeverIsFirst() async throws {
        let database = try await TestDatabase.make()
        let app = database.pool(.app)
        let signatures = try await withThrowingTaskGroup(of: [[UInt8]].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let keys = try await ServiceKeys.load(Vault.open(KeyRing(single: StoreGround.key), app), app)
                    return [keys.sign([1, 2, 3]), keys.hash.contactKey(of: "ada@example.test")]
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(signatures.count == 1)
        #expect(signatures.first?.map(\.count) == [32, 16])
    }
}
