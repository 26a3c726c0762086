import CRMCore
import CRMStore
import FoundationEssentials
import TestSupport
import Testing

@Suite struct ConnectionStoreTests {
    @Test func whatIsConnectedOpens() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        let (integration, created) = try await ground.connect(merchant)
        #expect(created)
        #expect(integration.state == .active)
        #expect(integration.credentialFingerprint.count == 16)
        let opened = try #require(try await ground.connections.open(merchant, .klaviyo))
        #expect(opened.integration == integration)
        #expect(
            opened.credentials.withBytes { String(decoding: $0, as: UTF8.self) } == #"{"api_key":"pk_0123456789abcdef0123456789abcdef"}"#)
        #expect(try await ground.connections.open(merchant, .echo) == nil)
        #expect(try await ground.connections.integrations(of: merchant) == [integration])
    }

    @Test func connectingAgainReplacesCredentialsAndKeepsTheRest() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        let first = try await ground.connect(merchant).integration
        _ = try await ground.superuser.run("UPDATE crm.crm_integrations SET state = 'reauth_required', state_reason = 'x', label = 'mine'")
        let (second, created) = try await ground.connect(merchant, key: "pk_another")
        #expect(!created)
        #expect(second.id == first.id)
        #expect(second.state == .active)
        #expect(second.stateReason == nil)
        #expect(second.label == "mine")
        #expect(second.credentialVersion == first.credentialVersion + 1)
        #expect(second.credentialFingerprint != first.credentialFingerprint)
        let opened = try #require(try await ground.connections.open(merchant, .klaviyo))
        #expect(opened.credentials.withBytes { String(decoding: $0, as: UTF8.self) } == #"{"api_key":"pk_another"}"#)
        #expect(try await ground.audit(of: merchant) == ["integration.connected", "integration.replaced", "merchant.created"])
    }

    @Test func manyConnectsAtOnceMakeOneConnection() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        let results = await withTaskGroup(of: Result<Bool, any Error>.self) { group in
            for number in 0..<12 {
                group.addTask {
                    do { return .success(try await ground.connect(merchant, key: "pk_\(number)").created) } catch { return .failure(error) }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let created = results.filter { (try? $0.get()) == true }
        #expect(created.count == 1)
        // Whoever loses three times in a row hears of the conflict, and nothing else goes wrong.
        for case .failure(let error) in results { #expect(error as? StoreError == .conflict) }
        #expect(try await ground.connections.integrations(of: merchant).count == 1)
        let opened = try #require(try await ground.connections.open(merchant, .klaviyo))
        #expect(opened.integration.credentialVersion == Int64(results.count { (try? $0.get()) != nil }))
    }

    @Test func theOrderOfFieldsDoesNotChangeTheFingerprint() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        var prints: Set<String> = []
        for text in [#"{"a":"1","b":"2"}"#, #"{ "b": "2", "a": "1" }"#, #"{"a":"1","b":"3"}"#] {
            let stored = try await ground.connections.connect(
                NewConnection(
                    merchant: merchant, crmType: .klaviyo, credentials: Secret(text), settings: nil, label: nil, account: [:]),
                ground.context)
            prints.insert(stored.integration.credentialFingerprint)
        }
        #expect(prints.count == 2)
    }

    @Test func rotatedCredentialsAreStoredUnderTheVersionThatWasRead() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        let read = try await ground.connect(merchant).integration
        try await ground.connections.replaceCredentials(of: read, with: Secret(#"{"token":"new"}"#))
        await #expect(throws: StoreError.conflict) {
            try await ground.connections.replaceCredentials(of: read, with: Secret(#"{"token":"late"}"#))
        }
        let opened = try #require(try await ground.connections.open(merchant, .klaviyo))
        #expect(opened.credentials.withBytes { String(decoding: $0, as: UTF8.self) } == #"{"token":"new"}"#)
    }

    @Test func aChangeTouchesWhatItNamesAndLeavesATrail() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        let made = try await ground.connect(merchant).integration
        func change(_ change: ConnectionChange) async throws -> Integration? {
            try await ground.connections.change(merchant, .klaviyo, change, ground.context)
        }
        let paused = try #require(try await change(ConnectionChange(isPaused: true)))
        #expect(paused.state == .paused)
        #expect(paused.settings == made.settings)
        #expect(paused.credentialVersion == made.credentialVersion)
        let resumed = try #require(try await change(ConnectionChange(isPaused: false)))
        #expect(resumed.state == .active)
        let told = try #require(try await change(ConnectionChange(settings: (made.settings, ["list_id": "L"]), label: "Shop")))
        #expect(told.settings == ["list_id": "L"])
        #expect(told.label == "Shop")
        await #expect(throws: StoreError.conflict) { _ = try await change(ConnectionChange(settings: (made.settings, ["list_id": "M"]))) }
        #expect(try await change(ConnectionChange(label: .some(nil)))?.label == nil)
        #expect(try await ground.connections.integration(merchant, .klaviyo)?.settings == ["list_id": "L"])
        let audit = try await ground.audit(of: merchant).filter { $0.hasPrefix("integration.") }
        #expect(
            audit.sorted() == [
                "integration.changed", "integration.changed", "integration.connected", "integration.paused", "integration.resumed",
            ])
        _ = try await ground.connections.disconnect(merchant, .klaviyo, ground.context)
        #expect(try await change(ConnectionChange(isPaused: true)) == nil)
    }

    @Test func resumingDoesNotVouchForCredentialsThatWereRefused() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        _ = try await ground.connect(merchant)
        _ = try await ground.superuser.run("UPDATE crm.crm_integrations SET state = 'reauth_required', state_reason = 'refused'")
        let kept = try await ground.connections.change(merchant, .klaviyo, ConnectionChange(label: "x"), ground.context)
        #expect(kept?.state == .reauthRequired)
        #expect(kept?.stateReason == "refused")
        let resumed = try await ground.connections.change(merchant, .klaviyo, ConnectionChange(isPaused: false), ground.context)
        #expect(resumed?.state == .reauthRequired)
    }

    @Test func disconnectingDestroysTheCredentials() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        let id = try await ground.connect(merchant).integration.id
        let gone = try #require(try await ground.connections.disconnect(merchant, .klaviyo, ground.context))
        #expect(gone.at == ground.now)
        #expect(gone.cancelled == 0)
        #expect(try await ground.connections.disconnect(merchant, .klaviyo, ground.context) == nil)
        #expect(try await ground.superuser.run("SELECT FROM crm.crm_integrations").isEmpty)
        #expect(try await ground.connections.status(merchant, .klaviyo) == nil)
        #expect(try await ground.connect(merchant).integration.id != id)
        let audit = try await ground.audit(of: merchant)
        #expect(audit.count { $0 == "integration.disconnected" } == 1)
        #expect(audit.count { $0 == "integration.connected" } == 2)
    }

    @Test func aLongQueueDoesNotKeepAMerchantConnected() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        let id = try await ground.connect(merchant).integration.id
        _ = try await ground.superuser.run(
            """
            INSERT INTO crm.delivery_lanes (merchant_id, lane_id, integration_id, crm_type, owner, lease_until)
            VALUES (\(merchant), \(id), \(id), 'klaviyo', gen_random_uuid(), now() + interval '1 minute')
            """)
        _ = try await ground.superuser.run(
            """
            INSERT INTO crm.deliveries (
                merchant_id, lane_id, delivery_id, request_id, contact_key, kind, idem_key, payload, first_seen_at)
            SELECT \(merchant), \(id), gen_random_uuid(), 'r', decode(repeat('ab', 16), 'hex'), 'event', gen_random_uuid(), '{}', now()
            FROM generate_series(1, 1500)
            """)
        let gone = try #require(try await ground.connections.disconnect(merchant, .klaviyo, ground.context))
        #expect(gone.cancelled == 1_500)
        #expect(try await ground.superuser.run("SELECT FROM crm.delivery_lanes WHERE owner IS NULL AND fence = 1").count == 1)
        #expect(try await ground.superuser.run("SELECT FROM crm.crm_sync_logs WHERE outcome = 'cancelled'").count == 1_000)
        #expect(try await ground.superuser.run("SELECT FROM crm.deliveries").count == 500)
        #expect(try await ground.connections.integrations(of: merchant).isEmpty)
    }

    @Test func statusTellsWhatHappenedLately() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        let integration = try await ground.connect(merchant).integration
        func log(_ outcome: SyncLogEntry.Outcome, _ after: Int64, code: String = "") async throws {
            let at = ground.now + .seconds(after)
            try await ground.logs.record(
                SyncLogEntry(
                    id: LogID(.v7(at: at, random: Array(repeating: UInt8(after), count: 10))), at: at, crmType: .klaviyo,
                    integration: integration.id, operation: .validate, outcome: outcome, status: "unavailable", code: code, detail: "d",
                    durationMilliseconds: 5, attempt: 1, delivery: nil, requestID: "r", providerVersion: "1", contact: nil, remoteID: nil,
                    httpStatus: nil, warnings: []), of: merchant, contactIdentity: nil)
        }
        #expect(try await ground.connections.status(merchant, .klaviyo)?.lastFailure == nil)
        try await log(.success, 1)
        try await log(.success, 2)
        try await log(.failed, 3, code: "klaviyo.down")
        try await log(.retrying, 4)
        let status = try #require(try await ground.connections.status(merchant, .klaviyo))
        #expect(status.lastSuccessAt == ground.now + .seconds(2))
        #expect(status.lastFailure?.at == ground.now + .seconds(4))
        #expect(status.lastFailure?.code == "unavailable")
        #expect(status.succeeded24h == 2)
        #expect(status.failed24h == 2)
        #expect(status.pending == 0)
        #expect(status.dead == 0)
    }
}
