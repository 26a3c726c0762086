import CRMCore
import TestSupport
import Testing

/// Creatio's provider and the sandbox's Creatio, each written from the CRM's documentation alone.
@Suite struct CreatioJourneyTests {
    private static let person: JSONValue = [
        "email": "grace@example.test", "external_id": "customer-7", "phone": "+390612345678", "first_name": "Grace", "last_name": "Hopper",
        "title": "Admiral", "address": ["line1": "Via Roma 1", "city": "Rome", "postal_code": "00100", "country": "Italy"],
        "consent": ["email_marketing": ["state": "withdrawn"]], "properties": ["plan": "pro"],
    ]
    private static let settings: JSONObject = ["properties": ["plan": "UsrPlan"]]

    private static func client(_ account: String) -> JSONValue {
        ["instance_url": "https://acme.creatio.com", "client_id": .string("sandbox_\(account)"), "client_secret": "sandbox"]
    }

    private static func contacts(_ count: Int) -> JSONValue {
        let items = (0..<count).map { number -> JSONValue in
            [
                "kind": "contact", "idempotency_key": .string("k\(number)"),
                "contact": ["external_id": .string("c\(number)"), "first_name": "Ada"],
            ]
        }
        return ["items": .array(items)]
    }

    private func statuses(_ outcome: ProviderOutcome) -> [Int] {
        outcome.payload["items"]?.arrayValue?.map { $0["status"]?.intValue ?? -1 } ?? []
    }

