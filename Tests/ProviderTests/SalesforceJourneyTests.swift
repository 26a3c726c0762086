import CRMCore
import TestSupport
import Testing

/// What merchants do, through the real host and in front of the sandbox.
@Suite struct SalesforceJourneyTests {
    private static let client: JSONValue = [
        "client_id": "sandbox_client@shop.test", "client_secret": "sandbox", "domain": "acme",
    ]

    @Test func contactsAndEventsArriveAndComeBack() async throws {
        try await ProviderGround.with(.salesforce) { ground in
            for (account, credentials) in [("ada@shop.test", nil), ("client@shop.test", Self.client)] as [(String, JSONValue?)] {
                let check = try await ground.perform(.validateCredentials, account: account, credentials: credentials)
                #expect(check.status == .ok)
                #expect(check.payload["permissions"]?.arrayValue?.allSatisfy { $0["state"] == "proven" && $0["detail"] == nil } == true)
                #expect(check.payload["account"]?["name"]?.stringValue?.isEmpty == false)

                let settings: JSONObject = ["properties": ["plan": "Plan__c"]]
                let contact: JSONValue = [
                    "external_id": "user-1", "email": "o'hara+1@example.test", "first_name": "Ada", "last_name": "O'Hara",
                    "phone": "+390612345678", "title": "Engineer", "locale": "it-IT",
                    "address": ["line1": "Via Roma 1", "line2": "int. 2", "city": "Rome", "postal_code": "00100", "country": "Italy"],
                    "consent": ["email_marketing": ["state": "withdrawn"]], "properties": ["plan": "pro"],
                ]
                let created = try await ground.perform(
                    .createOrUpdateContact, ["contact": contact], account: account, credentials: credentials, settings: settings)
                #expect(created.status == .ok)
                #expect(created.payload["created"] == true)
                #expect(created.payload["warnings"] == nil)
                let updated = try await ground.perform(
                    .createOrUpdateContact, ["contact": contact], account: account, credentials: credentials, settings: settings)
                #expect(updated.payload["created"] == false)
                #expect(updated.remoteID == created.remoteID)

                let id = try #require(created.remoteID)
                for query: JSONValue in [
                    ["external_id": "user-1"], ["email": "o'hara+1@example.test"], ["remote_id": .string(id)],
                    ["remote_id": .string(String(id.prefix(15)))],
                ] {
                    let found = try await ground.perform(.getContact, query, account: account, credentials: credentials, settings: settings)
                    #expect(found.payload["contact"] == contact)
                    #expect(found.payload["remote_id"]?.stringValue == id)
                }

                let event: JSONValue = [
                    "name": "Order Placed", "unique_id": "order-1", "occurred_at": "2026-11-01T10:00:00Z",
                    "value": ["amount": "19.98", "currency": "EUR"], "contact": ["external_id": "user-1"], "properties": ["sku": "A1"],
                ]
                for _ in 0..<2 {
                    let sent = try await ground.perform(.sendEvent, ["event": event], account: account, credentials: credentials)
                    #expect(sent.status == .ok)
                    #expect(sent.payload["warnings"] == nil)
                }
                // Somebody whom the org does not know yet.
                let stranger = try await ground.perform(
                    .sendEvent, ["event": ["name": "Visited", "contact": ["external_id": "user-2", "email": "b@example.test"]]],
                    account: account, credentials: credentials)
                #expect(stranger.status == .ok)
                #expect(try await ground.counts(account: account)["contacts"] == 2)
                #expect(try await ground.counts(account: account)["events"] == 2)
            }
        }
    }

    @Test func fiftyAtOnceMakeOneContact() async throws {
        try await ProviderGround.with(.salesforce) { ground in
            try await ground.expectOneContact(account: "one@shop.test", contact: ["email": "ada@example.test", "external_id": "user-1"])
            try await ground.expectOneContact(account: "two@shop.test", contact: ["external_id": "user-1", "last_name": "L"])
            try await ground.expectOneContact(account: "three@shop.test", contact: ["email": "Ada@example.test"])
            try await ground.expectOneContact(account: "four@shop.test", contact: ["phone": "+390612345678"])
        }
    }

