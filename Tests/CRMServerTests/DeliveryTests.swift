import CRMCore
import CRMServer
import TestSupport
import Testing

@Suite struct DeliveryTests {
    private static let order: JSONValue = [
        "name": "Placed Order", "unique_id": "o-1", "value": ["amount": "12.50", "currency": "eur"],
        "contact": ["email": " Anna@Example.com ", "first_name": "Anna"],
    ]

    @Test func withoutConnectionsThereIsNowhereToSend() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let all = try await server.send("POST", "/crm/events", Self.order)
            #expect(all.status == 409)
            #expect(all.code == "no_integrations")
            let one = try await server.send("POST", "/crm/klaviyo/events", Self.order)
            #expect(one.status == 409)
            #expect(one.code == "not_connected")
            #expect(server.service.read(\.wakes) == 0)
        }
    }

    @Test func anEventGoesToEveryConnectionAfterItsContact() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.change { $0.providers.append(MemoryService.provider("echo")) }
            server.service.connect("klaviyo", uid: "anna")
            server.service.connect("echo", uid: "anna")
            let answer = try await server.send("POST", "/crm/events", headers: ["X-Request-Id": "r-1"], Self.order)
            #expect(answer.status == 202)
            #expect(answer.json["request_id"] == "r-1")
            let entries = try #require(answer.json["deliveries"]?.arrayValue)
            #expect(entries.map { $0["crm_type"] } == ["klaviyo", "echo"])
            #expect(entries.allSatisfy { $0["state"] == "queued" && $0["duplicate"] == false })
            let request = try #require(server.service.read { $0.accepted.first })
            #expect(request.items.map(\.kind) == [.contact, .event, .contact, .event])
            #expect(request.items.map(\.isPrincipal) == [false, true, false, true])
            #expect(request.items.allSatisfy { $0.contactIdentity == "anna@example.com" })
            #expect(request.items[0].payload == ["email": "anna@example.com", "first_name": "Anna"])
            #expect(
                request.items[1].payload == [
                    "name": "Placed Order", "unique_id": "o-1", "value": ["amount": "12.50", "currency": "EUR"],
                    "contact": ["email": "anna@example.com"],
                ])
            #expect(request.items[1].eventKey?.uniqueID == "o-1")
            #expect(server.service.read(\.wakes) == 1)
        }
    }

    @Test func anEventOfAMereIdentityIsOneDelivery() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.connect("klaviyo", uid: "anna")
            let answer = try await server.send(
                "POST", "/crm/klaviyo/events", ["name": "Viewed", "contact": ["external_id": "7", "phone": "+306912345678"]])
            #expect(answer.status == 202)
            let request = try #require(server.service.read { $0.accepted.first })
            #expect(request.items.map(\.kind) == [.event])
            #expect(request.items[0].contactIdentity == "7")
            #expect(request.items[0].eventKey == nil)
            let id = try #require(answer.json["deliveries"]?.arrayValue?.first?["delivery_id"]?.stringValue)
            let delivery = try await server.send("GET", "/crm/deliveries/\(id)")
            #expect(delivery.status == 200)
            #expect(delivery.json["operation"] == "event")
            #expect(delivery.json["request_id"] == answer.json["request_id"])
        }
    }

    @Test func aConnectionThatIsHeldBackSaysSo() async throws {
        let cases: [(IntegrationState, String)] = [(.reauthRequired, "reauth"), (.paused, "paused")]
        for (state, reason) in cases {
            try await RunningServer.run { server in
                try await server.signUp()
                server.service.connect("klaviyo", uid: "anna", state: state)
                let entry = try await server.send("POST", "/crm/contacts", ["email": "a@b.gr"]).json["deliveries"]?.arrayValue?.first
                #expect(entry?["state"] == "waiting")
                #expect(entry?["waiting"]?["reason"] == .string(reason))
            }
        }
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.connect("klaviyo", uid: "anna")
            server.service.change { $0.providers = [] }
            let answer = try await server.send("POST", "/crm/klaviyo/contacts", ["email": "a@b.gr"])
            #expect(answer.status == 202)
            let delivery = answer.json["deliveries"]?.arrayValue?.first
            #expect(delivery?["waiting"]?["reason"] == "provider_unavailable")
            let shown = try await server.send("GET", "/crm/deliveries/\(delivery?["delivery_id"]?.stringValue ?? "")")
            #expect(shown.json["state"] == "waiting" && shown.json["waiting"]?["reason"] == "provider_unavailable")
        }
    }

    @Test func theSameKeyIsTheSameRequest() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.connect("klaviyo", uid: "anna")
            let first = try await server.send(
                "POST", "/crm/contacts", headers: ["Idempotency-Key": "k"], ["email": "a@b.gr", "title": "x"])
            let again = try await server.send(
                "POST", "/crm/contacts", headers: ["Idempotency-Key": "k"], ["title": "x", "email": "a@b.gr"])
            #expect(again.status == 202)
            #expect(again.json == first.json)
            #expect(server.service.read { $0.accepted.count } == 1)
            for (path, body) in [("/crm/contacts", ["email": "c@b.gr"]), ("/crm/klaviyo/contacts", ["email": "a@b.gr", "title": "x"])]
                as [(String, JSONValue)]
            {
                let other = try await server.send("POST", path, headers: ["Idempotency-Key": "k"], body)
                #expect(other.status == 422)
                #expect(other.code == "idempotency_mismatch")
            }
            try await server.signUp("boris")
            server.service.connect("klaviyo", uid: "boris")
            #expect(
                try await server.send("POST", "/crm/contacts", as: "boris", headers: ["Idempotency-Key": "k"], ["email": "z@b.gr"]).status
                    == 202)
        }
    }

    @Test func aRepeatedRequestIsAnsweredThoughNothingIsConnectedAnyMore() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.connect("klaviyo", uid: "anna")
            let first = try await server.send("POST", "/crm/contacts", headers: ["Idempotency-Key": "k"], ["email": "a@b.gr"])
            #expect(first.status == 202)
            #expect(try await server.send("DELETE", "/crm/klaviyo/disconnect").status == 200)
            let again = try await server.send("POST", "/crm/contacts", headers: ["Idempotency-Key": "k"], ["email": "a@b.gr"])
            #expect(again.status == 202 && again.json["deliveries"] == first.json["deliveries"])
            let other = try await server.send("POST", "/crm/contacts", headers: ["Idempotency-Key": "new"], ["email": "a@b.gr"])
            #expect(other.status == 409 && other.code == "no_integrations")
        }
    }

    @Test(arguments: ["", String(repeating: "k", count: 256), "caf\u{E9}"])
    func anUnusableKeyIsRefused(_ key: String) async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.connect("klaviyo", uid: "anna")
            let answer = try await server.send("POST", "/crm/contacts", headers: ["Idempotency-Key": key], ["email": "a@b.gr"])
            #expect(answer.status == 400)
            #expect(answer.code == "invalid_idempotency_key")
        }
    }

    @Test func wrongInputIsPointedAtAndNotEchoed() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.connect("klaviyo", uid: "anna")
            let answer = try await server.send(
                "POST", "/crm/events",
                [
                    "name": "", "occurred_at": "soon-ish", "value": ["amount": 12, "currency": "EURO"],
                    "contact": ["email": "not-an-address", "phone": "691", "merchant_id": 1], "id": 7,
                ])
            #expect(answer.status == 400)
            #expect(answer.code == "invalid_input")
            #expect(
                Set(answer.violations) == [
                    "/name too_short", "/occurred_at invalid_time", "/value/amount wrong_type", "/value/currency too_long",
                    "/id unknown_field",
                    "/contact/email invalid_email", "/contact/phone invalid_phone", "/contact/merchant_id unknown_field",
                ])
            for value in ["soon-ish", "EURO", "not-an-address", "691"] {
                #expect(!answer.text.contains("\"\(value)") && !answer.text.contains(" \(value)"))
            }
            #expect(server.service.read { $0.accepted.isEmpty })
        }
    }

    @Test(arguments: ["'; DROP TABLE crm.merchants; --", "$1 \\ \" {{x}}", "\u{1F600} \u{202E}abc", "%s%n%00"])
    func textIsTextAndNothingElse(_ text: String) async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.connect("klaviyo", uid: "anna")
            let answer = try await server.send(
                "POST", "/crm/contacts", ["external_id": .string(text), "first_name": .string(text), "properties": [text: .string(text)]])
            #expect(answer.status == 202)
            let payload = server.service.read { $0.accepted.first?.items.first?.payload }
            #expect(payload == ["external_id": .string(text), "first_name": .string(text), "properties": [text: .string(text)]])
        }
    }

    @Test func aStrangersDeliveryIsNotThere() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            for id in ["0198b6a1-9f01-7b63-9d2e-4f6a8b0c2d3e", "1", "'", String(repeating: "a", count: 300)] {
                let answer = try await server.send("GET", "/crm/deliveries/\(id)")
                #expect(answer.status == 404)
                #expect(answer.code == "delivery_not_found")
            }
        }
    }

    @Test func logsArePagedByCursorsThatBelongToTheirFilter() async throws {
        try await RunningServer.run { server in
            try await server.signUp("anna")
            try await server.signUp("boris")
            let body: JSONValue = ["crm_type": "klaviyo", "credentials": ["api_key": "pk_secret_key"]]
            for _ in 0..<5 { _ = try await server.send("POST", "/crm/validate", body) }
            var seen: [JSONValue] = []
            var target = "/crm/sync-logs?limit=2"
            var cursors: [String] = []
            while true {
                let page = try await server.send("GET", target)
                #expect(page.status == 200)
                seen += page.json["data"]?.arrayValue ?? []
                guard let cursor = page.json["next_cursor"]?.stringValue else { break }
                cursors.append(cursor)
                target = "/crm/sync-logs?limit=2&cursor=\(cursor)"
            }
            #expect(seen.count == 5)
            #expect(Set(seen.compactMap { $0["log_id"]?.stringValue }).count == 5)
            let cursor = try #require(cursors.first)
            let forged = cursor.dropLast() + (cursor.hasSuffix("0") ? "1" : "0")
            let misused = [("boris", cursor, ""), ("anna", cursor, "&outcome=failed"), ("anna", String(forged), ""), ("anna", "00", "")]
            for (uid, text, filter) in misused {
                let answer = try await server.send("GET", "/crm/sync-logs?cursor=\(text)\(filter)", as: uid)
                #expect(answer.status == 400)
                #expect(answer.code == "invalid_cursor")
            }
        }
    }

    @Test func logsAreFiltered() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let answer = try await server.send(
                "GET",
                "/crm/sync-logs?crm_type=klaviyo&operation=event&outcome=dead&contact=ANNA%40example.com&since=2026-01-01T00:00:00Z&delivery_id=0198b6a1-9f01-7b63-9d2e-4f6a8b0c2d3e"
            )
            #expect(answer.status == 200)
            let filter = try #require(server.service.read { $0.filters.last })
            #expect(filter.crmType?.name == "klaviyo")
            #expect(filter.operation == .event && filter.outcome == .dead)
            #expect(filter.contactIdentity == "anna@example.com")
            #expect(filter.since == Timestamp(rfc3339: "2026-01-01T00:00:00Z"))
            #expect(filter.delivery?.description == "0198b6a1-9f01-7b63-9d2e-4f6a8b0c2d3e")
        }
    }
}