    @Test(arguments: ["ada@shop.test", "core@shop.test", "nocsrf@shop.test", "basic@shop.test"]) func aJourney(_ account: String)
        async throws
    {
        try await ProviderGround.with(.creatio) { ground in
            for credentials in [TestedProvider.creatio.credentials(account), Self.client(account)] {
                let check = try await ground.perform(
                    .validateCredentials, account: account, credentials: credentials, settings: Self.settings)
                #expect(check.status == .ok)
                #expect(check.payload["account"]?["id"]?.stringValue == "acme.creatio.com")
                #expect(check.payload["permissions"]?.arrayValue?.contains { $0["state"]?.stringValue == "missing" } == false)
            }
            let first = try await ground.perform(
                .createOrUpdateContact, ["contact": Self.person], account: account, settings: Self.settings)
            #expect(first.status == .ok && first.payload["created"] == true, "\(first.code) \(first.message) \(first.payload.text)")
            let second = try await ground.perform(
                .createOrUpdateContact, ["contact": Self.person], account: account, credentials: Self.client(account),
                settings: Self.settings)
            #expect(second.payload["created"] == false && second.remoteID == first.remoteID)
            for query: JSONValue in [
                ["email": "GRACE@example.test"], ["external_id": "customer-7"], ["remote_id": .optional(first.remoteID)],
            ] {
                let found = try await ground.perform(.getContact, query, account: account, settings: Self.settings)
                #expect(found.status == .ok && found.remoteID == first.remoteID, "\(query.text): \(found.code) \(found.message)")
                let contact = found.payload["contact"]
                #expect(contact?["first_name"] == "Grace" && contact?["properties"] == ["plan": "pro"])
                #expect(
                    contact?["address"] == ["line1": "Via Roma 1", "city": "Rome", "postal_code": "00100", "country": "Italy"],
                    "\(contact?.text ?? "")")
                #expect(contact?["consent"]?["email_marketing"]?["state"] == "withdrawn")
            }
            for target in ["automatic", "activity"] {
                var event = ProviderGround.event.objectValue ?? [:]
                event["unique_id"] = .string("order-\(target)")
                for _ in 0..<2 {
                    let sent = try await ground.perform(
                        .sendEvent, ["event": .object(event)], account: account, settings: ["event_target": .string(target)])
                    #expect(sent.status == .ok, "\(sent.code) \(sent.message)")
                    #expect(sent.payload["warnings"] == nil, "\(sent.payload.text)")
                }
            }
            let counts = try await ground.counts(account: account)
            #expect(counts["contacts"] == 1 && counts["events"] == 2)
        }
    }

    @Test func aSiteWithoutOurColumnsAndObject() async throws {
        try await ProviderGround.with(.creatio) { ground in
            let account = "plain@shop.test"
            let check = try await ground.perform(.validateCredentials, account: account)
            #expect(check.status == .ok && check.payload.text.contains("no column UsrExternalId"))
            let written = try await ground.perform(.createOrUpdateContact, ["contact": ProviderGround.contact], account: account)
            #expect(written.status == .ok, "\(written.code) \(written.message)")
            #expect(written.payload["warnings"]?.arrayValue?.map { $0["code"]?.stringValue } == ["creatio.no_external_id_column"])
            let early = try await ground.perform(.sendEvent, ["event": ProviderGround.event], account: account)
            #expect(early.status == .unavailable && early.retryAfter == .seconds(30))
            let sent = try await ground.perform(.sendEvent, ["event": ProviderGround.event], account: account, attempt: 6)
            #expect(sent.payload["warnings"]?.arrayValue?.contains { $0["code"] == "creatio.no_event_object" } == true)
            let counts = try await ground.counts(account: account)
            #expect(counts["contacts"] == 1 && counts["events"] == 1)
        }
    }

    @Test(arguments: ["crowd@shop.test", "core-crowd@shop.test"]) func aContactUpsertedByFiftyAtOnceExistsOnce(_ account: String)
        async throws
    {
        try await ProviderGround.with(.creatio) { ground in
            try await ground.expectOneContact(account: account, contact: ["email": "crowd@example.test", "external_id": "crowd-1"])
            let logins = try await ground.journal(account: account).count { $0["path"]?.stringValue?.hasSuffix("/Login") == true }
            #expect(logins == 1)
        }
    }

    @Test func anInsertThatTheSiteCarriedOutBeforeItFailed() async throws {
        try await ProviderGround.with(.creatio) { ground in
            let answers: [JSONValue] = [
                ["status": 500, "performed": true], ["cut": "after"], ["code": "exception", "status": 200, "performed": true],
                ["page": "html", "performed": true],
            ]
            for (number, answer) in answers.enumerated() {
                let account = "performed\(number)@shop.test"
                try await ground.script([answer], account: account, method: "POST", path: "/creatio/0/odata/Contact")
                let written = try await ground.perform(.createOrUpdateContact, ["contact": ProviderGround.contact], account: account)
                #expect(written.status == .ok && written.payload["created"] == .null, "\(answer.text): \(written.code) \(written.message)")
                try await ground.script([answer], account: account, method: "POST", path: "/creatio/0/odata/UsrIntegrationEvent")
                let sent = try await ground.perform(.sendEvent, ["event": ProviderGround.event], account: account)
                #expect(sent.status == .ok, "\(answer.text): \(sent.code) \(sent.message)")
                let counts = try await ground.counts(account: account)
                #expect(counts["contacts"] == 1 && counts["events"] == 1)
            }
        }
    }

    @Test func sessionsThatEndAreReplaced() async throws {
        try await ProviderGround.with(.creatio) { ground in
            for account in ["ada@shop.test", "core@shop.test"] {
                for credentials in [TestedProvider.creatio.credentials(account), Self.client(account)] {
                    for _ in 0..<2 {
                        let found = try await ground.perform(
                            .getContact, ["email": "x@example.test"], account: account, credentials: credentials)
                        #expect(found.status == .notFound, "\(found.code) \(found.message)")
                        #expect(try await ground.send("DELETE", "/accounts/creatio/\(account)/sessions").status == 204)
                    }
                }
            }
        }
    }

    @Test(arguments: ["ada@shop.test", "core@shop.test"]) func aBatch(_ account: String) async throws {
        try await ProviderGround.with(.creatio) { ground in
            let whole = try await ground.perform(.batch, Self.contacts(100), account: account)
            #expect(statuses(whole) == Array(repeating: 0, count: 100), "\(whole.code) \(whole.message)")
            #expect(try await ground.counts(account: account)["contacts"] == 100)
            // A login, the search for the service, and nothing else by itself.
            let alone = try await ground.journal(account: account).filter { $0["path"]?.stringValue?.hasSuffix("$batch") == false }
            #expect(alone.count == (account.hasPrefix("core") ? 3 : 2))
            let again = try await ground.perform(.batch, Self.contacts(100), account: account)
            #expect(statuses(again) == Array(repeating: 0, count: 100))
            #expect(try await ground.counts(account: account)["contacts"] == 100)
        }
    }

    @Test func aBatchOfWhichPartFails() async throws {
        try await ProviderGround.with(.creatio) { ground in
            let half = "half@shop.test"
            try await ground.script(
                ["real", ["batch_failures": [1, 3], "batch_error": 503]], account: half, path: "/creatio/0/odata/$batch")
            let outcome = try await ground.perform(.batch, Self.contacts(5), account: half)
            #expect(statuses(outcome).filter { $0 == 0 }.count == 3, "\(outcome.payload.text)")
            #expect(outcome.item(1).status == .unavailable && outcome.item(1).isAmbiguous)
            #expect(try await ground.counts(account: half)["contacts"] == 3)

            let dying = "dying@shop.test"
            try await ground.script(["real", ["end_session_at_item": 2]], account: dying, path: "/creatio/0/odata/$batch")
            let renewed = try await ground.perform(.batch, Self.contacts(5), account: dying)
            #expect(statuses(renewed) == [0, 0, 0, 0, 0], "\(renewed.code) \(renewed.payload.text)")
            #expect(try await ground.counts(account: dying)["contacts"] == 5)

            let lost = "lost@shop.test"
            try await ground.script(["real", ["cut": "after"]], account: lost, path: "/creatio/0/odata/$batch")
            let looked = try await ground.perform(.batch, Self.contacts(5), account: lost)
            #expect(statuses(looked) == [0, 0, 0, 0, 0], "\(looked.code) \(looked.payload.text)")
            #expect(try await ground.counts(account: lost)["contacts"] == 5)
        }
    }

    @Test func whoMayOnlyReadIsTold() async throws {
        try await ProviderGround.with(.creatio) { ground in
            let outcome = try await ground.perform(
                .createOrUpdateContact, ["contact": ProviderGround.contact], account: "readonly@shop.test")
            #expect(outcome.status == .permissionDenied && outcome.code == "creatio.permission_denied")
        }
    }
}
