import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct BatchTests {
    private static func event(_ number: Int, email: String? = nil, uniqueID: String? = nil) -> JSONValue {
        var event: JSONObject = ["name": "Order Placed", "contact": ["email": .string(email ?? "c\(number)@example.test")]]
        event.set("unique_id", uniqueID)
        return ["kind": "event", "idempotency_key": .string("key-\(number)"), "event": .object(event)]
    }

    private static func contact(_ number: Int, _ more: JSONObject = [:]) -> JSONValue {
        var contact: JSONObject = ["email": .string("c\(number)@example.test")]
        for (name, value) in more { contact[name] = value }
        return ["kind": "contact", "idempotency_key": .string("key-\(number)"), "contact": .object(contact)]
    }

    private static func statuses(_ result: OperationResult) -> [Int] {
        (result.payload["items"]?.arrayValue ?? []).map { $0["status"]?.intValue ?? -1 }
    }

    private static func elements(_ request: FakeHTTP.Request) -> [JSONValue] {
        request.json["data"]?["attributes"]?["events-bulk-create"]?["data"]?.arrayValue ?? []
    }

    @Test func eventsTravelInOneRequestEachWithItsID() async throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        let result = try await bench.batch((0..<1_000).map { Self.event($0, uniqueID: $0 == 1 ? "order-1" : nil) })
        #expect(Self.statuses(result) == Array(repeating: 0, count: 1_000))
        #expect(result.payload["job"]?["accepted_only"] == true)
        #expect(bench.host.http.requests.map(\.route) == ["POST /api/event-bulk-create-jobs"])
        let elements = Self.elements(try #require(bench.host.http.requests.first))
        #expect(elements.count == 1_000)
        let ids = elements.map { $0["attributes"]?["events"]?["data"]?.arrayValue?.first?["attributes"]?["unique_id"] }
        #expect(ids.prefix(3) == ["key-0", "order-1", "key-2"])
        #expect(elements.first?["attributes"]?["profile"] == ["data": ["type": "profile", "attributes": ["email": "c0@example.test"]]])
    }

    @Test func whatKlaviyoPointsAtGoesAloneAndTheRestInBulk() async throws {
        let bench = try KlaviyoBench { request in
            guard request.route == "POST /api/event-bulk-create-jobs" else {
                return request.json["data"]?["attributes"]?["unique_id"] == "key-2" ? Answer.error(400, "invalid") : .status(202)
            }
            let index = Self.elements(request).firstIndex { element in
                let id = element["attributes"]?["events"]?["data"]?.arrayValue?.first?["attributes"]?["unique_id"]?.stringValue
                return id == "key-2" || id == "key-4"
            }
            guard let index else { return .status(202) }
            return Answer.error(400, "invalid", pointer: "/data/attributes/events-bulk-create/data/\(index)/attributes/events/data/0")
        }
        let result = try await bench.batch((0..<6).map { Self.event($0) })
        #expect(Self.statuses(result) == [0, 0, Int(CRM_STATUS_INVALID_ARGUMENT), 0, 0, 0])
        #expect(
            bench.host.http.requests.filter { $0.route == "POST /api/event-bulk-create-jobs" }.map { Self.elements($0).count } == [6, 5, 4])
        #expect(bench.host.http.requests.filter { $0.route == "POST /api/events" }.count == 2)
    }

    @Test func aRefusalThatNamesNobodyIsResolvedOneByOne() async throws {
        let bench = try KlaviyoBench { request in
            request.route == "POST /api/events" ? .status(202) : Answer.error(400, "invalid", pointer: "/data")
        }
        let result = try await bench.batch((0..<20).map { Self.event($0) })
        #expect(Self.statuses(result) == Array(repeating: 0, count: 20))
        #expect(bench.host.http.requests.count == 21)
    }

    @Test func whatMayHaveBeenSentGoesAlone() async throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        let result = try await bench.batch((0..<3).map { Self.event($0) }, flags: CRM_REQUEST_LOOK_BEFORE_WRITE)
        #expect(Self.statuses(result) == [0, 0, 0])
        #expect(bench.host.http.requests.map(\.route) == Array(repeating: "POST /api/events", count: 3))
    }

    @Test func aRepetitionWithinTheBatchGoesAlone() async throws {
        let bench = try KlaviyoBench { _ in .status(202) }
        let result = try await bench.batch([
            Self.event(0), Self.event(1, email: "x@y.test", uniqueID: "o"), Self.event(2, email: "X@y.test", uniqueID: "o"),
        ])
        #expect(Self.statuses(result) == [0, 0, 0])
        #expect(bench.host.http.requests.map(\.route) == ["POST /api/event-bulk-create-jobs", "POST /api/events"])
    }

    @Test func whatEndsAllOfItEndsTheBatch() async throws {
        let bench = try KlaviyoBench { _ in Answer.error(429, "throttled", [("retry-after", "9")]) }
        let result = try await bench.batch((0..<3).map { Self.event($0) })
        #expect(result.status == CRM_STATUS_RATE_LIMITED)
        #expect(result.retryAfterMilliseconds == 9_000)
        #expect(result.payload["rate_class"] == "bulk")
        #expect(bench.host.http.requests.count == 1)
    }

    @Test func aLimitInTheMiddleStopsTheRest() async throws {
        let bench = try KlaviyoBench { request in
            request.json["data"]?["attributes"]?["email"] == "c0@example.test"
                ? Answer.profile(201) : Answer.error(429, "throttled", [("retry-after", "9")])
        }
        let result = try await bench.batch((0..<19).map { Self.contact($0) })
        let statuses = Self.statuses(result)
        #expect(statuses.filter { $0 == 0 }.count == 1)
        #expect(statuses.filter { $0 == Int(CRM_STATUS_RATE_LIMITED) }.count == 18)
        #expect(result.payload["items"]?.arrayValue?.last?["retry_after_ms"] == 9_000)
        #expect(bench.host.http.requests.count < 19)
    }

    @Test func fewContactsAreWrittenOneByOneAndNamed() async throws {
        let bench = try KlaviyoBench { _ in Answer.profile(201) }
        let result = try await bench.batch([Self.contact(0), Self.event(1), Self.contact(2, ["email": "", "first_name": "Ada"])])
        // The event's answer is not the one that events get.
        #expect(Self.statuses(result) == [0, Int(CRM_STATUS_UPSTREAM), Int(CRM_STATUS_INVALID_ARGUMENT)])
        #expect(result.payload["items"]?.arrayValue?.first?["remote_id"] == "01HZX0000000000000000000AA")
    }

    private static func job(_ status: String, failed: Int = 0) -> JSONValue {
        [
            "data": [
                "type": "profile-bulk-import-job", "id": "job 1",
                "attributes": ["status": .string(status), "failed_count": .integer(failed)],
            ]
        ]
    }

    @Test func manyContactsAreImportedAndTheFailedRowsWrittenAlone() async throws {
        let bench = try KlaviyoBench(timers: .eager) { request in
            switch request.route {
            case "POST /api/profile-bulk-import-jobs": .json(202, Self.job("queued"))
            case "GET /api/profile-bulk-import-jobs/{id}": .json(200, Self.job("complete", failed: 2))
            case "GET /api/profile-bulk-import-jobs/{id}/import-errors":
                .json(
                    200,
                    [
                        "data": [
                            [
                                "type": "import-error",
                                "attributes": ["source": ["pointer": "/data/attributes/profiles/data/3/attributes/x"]],
                            ],
                            ["type": "import-error", "attributes": ["original_payload": ["email": "c7@example.test"]]],
                        ]
                    ])
            case "POST /api/profile-subscription-bulk-delete-jobs": .status(202)
            default:
                request.json["data"]?["attributes"]?["email"] == "c3@example.test" ? Answer.error(400, "invalid") : Answer.profile(200)
            }
        }
        let consent: JSONObject = ["consent": ["email_marketing": ["state": "withdrawn"]]]
        let result = try await bench.batch((0..<30).map { Self.contact($0, $0 == 29 ? consent : [:]) })
        var expected = Array(repeating: 0, count: 30)
        expected[3] = Int(CRM_STATUS_INVALID_ARGUMENT)
        #expect(Self.statuses(result) == expected)
        #expect(result.payload["job"] == nil)
        let imported = bench.host.http.requests.first?.json["data"]?["attributes"]?["profiles"]?["data"]?.arrayValue
        #expect(imported?.count == 29)
        #expect(bench.host.http.requests.filter { $0.route == "POST /api/profile-import" }.count == 3)
        #expect(bench.host.http.requests[1].url == "https://a.klaviyo.com/api/profile-bulk-import-jobs/job%201")
    }

    /// An import that was taken, and what is answered to who asks for it.
    private static func importing(_ watch: FakeHTTP.Reply) throws -> KlaviyoBench {
        try KlaviyoBench(timers: .eager) { request in
            switch request.route {
            case "POST /api/profile-bulk-import-jobs": .json(202, Self.job("queued"))
            case "POST /api/profile-import": Answer.profile(200)
            default: watch
            }
        }
    }

    @Test(arguments: [
        FakeHTTP.Reply.json(200, job("processing")), Answer.error(404, "not_found"), .status(503), Answer.error(429, "throttled"),
    ]) func rowsThatNobodySawWrittenAreTriedAgain(_ watch: FakeHTTP.Reply) async throws {
        let bench = try Self.importing(watch)
        let result = try await bench.batch((0..<30).map { Self.contact($0) })
        let items = result.payload["items"]?.arrayValue ?? []
        #expect(items.count == 30)
        #expect(items.allSatisfy { $0["code"] == "klaviyo.import_unconfirmed" })
        #expect(items.allSatisfy { $0["flags"]?.intValue == Int(CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS) })
        #expect(result.payload["job"]?["id"] == "job 1")
        #expect(result.payload["rate_class"] == nil)
        #expect(bench.host.http.requests.filter { $0.route == "POST /api/profile-import" }.isEmpty)
    }

    @Test func aWaitThatIsLongerThanTheOperationIsPassedOn() async throws {
        let bench = try Self.importing(Answer.error(429, "throttled", [("retry-after", "900")]))
        let result = try await bench.batch((0..<30).map { Self.contact($0) })
        #expect(result.payload["items"]?.arrayValue?.allSatisfy { $0["retry_after_ms"] == 900_000 } == true)
        #expect(bench.host.http.requests.count == 2)
    }

    @Test func anImportThatMayHaveBeenTakenIsRepeatedOneByOne() async throws {
        let bench = try Self.importing(.status(500))
        let result = try await bench.batch((0..<30).map { Self.contact($0) }, flags: CRM_REQUEST_LOOK_BEFORE_WRITE)
        #expect(Self.statuses(result) == Array(repeating: 0, count: 30))
        #expect(bench.host.http.requests.map(\.route) == Array(repeating: "POST /api/profile-import", count: 30))
    }

    @Test func aKeyThatIsRefusedWhileWaitingEndsTheBatch() async throws {
        let bench = try Self.importing(Answer.error(401, "authentication_failed"))
        let result = try await bench.batch((0..<30).map { Self.contact($0) })
        #expect(result.status == CRM_STATUS_INVALID_CREDENTIALS)
        #expect(result.flags & CRM_RESULT_REVALIDATE != 0)
    }

    @Test func withoutTheScopeToWatchContactsGoOneByOneAndTheNextTimeAtOnce() async throws {
        let bench = try Self.importing(Answer.error(403, "permission_denied"))
        for _ in 0..<2 {
            let result = try await bench.batch((0..<30).map { Self.contact($0) })
            #expect(Self.statuses(result) == Array(repeating: 0, count: 30))
        }
        #expect(bench.host.http.requests.filter { $0.route == "POST /api/profile-bulk-import-jobs" }.count == 1)
        #expect(bench.host.http.requests.filter { $0.route == "POST /api/profile-import" }.count == 60)
    }

    @Test(arguments: [403, 429]) func contactsThatMustStopDoNotStopEvents(_ status: Int) async throws {
        let bench = try KlaviyoBench { request in
            request.route == "POST /api/profile-import" ? Answer.error(status, "permission_denied") : .status(202)
        }
        // Two of one id: an event that goes alone, after the contacts.
        let events = [Self.event(18, email: "x@y.test", uniqueID: "o"), Self.event(19, email: "x@y.test", uniqueID: "o")]
        let result = try await bench.batch((0..<18).map { Self.contact($0) } + events)
        #expect(Self.statuses(result).suffix(2) == [0, 0])
        let expected = status == 403 ? CRM_STATUS_PERMISSION_DENIED : CRM_STATUS_RATE_LIMITED
        #expect(Self.statuses(result).prefix(18).allSatisfy { $0 == Int(expected) })
        #expect(bench.host.http.requests.filter { $0.route == "POST /api/profile-import" }.count < 18)
    }

    @Test func aConsentThatMayNotBeWrittenStopsConsentOnly() async throws {
        let bench = try KlaviyoBench { request in
            request.route == "POST /api/profile-import" ? Answer.profile(201) : Answer.error(403, "permission_denied")
        }
        let consent: JSONObject = ["consent": ["email_marketing": ["state": "withdrawn"]]]
        let result = try await bench.batch((0..<40).map { Self.contact($0, $0 < 25 ? consent : [:]) }, flags: CRM_REQUEST_LOOK_BEFORE_WRITE)
        let items = result.payload["items"]?.arrayValue ?? []
        #expect(items.prefix(25).allSatisfy { $0["status"]?.intValue == Int(CRM_STATUS_PERMISSION_DENIED) })
        #expect(items.dropFirst(25).allSatisfy { $0["status"] == 0 })
        // Every profile was written; of the consents those that were under way when the first was refused.
        #expect(bench.host.http.requests.filter { $0.route == "POST /api/profile-import" }.count == 40)
        #expect(bench.host.http.requests.filter { $0.route != "POST /api/profile-import" }.count < 25)
    }

    @Test func withoutTheScopeForImportsContactsGoOneByOne() async throws {
        let bench = try KlaviyoBench { request in
            request.route == "POST /api/profile-import" ? Answer.profile(200) : Answer.error(403, "permission_denied")
        }
        let result = try await bench.batch((0..<30).map { Self.contact($0) })
        #expect(Self.statuses(result) == Array(repeating: 0, count: 30))
        #expect(bench.host.http.requests.count == 31)
    }
}
