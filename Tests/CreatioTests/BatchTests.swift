import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct BatchTests {
    private static func contact(_ id: String, _ more: JSONObject = [:]) -> JSONValue {
        var contact: JSONObject = ["external_id": .string(id)]
        for (name, value) in more { contact[name] = value }
        return ["kind": "contact", "idempotency_key": .string("k-\(id)"), "contact": .object(contact)]
    }

    private static func event(_ id: String) -> JSONValue {
        [
            "kind": "event", "idempotency_key": .string("k-\(id)"),
            "event": [
                "name": "Seen", "occurred_at": "2026-11-01T10:00:00Z", "unique_id": .string(id),
                "contact": ["external_id": .string("p-\(id)")],
            ],
        ]
    }

    private func statuses(_ result: OperationResult) -> [JSONValue?] { result.payload["items"]?.arrayValue?.map { $0["status"] } ?? [] }

    @Test func aHundredContactsTravelInTwoCalls() async throws {
        let bench = try CreatioBench()
        let result = try await bench.batch((0..<100).map { Self.contact("u\($0)") })
        #expect(statuses(result) == Array(repeating: 0, count: 100))
        #expect(bench.calls.map(\.call) == ["POST $batch", "POST $batch"])
        #expect(bench.site.rows("Contact").count == 100)
        let batch = try #require(bench.calls.first)
        #expect(batch.url == "https://acme.creatio.com/0/odata/$batch")
        #expect(batch.header("Prefer") == "continue-on-error")
        #expect(batch.header("Content-Type") == "application/json; charset=utf-8")
        let part = try #require(batch.json["requests"]?.arrayValue?.first)
        #expect(part["method"] == "GET")
        #expect(part["url"]?.stringValue?.hasPrefix("Contact?$top=10&$filter=UsrExternalId%20eq%20%27u") == true)
        let insert = try #require(bench.calls.last?.json["requests"]?.arrayValue?.first)
        #expect(insert["url"] == "Contact" && insert["headers"]?["Content-Type"] == "application/json")
        // Items keep their order, whatever the order of the answers.
        for (index, item) in (result.payload["items"]?.arrayValue ?? []).enumerated() {
            let row = bench.site.rows("Contact").first { $0["Id"] == item["remote_id"] }
            #expect(row?["UsrExternalId"] == .string("u\(index)"))
        }
        await bench.expectEachEndedOnce()
    }

    @Test func aBatchRepeatedChangesNothing() async throws {
        let bench = try CreatioBench()
        let items = (0..<20).map { Self.contact("u\($0)", ["title": "CTO"]) } + (0..<20).map { Self.event("e\($0)") }
        let first = try await bench.batch(items)
        let second = try await bench.batch(items)
        #expect(statuses(first) == Array(repeating: 0, count: 40))
        #expect(first.payload == second.payload)
        #expect(bench.site.rows("Contact").count == 40 && bench.site.rows("UsrIntegrationEvent").count == 20)
    }

    @Test func moreThanAHundredCallsTravelInSeveralBatches() async throws {
        let bench = try CreatioBench()
        let items = (0..<100).map { Self.contact("u\($0)") } + (0..<100).map { Self.event("e\($0)") }
        #expect(statuses(try await bench.batch(items)) == Array(repeating: 0, count: 200))
        #expect(bench.calls.allSatisfy { ($0.json["requests"]?.arrayValue?.count ?? 0) <= 100 })
    }

    @Test func eachItemHasAnOutcomeOfItsOwn() async throws {
        let bench = try CreatioBench { request, site in
            guard request.call == "POST $batch", let requests = request.json["requests"]?.arrayValue, requests.first?["method"] == "POST"
            else {
                return nil
            }
            guard case .response(_, _, let body) = site.perform(request), let answer = try? JSONValue(parsing: body) else { return nil }
            let byID = Dictionary(uniqueKeysWithValues: requests.map { ($0["id"] ?? .null, $0["body"]?["UsrExternalId"] ?? .null) })
            let responses = (answer["responses"]?.arrayValue ?? []).compactMap { response -> JSONValue? in
                let id = response["id"] ?? .null
                switch byID[id] {
                case "invalid": return ["id": id, "status": 400, "body": Says.error("No.")]
                case "forbidden": return ["id": id, "status": 403, "body": Says.error("No.")]
                case "broken": return ["id": id, "status": 500, "body": Says.error("Oops.")]
                case "page": return ["id": id, "status": 200, "body": "<html><body>Hello</body></html>"]
                case "hidden": return ["id": id, "status": 200, "body": Says.error("Handler failed.")]
                case "strange": return ["id": id, "body": 7]
                case "throttled": return ["id": id, "status": 429, "headers": ["Retry-After": "7"]]
                case "missing": return nil
                default: return response
                }
            }
            return Says.json(200, ["responses": .array(responses)])
        }
        // All of them are there, whatever the site says: who looks finds them, and the one that was refused for its session goes again.
        let ids = ["good", "invalid", "forbidden", "broken", "page", "hidden", "strange", "throttled", "missing", "fine"]
        let result = try await bench.batch(ids.map { Self.contact($0) })
        #expect(statuses(result) == [0, 0, .integer(CRM_STATUS_PERMISSION_DENIED), 0, 0, 0, 0, 8, 0, 0])
        #expect(result.payload["items"]?.arrayValue?[7]["retry_after_ms"] == 7_000)
        #expect(bench.site.rows("Contact").count == 10)
    }

    @Test func aPartThatSaysNothingUsefulIsDoubtfulWhenItWrites() async throws {
        let bench = try CreatioBench { request, _ in
            guard request.call == "POST $batch" else { return nil }
            let requests = request.json["requests"]?.arrayValue ?? []
            let responses = requests.compactMap { part -> JSONValue? in
                part["method"] == "GET" ? ["id": part["id"] ?? .null, "status": 200, "body": ["value": []]] : nil
            }
            return Says.json(200, ["responses": .array(responses)])
        }
        let result = try await bench.batch([Self.contact("a"), Self.contact("b")])
        for item in result.payload["items"]?.arrayValue ?? [] {
            #expect(item["status"] == .integer(CRM_STATUS_UPSTREAM) && item["code"] == "creatio.missing_part")
            #expect(item["flags"] == .integer(CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS))
        }
    }

    @Test func aSessionThatEndsInMidBatchIsRenewedForTheRest() async throws {
        let bench = try CreatioBench()
        _ = try await bench.lookUp(["email": "nobody@example.test"])
        bench.site.state.withLock { $0.partsUntilTheSessionEnds = 15 }
        let result = try await bench.batch((0..<10).map { Self.contact("u\($0)") })
        #expect(statuses(result) == Array(repeating: 0, count: 10))
        #expect(bench.site.rows("Contact").count == 10)
        #expect(bench.site.logins == 2)
        // 10 searches, 10 inserts of which 5 came too late, those 5 once more.
        #expect(bench.calls.suffix(3).map { $0.json["requests"]?.arrayValue?.count } == [10, 10, 5])
    }

    @Test func aLoginThatIsRefusedInMidBatchCostsTheLateItemsOnly() async throws {
        let bench = try CreatioBench()
        _ = try await bench.lookUp(["email": "nobody@example.test"])
        bench.site.state.withLock {
            $0.partsUntilTheSessionEnds = 15
            $0.password = "changed"
        }
        let result = try await bench.batch((0..<10).map { Self.contact("u\($0)") })
        #expect(statuses(result).count { $0 == 0 } == 5)
        #expect(statuses(result).count { $0 == .integer(CRM_STATUS_INVALID_CREDENTIALS) } == 5)
        #expect(bench.site.logins == 2)
    }

    @Test func aLoginThatIsRefusedBeforeTheBatchIsSaidOnce() async throws {
        let bench = try CreatioBench()
        bench.site.state.withLock { $0.password = "changed" }
        let result = try await bench.batch([Self.contact("a"), Self.contact("b")])
        #expect(result.status == CRM_STATUS_INVALID_CREDENTIALS && result.code == "creatio.login_refused")
        #expect(bench.host.http.requests.count == 1)
    }

    @Test func aBatchWhoseAnswerIsLostIsLookedAfter() async throws {
        let isDone = Atomic(false)
        let bench = try CreatioBench { request, site in
            guard request.call == "POST $batch", request.json["requests"]?.arrayValue?.first?["method"] == "POST",
                !isDone.exchange(true, ordering: .relaxed)
            else { return nil }
            _ = site.perform(request)
            return .failure(CRM_HTTP_ERROR_RESET)
        }
        let result = try await bench.batch((0..<10).map { Self.contact("u\($0)") })
        #expect(statuses(result) == Array(repeating: 0, count: 10))
        #expect(bench.site.rows("Contact").count == 10)
    }

    @Test(arguments: [404, 405, 501]) func aSiteWithoutBatchesIsAskedOneByOne(_ status: Int) async throws {
        let bench = try CreatioBench { request, _ in request.call == "POST $batch" ? .status(status) : nil }
        #expect(statuses(try await bench.batch([Self.contact("a"), Self.event("b")])) == [0, 0])
        #expect(bench.site.rows("Contact").count == 2 && bench.site.rows("UsrIntegrationEvent").count == 1)
    }

    @Test func whatHasNoTimeLeftIsNotSent() async throws {
        let host = Mutex<FakeHost?>(nil)
        let bench = try CreatioBench { request, site in
            // The searches take so long that nothing can follow them.
            if request.call == "POST $batch" { host.withLock { $0 }?.timer.advance(by: 9_500_000_000) }
            return nil
        }
        host.withLock { $0 = bench.host }
        var call = FakeCall(
            CRM_OP_BATCH, ["items": [Self.contact("a"), Self.contact("b"), Self.event("c")]], credentials: CreatioBench.user)
        call.deadline = bench.host.timer.monotonic + 10_000_000_000
        let result = await bench.provider.run(call)
        #expect(result.status == CRM_STATUS_OK)
        for item in result.payload["items"]?.arrayValue ?? [] {
            #expect(item["code"] == "creatio.batch_unfinished" && item["flags"] == .integer(CRM_RESULT_RETRYABLE))
        }
        #expect(bench.calls.count == 1 && bench.site.rows("Contact").isEmpty)
    }

    @Test func warningsStayWithTheirItems() async throws {
        let bench = try CreatioBench()
        let result = try await bench.batch([
            Self.contact("a"), Self.contact("b", ["properties": ["size": "L"]]), Self.contact("c", ["address": ["city": "Rome"]]),
            Self.contact("d", ["address": ["city": "Rome"]]), Self.contact("e", ["address": ["city": "Paris"]]),
        ])
        let warnings = result.payload["items"]?.arrayValue?.map { $0["warnings"]?.arrayValue?.map { $0["code"] } ?? [] }
        #expect(warnings == [[], ["creatio.unmapped_property"], [], [], ["creatio.no_lookup_entry"]])
        #expect(result.warnings.isEmpty)
    }

    @Test func allOfABatchRunsOnTheHostsThreads() async throws {
        let bench = try CreatioBench { request, _ in FakeWorkers.isCurrent ? nil : .status(500) }
        #expect(statuses(try await bench.batch((0..<30).map { Self.contact("u\($0)") })) == Array(repeating: 0, count: 30))
    }

    @Test func aCancelledBatchEnds() async throws {
        let bench = try CreatioBench { request, _ in request.call == "POST $batch" ? .silence : nil }
        let running = bench.provider.start(
            FakeCall(CRM_OP_BATCH, ["items": [Self.contact("a"), Self.contact("b")]], credentials: CreatioBench.user))
        await bench.host.http.waitForRequests(3)
        bench.provider.stop(running.id)
        #expect(await running.result.status == CRM_STATUS_CANCELLED)
        await bench.expectEachEndedOnce()
    }
}
