import CRMCore
import Testing

/// Klaviyo's provider against the sandbox's Klaviyo, which refuses what the real one refuses.
@Suite struct KlaviyoJourneyTests {
    private static func warnings(_ outcome: ProviderOutcome) -> [String] { outcome.warnings.compactMap { $0["code"]?.stringValue } }

    private static func write(_ contact: JSONValue, _ ground: ProviderGround, settings: JSONObject = [:]) async throws -> ProviderOutcome {
        let outcome = try await ground.perform(.createOrUpdateContact, ["contact": contact], settings: settings)
        #expect(outcome.status == .ok, "\(outcome.code) \(outcome.message)")
        return outcome
    }

    private static func consent(_ ground: ProviderGround, of email: String) async throws -> String? {
        let found = try await ground.perform(.getContact, ["email": .string(email)])
        return found.payload["contact"]?["consent"]?["email_marketing"]?["state"]?.stringValue
    }

    @Test func aContactComesBackAsItWasWritten() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            let contact: JSONValue = [
                "email": "ada@example.test", "phone": "+390612345678", "external_id": "user-1", "first_name": "Ada",
                "last_name": "Lovelace", "title": "Engineer", "organization": "Acme", "locale": "it-IT",
                "address": [
                    "line1": "Via Roma 1", "line2": "int. 2", "city": "Rome", "region": "RM", "postal_code": "00100", "country": "Italy",
                ], "properties": ["plan": "pro", "tags": ["a", "b"]],
            ]
            let settings: JSONObject = ["fields": ["title": "job"], "properties": ["plan": "Plan Name"]]
            let written = try await Self.write(contact, ground, settings: settings)
            #expect(written.payload["created"] == true)
            let found = try await ground.perform(.getContact, ["external_id": "user-1"], settings: settings)
            #expect(found.payload["contact"] == contact)
            #expect(found.remoteID == written.remoteID)
        }
    }

    @Test func ofThreeIdentifiersTheOneInConflictStaysWithItsProfile() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            _ = try await Self.write(["email": "other@example.test", "first_name": "Other"], ground)
            let own = try await Self.write(["external_id": "user-1"], ground)
            let merged = try await Self.write(
                ["external_id": "user-1", "email": "other@example.test", "phone": "+390612345678", "first_name": "Ada"], ground)
            #expect(merged.remoteID == own.remoteID)
            #expect(merged.warnings.map { $0["field"]?.stringValue } == ["email"])
            let found = try await ground.perform(.getContact, ["external_id": "user-1"])
            #expect(found.payload["contact"] == ["external_id": "user-1", "phone": "+390612345678", "first_name": "Ada"])
            #expect(try await ground.perform(.getContact, ["email": "other@example.test"]).payload["contact"]?["first_name"] == "Other")
        }
    }

    @Test func badFieldsDoNotCostTheRecord() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            let written = try await Self.write(
                ["email": "ada@example.test", "phone": "06 123", "locale": "?!", "first_name": "Ada"], ground)
            #expect(Set(written.warnings.compactMap { $0["field"]?.stringValue }) == ["phone", "locale"])
            let event = try await ground.perform(
                .sendEvent, ["event": ["name": "Order Placed", "contact": ["email": "ada@example.test", "phone": "06 123"]]])
            #expect(event.status == .ok)
            #expect(event.warnings.compactMap { $0["field"]?.stringValue } == ["phone"])
            #expect(event.payload["accepted_only"] == true)
        }
    }

    @Test func consentIsGivenAndWithdrawnAndNeverGivenBackBySync() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            let granted: JSONValue = [
                "email": "ada@example.test",
                "consent": ["email_marketing": ["state": "granted", "at": "2026-01-01T10:00:00Z", "source": "shop"]],
            ]
            _ = try await Self.write(granted, ground, settings: ["list_id": "Single"])
            #expect(try await Self.consent(ground, of: "ada@example.test") == "granted")

            let withdrawn: JSONValue = ["email": "ada@example.test", "consent": ["email_marketing": ["state": "withdrawn"]]]
            _ = try await Self.write(withdrawn, ground)
            #expect(try await Self.consent(ground, of: "ada@example.test") == "withdrawn")

            let again = try await Self.write(granted, ground)
            #expect(Self.warnings(again) == ["klaviyo.withdrawal_kept"])
            #expect(try await Self.consent(ground, of: "ada@example.test") == "withdrawn")

            let younger: JSONValue = [
                "email": "ada@example.test", "consent": ["email_marketing": ["state": "granted", "at": "2999-01-01T10:00:00Z"]],
            ]
            _ = try await Self.write(younger, ground)
            #expect(try await Self.consent(ground, of: "ada@example.test") == "granted")
        }
    }

    @Test func aListWithDoubleOptInAsksUnlessTheConsentWasCollected() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            let contact: JSONValue = [
                "email": "ada@example.test", "consent": ["email_marketing": ["state": "granted", "at": "2026-01-01T10:00:00Z"]],
            ]
            _ = try await Self.write(contact, ground, settings: ["list_id": "Double"])
            #expect(try await Self.consent(ground, of: "ada@example.test") == nil)
            _ = try await Self.write(contact, ground, settings: ["list_id": "Double", "granted_consent": "collected"])
            #expect(try await Self.consent(ground, of: "ada@example.test") == "granted")
            let found = try await ground.perform(.getContact, ["email": "ada@example.test"])
            #expect(found.payload["contact"]?["consent"]?["email_marketing"]?["at"] == "2026-01-01T10:00:00Z")
        }
    }

    @Test func aWithdrawalReachesTheProfileThatHasTheAddress() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            _ = try await Self.write(
                ["email": "ada@example.test", "consent": ["email_marketing": ["state": "granted"]]], ground, settings: ["list_id": "Single"]
            )
            _ = try await Self.write(["external_id": "user-1"], ground)
            let written = try await Self.write(
                ["external_id": "user-1", "email": "ada@example.test", "consent": ["email_marketing": ["state": "withdrawn"]]], ground)
            #expect(Self.warnings(written) == ["klaviyo.duplicate_profile"])
            #expect(try await Self.consent(ground, of: "ada@example.test") == "withdrawn")
        }
    }

    @Test func anUnknownListDoesNotCostTheContact() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            let contact: JSONValue = ["email": "ada@example.test", "consent": ["email_marketing": ["state": "granted"]]]
            let written = try await Self.write(contact, ground, settings: ["list_id": "Nobody"])
            #expect(Self.warnings(written) == ["klaviyo.consent_refused"])
            #expect(try await ground.counts()["contacts"] == 1)
        }
    }

    @Test func anAddressThatComplainedIsLeftAlone() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            try await ground.configure(["suppressed": ["ada@example.test": "SPAM_REPORT"]])
            let contact: JSONValue = [
                "email": "ada@example.test", "consent": ["email_marketing": ["state": "granted", "at": "2999-01-01T10:00:00Z"]],
            ]
            let written = try await Self.write(contact, ground)
            #expect(Self.warnings(written) == ["klaviyo.suppression_kept"])
            #expect(try await Self.consent(ground, of: "ada@example.test") == nil)
        }
    }

    @Test func aBatchOfEventsIsRecordedOnceHoweverOftenItIsSent() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            let items = (0..<100).map { number -> JSONValue in
                [
                    "kind": "event", "idempotency_key": .string("key-\(number)"),
                    "event": ["name": "Order Placed", "contact": ["email": .string("c\(number)@example.test")]],
                ]
            }
            // What a lost answer leaves behind: the events are there, and the host does not know.
            try await ground.script([["cut": "after"]], path: "/api/event-bulk-create-jobs")
            let lost = try await ground.perform(.batch, ["items": .array(items)])
            #expect(lost.isAmbiguous)
            let again = try await ground.perform(.batch, ["items": .array(items)], attempt: 2, lookBeforeWrite: true)
            #expect(again.payload["items"]?.arrayValue?.allSatisfy { $0["status"] == 0 } == true)
            // And even if nobody remembered: the bulk is refused as a whole, the single calls pass over what is there.
            let unaware = try await ground.perform(.batch, ["items": .array(items)], attempt: 3)
            #expect(unaware.payload["items"]?.arrayValue?.allSatisfy { $0["status"] == 0 } == true)
            #expect(try await ground.counts()["events"] == 100)
            #expect(try await ground.counts()["contacts"] == 100)
        }
    }

    @Test func aBatchOfContactsIsImportedAndItsBadRowsAreNamed() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            _ = try await Self.write(["email": "taken@example.test"], ground)
            var items = (0..<40).map { number -> JSONValue in
                [
                    "kind": "contact", "idempotency_key": .string("key-\(number)"),
                    "contact": ["external_id": .string("c\(number)"), "email": .string("c\(number)@example.test")],
                ]
            }
            items[7] = ["kind": "contact", "idempotency_key": "key-7", "contact": ["external_id": "c7", "email": "nobody"]]
            items[9] = ["kind": "contact", "idempotency_key": "key-9", "contact": ["email": "nobody"]]
            let outcome = try await ground.perform(.batch, ["items": .array(items)])
            let results = try #require(outcome.payload["items"]?.arrayValue)
            #expect(results.enumerated().filter { $0.element["status"] != 0 }.map(\.offset) == [9])
            #expect(results[7]["warnings"]?.arrayValue?.first?["field"] == "email")
            #expect(results[9]["code"] == "klaviyo.invalid")
            #expect(try await ground.counts()["contacts"] == 40)
            #expect(try await ground.journal().filter { $0["path"] == "/klaviyo/api/profile-import" }.count == 4)
        }
    }

    @Test func aGoodCheckIsSpentOnceAndNothingIsWritten() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            let first = try await ground.perform(.validateCredentials)
            #expect(first.status == .ok)
            let states = first.payload["permissions"]?.arrayValue?.map { $0["state"]?.stringValue }
            #expect(states == ["proven", "unknown", "unknown", "proven", "unknown"])
            #expect(try await ground.perform(.validateCredentials).payload["account"] == first.payload["account"])
            #expect(try await ground.journal().map { $0["method"]?.stringValue } == ["GET", "GET"])
            #expect(try await ground.counts()["contacts"] == 0)
        }
    }
}
