import CRMCore
import CRMDelivery
import CRMStore
import FoundationEssentials
import Synchronization
import TestSupport
import Testing

@Suite(.serialized) struct AuthorisationTests {
    @Test func refusedCredentialsStopTheConnectionUntilThereAreOthers() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let isRevoked = Box(Atomic(true))
        let catalog = ScriptedCatalog([ground.crmType]) { _ in
            ProviderOutcome(status: isRevoked.flag.load(ordering: .relaxed) ? .invalidCredentials : .ok, message: "key revoked")
        }
        let answer = try await ground.accept(merchant, (0..<5).map { ground.event("c\($0)@example.test", to: integration, index: $0) })
        let run = DeliveryRun(ground, catalog)
        let id = try #require(ids(answer).first)
        try await eventually("reauth") { try await ground.deliveries.delivery(merchant, id)?.waiting?.reason == .reauth }
        try await eventually("given back") { try await ground.count("FROM crm.delivery_lanes WHERE owner IS NULL") == 1 }
        #expect(catalog.validations == 1)
        #expect(try await ground.count("FROM crm.crm_integrations WHERE state = 'reauth_required' AND state_reason = 'key revoked'") == 1)
        #expect(try await ground.count("FROM crm.crm_sync_logs WHERE operation = 'validate' AND outcome = 'failed'") == 1)
        let sent = catalog.calls.count

        isRevoked.flag.store(false, ordering: .relaxed)
        run.service.wake()
        _ = try await ground.superuser.run("UPDATE crm.crm_integrations SET state = 'active', state_reason = NULL, cred_ver = cred_ver + 1")
        try await eventually("delivered") { try await ground.queued(merchant) == 0 }
        await run.stop()
        #expect(catalog.calls.count == sent + 5)
        // Being refused burnt nothing.
        #expect(catalog.calls.allSatisfy { $0.request.attempt == 1 })
    }

    @Test func aLoginThatWorksAgainIsEnough() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let catalog = ScriptedCatalog([ground.crmType]) { call in
            ProviderOutcome(status: call.number == 0 ? .invalidCredentials : .ok)
        }
        _ = try await ground.accept(merchant, (0..<3).map { ground.event("a@example.test", to: integration, index: $0) })
        let run = DeliveryRun(ground, catalog)
        try await eventually("delivered") { try await ground.queued(merchant) == 0 }
        await run.stop()
        #expect(catalog.validations == 1)
        #expect(try await ground.count("FROM crm.crm_integrations WHERE state = 'active'") == 1)
        #expect(try await ground.count("FROM crm.crm_sync_logs WHERE operation = 'validate' AND outcome = 'success'") == 1)
    }

    @Test func changedSettingsHoldForTheNextCall() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let catalog = ScriptedCatalog([ground.crmType]) { call in
            call.request.settings["list_id"] == nil ? ProviderOutcome(status: .upstream, isRetryable: true) : ProviderOutcome(status: .ok)
        }
        _ = try await ground.accept(merchant, [ground.event("a@example.test", to: integration, index: 0)])
        let run = DeliveryRun(ground, catalog)
        try await eventually("tried") { catalog.calls.count > 1 }
        _ = try await ground.superuser.run(
            #"UPDATE crm.crm_integrations SET settings = '{"list_id": "L"}', updated_at = updated_at + interval '1 second'"#)
        try await eventually("delivered") { try await ground.queued(merchant) == 0 }
        await run.stop()
    }

    @Test func whatIsNotPermittedRestsAndTheOtherKindGoesOn() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let isPermitted = Box(Atomic(false))
        let catalog = ScriptedCatalog([ground.crmType]) { call in
            call.request.operation == .createOrUpdateContact && !isPermitted.flag.load(ordering: .relaxed)
                ? ProviderOutcome(status: .permissionDenied) : ProviderOutcome(status: .ok)
        }
        let answer = try await ground.accept(
            merchant, [ground.contact("ada@example.test", to: integration), ground.event("ada@example.test", to: integration, index: 1)])
        let run = DeliveryRun(ground, catalog)
        try await eventually("event delivered") { try await ground.deliveries.delivery(merchant, ids(answer)[1])?.state == .done }
        let upsert = try #require(try await ground.deliveries.delivery(merchant, ids(answer)[0]))
        #expect(upsert.waiting?.reason == .permission)
        #expect(upsert.attempts == 0)

        isPermitted.flag.store(true, ordering: .relaxed)
        _ = try await ground.superuser.run("UPDATE crm.crm_integrations SET cred_ver = cred_ver + 1")
        try await eventually("upsert delivered") { try await ground.queued(merchant) == 0 }
        await run.stop()
        #expect(try await log(ground, upsert.id) == ["retrying permission_denied 1", "success ok 1"])
    }

    @Test func rotatedCredentialsAreStoredWithWhatTheProviderDoesNotKnow() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let catalog = ScriptedCatalog([ground.crmType]) { call in
            // Also when the operation fails.
            call.number == 0
                ? ProviderOutcome(status: .upstream, payload: ["credential_update": ["token": "new"]]) : ProviderOutcome(status: .ok)
        }
        _ = try await ground.accept(merchant, [ground.event("ada@example.test", to: integration)])
        let run = DeliveryRun(ground, catalog)
        try await eventually("delivered") { try await ground.queued(merchant) == 0 }
        await run.stop()
        #expect(run.connections.credentials(of: integration) == #"{"api_key":"secret","token":"new"}"#)
        let second = catalog.calls[1].request.credentials.withBytes { String(decoding: $0, as: UTF8.self) }
        #expect(second == #"{"api_key":"secret","token":"new"}"#)
    }

    @Test func aPausedConnectionIsNotServed() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        _ = try await ground.superuser.run("UPDATE crm.crm_integrations SET state = 'paused'")
        let answer = try await ground.accept(merchant, [ground.event("ada@example.test", to: integration)])
        let catalog = ScriptedCatalog([ground.crmType]) { _ in ProviderOutcome(status: .ok) }
        let run = DeliveryRun(ground, catalog)
        let (other, second) = try await ground.connect()
        _ = try await ground.accept(other, [ground.event("eve@example.test", to: second)])
        try await eventually("the other is served") { try await ground.queued(other) == 0 }
        #expect(try await ground.deliveries.delivery(merchant, ids(answer)[0])?.waiting?.reason == .paused)
        #expect(catalog.calls.allSatisfy { $0.contact == "eve@example.test" })
        _ = try await ground.superuser.run("UPDATE crm.crm_integrations SET state = 'active'")
        try await eventually("served") { try await ground.queued(merchant) == 0 }
        await run.stop()
    }
}

/// A flag that a script and its test share.
final class Box: Sendable {
    let flag: Atomic<Bool>
    init(_ flag: consuming Atomic<Bool>) { self.flag = flag }
}