    /// First known by address alone, then by an external id too, then by address again: one person.
    @Test func somebodyWhoGetsAnExternalIDStaysOnePerson() async throws {
        try await ProviderGround.with(.salesforce) { ground in
            var ids: Set<String?> = []
            for contact: JSONValue in [
                ["email": "Ada@example.test"], ["email": "ada@example.test", "external_id": "user-1"], ["email": "ada@example.test"],
                ["external_id": "user-1", "last_name": "Lovelace"],
            ] {
                let outcome = try await ground.perform(.createOrUpdateContact, ["contact": contact])
                #expect(outcome.status == .ok)
                ids.insert(outcome.remoteID)
            }
            #expect(ids.count == 1)
            #expect(try await ground.counts()["contacts"] == 1)
            let found = try await ground.perform(.getContact, ["external_id": "user-1"])
            #expect(found.payload["contact"]?["last_name"] == "Lovelace")
        }
    }

    @Test func anOrgWithNothingSetUpIsServedToo() async throws {
        try await ProviderGround.with(.salesforce) { ground in
            let account = "plain@shop.test"
            let check = try await ground.perform(.validateCredentials, account: account)
            #expect(check.payload["permissions"]?.arrayValue?.allSatisfy { $0["state"] == "proven" } == true)
            for number in 0..<2 {
                let outcome = try await ground.perform(
                    .createOrUpdateContact, ["contact": ["external_id": "u", "email": "ada@example.test", "first_name": "Ada"]],
                    account: account)
                #expect(outcome.payload["created"] == .bool(number == 0))
                #expect(outcome.payload["warnings"]?.arrayValue?.first?["code"] == "salesforce.no_external_id_field")
            }
            let event: JSONValue = [
                "name": "It's \"here\"", "occurred_at": "2026-11-01T10:00:00Z", "contact": ["email": "ada@example.test"],
            ]
            #expect(try await ground.perform(.sendEvent, ["event": event], account: account, idempotencyKey: "e-1").status == .ok)
            let again = try await ground.perform(
                .sendEvent, ["event": event], account: account, idempotencyKey: "e-1", attempt: 2, lookBeforeWrite: true)
            #expect(again.status == .ok)
            let other = try await ground.perform(
                .sendEvent, ["event": event], account: account, idempotencyKey: "e-2", attempt: 2, lookBeforeWrite: true)
            #expect(other.remoteID != again.remoteID)
            #expect(try await ground.counts(account: account)["events"] == 2)
        }
    }

    @Test func platformEventsAreTaken() async throws {
        try await ProviderGround.with(.salesforce) { ground in
            let sent = try await ground.perform(
                .sendEvent, ["event": ProviderGround.event], settings: ["event_target": "platform_event"])
            #expect(sent.status == .ok)
            #expect(sent.payload["accepted_only"] == true)
        }
    }

    @Test func oneBadFieldDoesNotCostTheContact() async throws {
        try await ProviderGround.with(.salesforce) { ground in
            let outcome = try await ground.perform(
                .createOrUpdateContact,
                ["contact": ["external_id": "u", "last_name": "L", "email": "not an address", "properties": ["tier": "Tin", "lost": 1]]],
                settings: ["properties": ["tier": "Tier__c"]])
            #expect(outcome.status == .ok)
            let fields = outcome.payload["warnings"]?.arrayValue?.compactMap { $0["field"]?.stringValue } ?? []
            #expect(Set(fields) == ["email", "properties.tier", "properties.lost"])
            #expect(try await ground.counts()["contacts"] == 1)
        }
    }

