import CRMCore
import CRMServer
import TestSupport
import Testing

@Suite struct ConnectionTests {
    private static let good: JSONValue = ["crm_type": "klaviyo", "credentials": ["api_key": "pk_secret_key"]]

    @Test func providersAreListedWithTheirSchemas() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let answer = try await server.send("GET", "/crm/providers")
            #expect(answer.status == 200)
            let provider = try #require(answer.json["data"]?.arrayValue?.first)
            #expect(provider["crm_type"] == "klaviyo")
            #expect(provider["credential_schema"]?["properties"]?["api_key"]?["writeOnly"] == true)
            #expect(provider["capabilities"] == ["validate_credentials", "create_or_update_contact", "send_event", "get_contact"])
            #expect(answer.json["next_cursor"] == .some(.null))
        }
    }

    @Test func anUnknownProviderNamesThoseThatAreLoaded() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.change { $0.providers.append(MemoryService.provider("echo")) }
            for name in ["hubspot", "../etc", "list", ""] {
                let answer = try await server.send("POST", "/crm/validate", ["crm_type": .string(name), "credentials": [:]])
                #expect(name.isEmpty ? answer.status == 400 : answer.status == 404, "\(name)")
                if !name.isEmpty { #expect(answer.json["detail"]?.stringValue?.contains("echo, klaviyo") == true) }
            }
            for (method, path) in [
                ("GET", "/crm/hubspot/status"), ("DELETE", "/crm/hubspot/disconnect"), ("GET", "/crm/hubspot/contacts?email=a@b.gr"),
            ] {
                let answer = try await server.send(method, path)
                #expect(answer.status == 404, "\(path)")
                #expect(answer.code == "unknown_provider", "\(path)")
            }
            #expect(try await server.send("POST", "/crm/hubspot/contacts", ["email": "a@b.gr"]).code == "unknown_provider")
        }
    }

    @Test func credentialsAgainstTheSchemaArePointedAt() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            for path in ["/crm/validate", "/crm/connect"] {
                let answer = try await server.send(
                    "POST", path, ["crm_type": "klaviyo", "credentials": ["api_key": "hunter2-hunter2", "extra": "x"]])
                #expect(answer.status == 400)
                #expect(answer.violations == ["/credentials/api_key wrong_prefix", "/credentials/extra unknown_field"])
                #expect(!answer.text.contains("hunter2"))
                let missing = try await server.send("POST", path, ["crm_type": "klaviyo", "credentials": [:]])
                #expect(missing.violations == ["/credentials/api_key required"])
            }
            #expect(server.service.read { $0.calls.isEmpty && $0.logs.isEmpty })
        }
    }

    @Test func anUnknownFieldHasItsOwnCode() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let answer = try await server.send(
                "POST", "/crm/connect", ["crm_type": "klaviyo", "credentials": [:], "merchant_id": "x", "state": "y"])
            #expect(answer.status == 400)
            #expect(answer.code == "unknown_field")
            #expect(answer.violations == ["/merchant_id unknown_field", "/state unknown_field"])
        }
    }

    @Test func aRefusedKeyIsAnAnswerOfValidate() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.change {
                $0.outcome = ProviderOutcome(
                    status: .invalidCredentials, code: "klaviyo.not_authenticated", message: "The key is not known.")
            }
            let answer = try await server.send("POST", "/crm/validate", Self.good)
            #expect(answer.status == 200)
            #expect(answer.json["valid"] == false)
            #expect(answer.json["reason"] == ["code": "klaviyo.not_authenticated", "detail": "The key is not known."])
            let connect = try await server.send("POST", "/crm/connect", Self.good)
            #expect(connect.status == 422)
            #expect(connect.code == "credentials_rejected")
            #expect(connect.json["provider_code"] == "klaviyo.not_authenticated")
            #expect(server.service.read { $0.integrations.isEmpty })
            let logged = server.service.read { $0.logs.map { "\($0.entry.operation) \($0.entry.outcome) \($0.entry.status)" } }
            #expect(logged == ["validate failed invalid_credentials", "validate failed invalid_credentials"])
        }
    }

    @Test(arguments: ProviderStatus.allCases.filter { ![.ok, .invalidCredentials, .permissionDenied].contains($0) })
    func whatTheCRMCannotSayIsNoAnswer(_ status: ProviderStatus) async throws {
        let expected: [ProviderStatus: Int] = [
            .cancelled: 503, .unsupported: 422, .invalidArgument: 422, .notFound: 502, .conflict: 502, .rateLimited: 503, .upstream: 503,
            .unavailable: 503, .deadlineExceeded: 504, .blockedByPolicy: 422, .internal: 502, .providerCrashed: 503,
        ]
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.change { $0.outcome = ProviderOutcome(status: status, retryAfter: .seconds(7)) }
            for path in ["/crm/validate", "/crm/connect"] {
                let answer = try await server.send("POST", path, Self.good)
                #expect(answer.status == expected[status])
                #expect(answer.code?.contains("contact") == false && answer.code != "crm_conflict")
                #expect(answer["Retry-After"] == (answer.status == 503 ? "7" : nil))
            }
            #expect(server.service.read { $0.integrations.isEmpty && $0.logs.count == 2 })
        }
    }

    @Test(arguments: [ProviderStatus.upstream, .unavailable])
    func aCRMThatIsAwayWithoutSayingHowLongIsUnreachable(_ status: ProviderStatus) async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.connect("klaviyo", uid: "anna")
            server.service.change { $0.outcome = ProviderOutcome(status: status) }
            for answer in [
                try await server.send("POST", "/crm/validate", Self.good),
                try await server.send("GET", "/crm/klaviyo/contacts?email=a@b.gr"),
            ] {
                #expect(answer.status == 502)
                #expect(answer.code == "crm_unreachable")
                #expect(answer["Retry-After"] == nil)
            }
        }
    }

    @Test func aPauseIsToldWithinReason() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            for (pause, told) in [(Duration.zero, "1"), (.seconds(-5), "1"), (.milliseconds(1_200), "2"), (.seconds(864_000), "900")] {
                server.service.change { $0.outcome = ProviderOutcome(status: .unavailable, retryAfter: pause) }
                #expect(try await server.send("POST", "/crm/validate", Self.good)["Retry-After"] == told)
            }
        }
    }

    @Test func aShortPauseOfTheCRMIsSatOutOnce() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let limited = ProviderOutcome(status: .rateLimited, retryAfter: .seconds(2), duration: .milliseconds(500))
            server.service.change { $0.firstOutcomes = [limited] }
            #expect(try await server.send("POST", "/crm/connect", Self.good).status == 201)
            #expect(server.service.read(\.pauses) == [.seconds(2)])
            let calls = server.service.read { $0.calls }
            #expect(calls.map(\.attempt) == [1, 2])
            #expect(calls.map(\.timeout) == [.seconds(8), .milliseconds(5_500)])
            #expect(Set(calls.map(\.idempotencyKey)).count == 1)
            #expect(
                server.service.read { $0.logs.map { "\($0.entry.attempt) \($0.entry.outcome) \($0.entry.status)" } } == [
                    "1 retrying rate_limited", "2 success ok",
                ])
            server.service.change { $0.firstOutcomes = [limited, limited] }
            let read = try await server.send("GET", "/crm/klaviyo/contacts?email=a@b.gr")
            #expect(read.status == 503)
            #expect(read["Retry-After"] == "2")
            let rows = server.service.read { $0.logs.suffix(2) }
            #expect(rows.map(\.entry.outcome) == [.retrying, .failed])
            #expect(rows.allSatisfy { $0.entry.operation == .read && $0.entry.integration != nil && $0.contact == "a@b.gr" })
        }
    }

    @Test(
        arguments: [
            ProviderOutcome(status: .rateLimited), ProviderOutcome(status: .rateLimited, retryAfter: .milliseconds(2_001)),
            ProviderOutcome(status: .rateLimited, retryAfter: .seconds(2), duration: .milliseconds(5_500)),
            ProviderOutcome(status: .unavailable, retryAfter: .seconds(1)),
        ])
    func anyOtherPauseIsTheCallers(_ outcome: ProviderOutcome) async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.change { $0.firstOutcomes = [outcome] }
            #expect(try await server.send("POST", "/crm/validate", Self.good).status == 503)
            #expect(server.service.read { $0.pauses.isEmpty && $0.calls.count == 1 && $0.logs.count == 1 })
        }
    }

    @Test func aValidationThatConnectsBelongsToTheConnection() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            for _ in 0..<2 {
                _ = try await server.send("POST", "/crm/connect", Self.good)
                let integration = try #require(server.service.read { $0.integrations.first })
                let entry = try #require(server.service.read { $0.logs.last?.entry })
                #expect(entry.integration == integration.id)
                #expect(entry.outcome == .success)
                #expect(entry.at >= integration.updatedAt)
            }
            server.service.change { $0.outcome = ProviderOutcome(status: .invalidCredentials) }
            _ = try await server.send("POST", "/crm/connect", Self.good)
            // Credentials that were refused are not those of the connection.
            #expect(server.service.read { $0.logs.map { $0.entry.integration != nil } } == [true, true, false])
        }
    }

    @Test func connectingIsRepeatableWithoutAKey() async throws {
        try await RunningServer.run { server in
            let keys = ["Idempotency-Key": String(repeating: "k", count: 300)]
            let made = try await server.send("POST", "/auth/bootstrap", headers: keys, [:])
            let first = try await server.send("POST", "/crm/connect", headers: keys, Self.good)
            let again = try await server.send("POST", "/crm/connect", headers: keys, Self.good)
            #expect([made, first, again].map(\.status) == [201, 201, 200])
        }
    }

    @Test func shortListsAreCutIntoPagesToo() async throws {
        try await RunningServer.run { server in
            try await server.signUp("anna")
            try await server.signUp("boris")
            for name in ["hubspot", "echo", "brevo"] {
                server.service.change { $0.providers.append(MemoryService.provider(name)) }
                server.service.connect(name, uid: "anna")
            }
            server.service.connect("klaviyo", uid: "anna")
            let names = ["brevo", "echo", "hubspot", "klaviyo"]
            for path in ["/crm/list", "/crm/providers"] {
                var seen: [String] = []
                var sizes: [Int] = []
                var cursors: [String] = []
                repeat {
                    let page = try await server.send("GET", "\(path)?limit=3" + (cursors.last.map { "&cursor=\($0)" } ?? ""))
                    #expect(page.status == 200)
                    let data = page.json["data"]?.arrayValue ?? []
                    sizes.append(data.count)
                    seen += data.compactMap { $0["crm_type"]?.stringValue }
                    guard let next = page.json["next_cursor"]?.stringValue else { break }
                    cursors.append(next)
                } while cursors.count < 5
                #expect(seen == names, "\(path)")
                #expect(sizes == [3, 1], "\(path)")
                let whole = try await server.send("GET", "\(path)?limit=4")
                #expect(whole.json["next_cursor"] == .some(.null), "\(path)")
                let cursor = try #require(cursors.first)
                let elsewhere = path == "/crm/list" ? "/crm/providers" : "/crm/list"
                for (uid, target) in [
                    ("boris", "\(path)?cursor=\(cursor)"), ("anna", "\(elsewhere)?cursor=\(cursor)"),
                    ("anna", "/crm/sync-logs?cursor=\(cursor)"), ("anna", "\(path)?cursor=ff"), ("anna", "\(path)?cursor="),
                ] {
                    #expect(try await server.send("GET", target, as: uid).code == "invalid_cursor", "\(target)")
                }
                #expect(try await server.send("GET", "\(path)?limit=201").code == "invalid_parameter", "\(path)")
            }
        }
    }

    @Test func aMissingPermissionIsValidButNotEnoughToConnect() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.change {
                $0.outcome = ProviderOutcome(
                    status: .permissionDenied, code: "klaviyo.scope",
                    payload: ["permissions": [["capability": "send_event", "state": "missing"]]])
            }
            let answer = try await server.send("POST", "/crm/validate", Self.good)
            #expect(answer.json["valid"] == true)
            #expect(answer.json["permissions"] == [["capability": "send_event", "state": "missing"]])
            #expect(try await server.send("POST", "/crm/connect", Self.good).code == "permission_missing")
        }
    }

    @Test func connectingStoresAndNeverShowsCredentials() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.change {
                $0.outcome.payload = ["account": ["id": "A1"], "credential_update": ["refresh_token": "rotated"]]
            }
            let body: JSONValue = [
                "crm_type": "klaviyo", "credentials": ["api_key": "pk_secret_key"], "label": "Main", "settings": ["list_id": "L1"],
            ]
            let first = try await server.send("POST", "/crm/connect", body)
            #expect(first.status == 201)
            #expect(first.json["account"] == ["id": "A1"])
            #expect(first.json["state"] == "active")
            let again = try await server.send("POST", "/crm/connect", body)
            #expect(again.status == 200)
            #expect(again.json["integration_id"] == first.json["integration_id"])
            #expect(server.service.read { $0.credentials.values.first } == ["api_key": "pk_secret_key", "refresh_token": "rotated"])
            let listed = try await server.send("GET", "/crm/list")
            #expect(listed.json["data"]?.arrayValue == [again.json])
            let status = try await server.send("GET", "/crm/klaviyo/status")
            for answer in [first, again, listed, status] {
                #expect(!answer.text.contains("pk_secret") && !answer.text.contains("rotated"))
            }
            #expect(!server.log.all.contains { $0.contains("pk_secret") })
        }
    }

    @Test func settingsAreCheckedAgainstTheirSchema() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let answer = try await server.send(
                "POST", "/crm/connect",
                ["crm_type": "klaviyo", "credentials": ["api_key": "pk_secret_key"], "settings": ["list_id": "too long for it"]])
            #expect(answer.violations == ["/settings/list_id too_long"])
        }
    }

    @Test func statusTellsWhatIsKnown() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let none = try await server.send("GET", "/crm/klaviyo/status")
            #expect(none.status == 200)
            #expect(none.json == ["crm_type": "klaviyo", "state": "not_connected"])
            server.service.connect("klaviyo", uid: "anna")
            let some = try await server.send("GET", "/crm/klaviyo/status")
            #expect(some.json["pending"] == 3)
            #expect(some.json["last_failure"]?["code"] == "klaviyo.down")
            #expect(some.json["last_24h"] == ["succeeded": 10, "failed": 2])
            #expect(some.json["waiting"] == .some(.null))
            server.service.change { $0.waiting = Waiting(reason: .permission, detail: "The key lacks a scope.") }
            let held = try await server.send("GET", "/crm/klaviyo/status")
            #expect(held.json["waiting"] == ["reason": "permission", "detail": "The key lacks a scope."])
            server.service.change { $0.providers = [] }
            let gone = try await server.send("GET", "/crm/klaviyo/status")
            #expect(gone.status == 200)
            #expect(gone.json["state"] == "provider_unavailable")
            #expect(gone.json["waiting"]?["reason"] == "provider_unavailable")
        }
    }

    @Test func disconnecting() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let none = try await server.send("DELETE", "/crm/klaviyo/disconnect")
            #expect(none.status == 404)
            #expect(none.code == "connection_not_found")
            server.service.connect("klaviyo", uid: "anna")
            let done = try await server.send("DELETE", "/crm/klaviyo/disconnect")
            #expect(done.status == 200)
            #expect(done.json["cancelled_deliveries"] == 2)
        }
    }

    @Test func aConnectionChangesWithoutItsCredentials() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            #expect(try await server.send("PATCH", "/crm/klaviyo", ["paused": true]).code == "connection_not_found")
            server.service.connect("klaviyo", uid: "anna")
            let first = try await server.send("PATCH", "/crm/klaviyo", ["settings": ["list_id": "XyZ"], "label": "Shop", "paused": true])
            #expect(first.status == 200)
            #expect(first.json["settings"] == ["list_id": "XyZ"])
            #expect(first.json["label"] == "Shop")
            #expect(first.json["state"] == "paused")
            let wakes = server.service.read(\.wakes)
            let second = try await server.send("PATCH", "/crm/klaviyo", ["label": .null, "paused": false])
            #expect(second.json["settings"] == ["list_id": "XyZ"])
            #expect(second.json["label"] == .some(.null))
            #expect(second.json["state"] == "active")
            #expect(server.service.read(\.wakes) == wakes + 1)
            #expect(try await server.send("PATCH", "/crm/klaviyo", ["settings": ["list_id": .null]]).json["settings"] == [:])
            #expect(server.service.read(\.calls).isEmpty)
        }
    }

    @Test func aPausedProviderTakesNoCallsAndKeepsAccepting() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.connect("klaviyo", uid: "anna")
            server.service.change { $0.paused = [MemoryService.type] }
            #expect(try await server.send("GET", "/crm/providers").json["data"]?.arrayValue?.first?["health"] == ["state": "paused"])
            for (method, path, body) in [
                ("POST", "/crm/validate", Self.good), ("POST", "/crm/connect", Self.good),
                ("GET", "/crm/klaviyo/contacts?email=a@b.gr", nil),
            ] {
                let answer = try await server.send(method, path, body)
                #expect(answer.status == 503, "\(path)")
                #expect(answer.code == "provider_unavailable", "\(path)")
                #expect(answer["Retry-After"] != nil, "\(path)")
            }
            #expect(try await server.send("GET", "/crm/klaviyo/status").json["state"] == "provider_unavailable")
            let accepted = try await server.send("POST", "/crm/klaviyo/contacts", ["email": "a@b.gr"])
            #expect(accepted.status == 202)
            #expect(accepted.json["deliveries"]?.arrayValue?.first?["waiting"]?["reason"] == "provider_unavailable")
        }
    }

    @Test func aChangeIsCheckedAsAWhole() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.connect("klaviyo", uid: "anna")
            let wrong = try await server.send(
                "PATCH", "/crm/klaviyo", ["settings": ["list_id": "far too long", "other": 1], "label": "L"])
            #expect(wrong.status == 400)
            #expect(wrong.violations == ["/settings/list_id too_long", "/settings/other unknown_field"])
            #expect(try await server.send("PATCH", "/crm/klaviyo", ["credentials": [:]]).violations == ["/credentials unknown_field"])
            #expect(try await server.send("PATCH", "/crm/klaviyo", ["paused": 1]).violations == ["/paused wrong_type"])
            let large = JSONValue.object(["settings": ["list_id": .string(String(repeating: "x", count: 20_000))]])
            #expect(try await server.send("PATCH", "/crm/klaviyo", large).violations == ["/settings too_long"])
            #expect(server.service.read { $0.integrations.first?.label } == nil)
            #expect(try await server.send("PATCH", "/crm/klaviyo", as: "nobody", ["label": "mine"]).status == 403)
            server.service.change { $0.providers = [] }
            #expect(try await server.send("PATCH", "/crm/klaviyo", ["settings": [:]]).code == "provider_unavailable")
            #expect(try await server.send("PATCH", "/crm/klaviyo", ["paused": true]).status == 200)
        }
    }

    @Test func credentialsAreTriedForWhatTheConnectionWillBeToldToDo() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let body = JSONValue.object(["crm_type": "klaviyo", "credentials": ["api_key": "pk_secret_key"], "settings": ["list_id": "L"]])
            #expect(try await server.send("POST", "/crm/validate", body).status == 200)
            #expect(try await server.send("POST", "/crm/connect", body).status == 201)
            #expect(try await server.send("POST", "/crm/connect", Self.good).status == 200)
            let calls = server.service.read(\.calls)
            #expect(calls.map(\.settings) == [["list_id": "L"], ["list_id": "L"], ["list_id": "L"]])
            // What a provider remembers of a check serves the connection that follows.
            #expect(Set(calls.map(\.account)).count == 1)
        }
    }

    @Test func aMerchantSeesOnlyItsOwn() async throws {
        try await RunningServer.run { server in
            try await server.signUp("anna")
            try await server.signUp("boris")
            server.service.connect("klaviyo", uid: "anna")
            #expect(try await server.send("GET", "/crm/list", as: "boris").json["data"] == [])
            #expect(try await server.send("DELETE", "/crm/klaviyo/disconnect", as: "boris").status == 404)
            #expect(server.service.read { $0.integrations.count } == 1)
        }
    }

    @Test func readingAContact() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let before = try await server.send("GET", "/crm/klaviyo/contacts?email=a@b.gr")
            #expect(before.status == 409)
            #expect(before.code == "not_connected")
            server.service.connect("klaviyo", uid: "anna")
            server.service.change {
                $0.outcome = ProviderOutcome(
                    status: .ok,
                    payload: [
                        "contact": ["email": "a+b@example.com", "first_name": "A", "internal": "x"], "remote_id": "R1",
                        "credential_update": ["token": "new"],
                    ])
            }
            let found = try await server.send("GET", "/crm/klaviyo/contacts?email=A+B@Example.com")
            #expect(found.status == 200)
            #expect(found.json == ["email": "a+b@example.com", "first_name": "A", "raw_id": "R1"])
            let call = try #require(server.service.read { $0.calls.last?.payload })
            #expect(call == ["email": "a+b@example.com"])
            #expect(server.service.read { $0.credentials.values.first } == ["api_key": "pk_secret_key", "token": "new"])
            #expect(server.service.read { $0.logs.last?.contact } == "a+b@example.com")
            #expect(server.service.read { $0.logs.last?.entry.operation } == .read)
            server.service.change { $0.outcome = ProviderOutcome(status: .notFound) }
            #expect(try await server.send("GET", "/crm/klaviyo/contacts?external_id=7").code == "contact_not_found")
            for query in ["", "?email=a@b.gr&external_id=7", "?email=nobody"] {
                #expect(try await server.send("GET", "/crm/klaviyo/contacts\(query)").code == "invalid_parameter")
            }
        }
    }

    @Test func unreadableCredentialsSaySo() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            _ = try await server.send("GET", "/auth/me")
            server.service.connect("klaviyo", uid: "anna")
            server.service.change { $0.storeError = .undecryptable }
            let answer = try await server.send("GET", "/crm/klaviyo/contacts?email=a@b.gr")
            #expect(answer.status == 500)
            #expect(answer.code == "credentials_unreadable")
        }
    }
}