    @Test func aBatchSurvivesTheEndOfItsSession() async throws {
        try await ProviderGround.with(.salesforce) { ground in
            func items(_ range: Range<Int>) -> JSONValue {
                [
                    "items": .array(
                        range.map { number in
                            let contact: JSONValue = [
                                "external_id": .string("user-\(number)"), "email": .string("u\(number)@example.test"), "first_name": "U",
                            ]
                            let key: JSONValue = .string("k-\(number)")
                            return number.isMultiple(of: 2)
                                ? ["kind": "contact", "idempotency_key": key, "contact": contact]
                                : ["kind": "event", "idempotency_key": key, "event": ["name": "E", "contact": contact]]
                        })
                ]
            }
            let first = try await ground.perform(.batch, items(0..<40), timeout: .seconds(60))
            #expect(first.payload["items"]?.arrayValue?.allSatisfy { $0["status"] == 0 } == true)
            try await ground.script(
                ["real", ["end_session": "before"]], path: "/services/data/v68.0/composite")
            let second = try await ground.perform(.batch, items(0..<60), timeout: .seconds(60))
            #expect(second.payload["items"]?.arrayValue?.count == 60)
            #expect(second.payload["items"]?.arrayValue?.allSatisfy { $0["status"] == 0 } == true)
            #expect(try await ground.counts()["contacts"] == 60)
            #expect(try await ground.counts()["events"] == 30)
        }
    }

    @Test func halfOfABatchMayFail() async throws {
        try await ProviderGround.with(.salesforce) { ground in
            try await ground.script([["batch_failures": [1]]], path: "/services/data/v68.0/composite")
            let contacts = (0..<3).map { number -> JSONValue in
                [
                    "kind": "contact", "idempotency_key": .string("k-\(number)"),
                    "contact": ["external_id": .string("user-\(number)"), "last_name": "L"],
                ]
            }
            let outcome = try await ground.perform(.batch, ["items": .array(contacts)])
            let statuses = outcome.payload["items"]?.arrayValue?.map { $0["status"] == 0 }
            #expect(statuses == [true, false, true])
            #expect(try await ground.counts()["contacts"] == 2)
        }
    }

    @Test func anEndedSessionIsRenewedAndAnOldOrgIsServed() async throws {
        try await ProviderGround.with(.salesforce) { ground in
            let contact: JSONValue = ["contact": ["external_id": "u", "last_name": "L"]]
            #expect(try await ground.perform(.createOrUpdateContact, contact).status == .ok)
            #expect(try await ground.send("DELETE", "/accounts/salesforce/ada@shop.test/sessions").status == 204)
            #expect(try await ground.perform(.createOrUpdateContact, contact).status == .ok)
            let logins = try await ground.journal().filter { $0["path"]?.stringValue?.contains("/services/Soap/") == true }
            #expect(logins.count == 2)

            #expect(try await ground.perform(.validateCredentials, account: "old@shop.test").status == .ok)
            #expect(try await ground.send("PUT", "/accounts/salesforce/older@shop.test", #"{"newest_version": 67}"#).status == 204)
            #expect(try await ground.perform(.createOrUpdateContact, contact, account: "older@shop.test").status == .ok)
        }
    }

    @Test func anOrgThatHidesAFieldSaysSo() async throws {
        try await ProviderGround.with(.salesforce) { ground in
            let hidden = #"{"hidden_fields": ["Contact.HasOptedOutOfEmail"]}"#
            #expect(try await ground.perform(.validateCredentials, account: "hidden@shop.test").status == .ok)
            #expect(try await ground.send("PUT", "/accounts/salesforce/hidden@shop.test", hidden).status == 204)
            let outcome = try await ground.perform(
                .createOrUpdateContact,
                ["contact": ["external_id": "u", "last_name": "L", "consent": ["email_marketing": ["state": "withdrawn"]]]],
                account: "hidden@shop.test")
            #expect(outcome.status == .ok)
            #expect(outcome.payload["warnings"]?.arrayValue?.map { $0["field"] } == ["consent.email_marketing"])
        }
    }
}
