import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Synchronization
import Testing

private func contact(_ contact: JSONValue) -> JSONValue { ["kind": "contact", "contact": contact] }
private func event(_ event: JSONValue) -> JSONValue { ["kind": "event", "event": event] }

extension FakeHTTP.Request {
    fileprivate var isCollection: Bool { url.contains("/composite/sobjects/") }
    fileprivate var isQuery: Bool { url.contains("/query?") }
    fileprivate var records: [JSONValue] { json["records"]?.arrayValue ?? [] }
    fileprivate var keys: [String] { records.compactMap { $0["External_Id__c"]?.stringValue } }

    /// Every record of a collection is taken, but for those that `refuse` names.
    fileprivate func collected(_ refuse: (JSONValue) -> JSONValue? = { _ in nil }) -> FakeHTTP.Reply {
        Answer.json(200, .array(records.map { refuse($0) ?? Answer.row() }))
    }
}

extension OperationResult {
    fileprivate var statuses: [Int] { payload["items"]?.arrayValue?.compactMap { $0["status"]?.intValue } ?? [] }
    fileprivate func item(_ index: Int) -> JSONValue? { payload["items"]?.arrayValue?[index] }
}

@Suite struct BatchTests {
    private static let named: [JSONValue] = (0..<3).map { contact(["external_id": .string("user-\($0)"), "last_name": "L"]) }

    @Test func contactsTravelInOneCall() async throws {
        let bench = try SalesforceBench { $0.isCollection ? $0.collected() : nil }
        let result = try await bench.batch(Self.named)
        #expect(result.statuses == [0, 0, 0])
        #expect(result.item(0)?["remote_id"] == "003000000000001AAA")
        #expect(bench.sent.map(\.line) == ["PATCH /composite/sobjects/Contact/External_Id__c"])
        #expect(bench.sent.first?.header("Sforce-Duplicate-Rule-Header") == "allowSave=true")
        #expect(
            bench.sent.first?.bodyText == """
                {"allOrNone":false,"records":[{"attributes":{"type":"Contact"},"External_Id__c":"user-0","LastName":"L"},\
                {"attributes":{"type":"Contact"},"External_Id__c":"user-1","LastName":"L"},\
                {"attributes":{"type":"Contact"},"External_Id__c":"user-2","LastName":"L"}]}
                """)
        await bench.expectEachEndedOnce()
    }

    @Test func aCallTakesTwoHundred() async throws {
        let bench = try SalesforceBench { $0.isCollection ? $0.collected() : nil }
        let result = try await bench.batch((0..<450).map { contact(["external_id": .string("u\($0)"), "last_name": "L"]) })
        #expect(result.statuses == Array(repeating: 0, count: 450))
        #expect(bench.sent.map(\.records.count) == [200, 200, 50])
    }

    @Test func rowsFailOneByOneAndInTheirPlaces() async throws {
        let bench = try SalesforceBench { request in
            guard request.isCollection else { return nil }
            return request.collected { record in
                record["External_Id__c"] == "user-1" ? Answer.refusedRow("DUPLICATES_DETECTED", "Use one of these records?") : nil
            }
        }
        let result = try await bench.batch(Self.named)
        #expect(result.statuses == [0, Int(CRM_STATUS_CONFLICT), 0])
        #expect(result.item(1)?["code"] == "salesforce.duplicates_detected")
        #expect(bench.sent.count == 1)
    }

    @Test func aRowGoesAgainWithoutWhatWasRefused() async throws {
        let bench = try SalesforceBench { request in
            guard request.isCollection else { return nil }
            return request.collected { record in
                if record["Title"] != nil { return Answer.refusedRow("STRING_TOO_LONG", "too long", ["Title"]) }
                return record["LastName"] == nil
                    ? Answer.refusedRow("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ["LastName"]) : nil
            }
        }
        let result = try await bench.batch([
            contact(["external_id": "a", "last_name": "L"]), contact(["external_id": "b", "last_name": "L", "title": "x"]),
            contact(["external_id": "c", "title": "x"]),
        ])
        #expect(result.statuses == [0, 0, 0])
        #expect(bench.sent.map(\.keys) == [["a", "b", "c"], ["b", "c"], ["c"]])
        #expect(result.item(0)?["warnings"] == nil)
        #expect(result.item(1)?["warnings"]?.arrayValue?.map { $0["field"] } == ["title"])
        #expect(result.item(2)?["warnings"]?.arrayValue?.map { $0["field"] } == ["title", "last_name"])
    }

    @Test func oneKeyTwiceGoesInTwoCalls() async throws {
        let bench = try SalesforceBench { $0.isCollection ? $0.collected() : nil }
        let result = try await bench.batch(["a", "b", "A", "a"].map { contact(["external_id": .string($0), "last_name": "L"]) })
        #expect(result.statuses == [0, 0, 0, 0])
        #expect(bench.sent.map(\.keys) == [["a", "b"], ["A"], ["a"]])
    }

    @Test func aKeyMadeMeanwhileIsTriedOnceMore() async throws {
        let bench = try SalesforceBench { request in
            guard request.isCollection else { return nil }
            return request.id == 3 || request.records.contains { $0["External_Id__c"] == "user-2" }
                ? request.collected { _ in Answer.refusedRow("DUPLICATE_VALUE") } : request.collected()
        }
        let result = try await bench.batch(Self.named)
        #expect(result.statuses == Array(repeating: Int(CRM_STATUS_CONFLICT), count: 3))
        #expect(bench.sent.count == 2)
    }

    @Test func whoIsKnownByAddressIsLookedUpTogether() async throws {
        let bench = try SalesforceBench { request in
            if request.isQuery, request.url.contains("External_Id__c%20IN") {
                return Answer.rows(["Id": "003000000000009AAA", "External_Id__c": "KNOWN"])
            }
            if request.isQuery {
                return Answer.rows(
                    ["Id": "003000000000001AAA", "External_Id__c": "other", "Email": "a@example.test"],
                    ["Id": "003000000000002AAA", "External_Id__c": .null, "Email": "B@example.test"])
            }
            if request.isCollection { return request.collected() }
            return request.method == "PATCH" ? .status(204) : nil
        }
        let result = try await bench.batch([
            contact(["email": "a@example.test", "first_name": "A"]), contact(["email": "b@example.test", "first_name": "B"]),
            contact(["email": "C.d@example.test"]), contact(["external_id": "known", "email": "d@example.test"]),
            contact(["external_id": "new", "email": "e@example.test"]),
        ])
        #expect(result.statuses == [0, 0, 0, 0, 0])
        let collection = try #require(bench.sent.first { $0.isCollection })
        #expect(collection.keys == ["other", "email:c,d@example,test", "known", "new"])
        #expect(collection.records.map { $0["LastName"] } == [nil, "C.d", nil, "e"])
        // Found without a key: updated by its id, and by itself.
        #expect(bench.sent.contains { $0.line == "PATCH /sobjects/Contact/003000000000001AAA" && $0.json["FirstName"] == "B" })
        let queries = bench.sent.filter(\.isQuery).map(\.url)
        #expect(queries.allSatisfy { $0.utf8.count <= 2_048 })
    }

    @Test func addressesAreLookedUpInQueriesThatFitAnAddress() async throws {
        let bench = try SalesforceBench { request in request.isQuery ? Answer.rows() : request.isCollection ? request.collected() : nil }
        let result = try await bench.batch(
            (0..<200).map { contact(["email": .string("somebody.with.a.long.name+\($0)@subdomain.example.test"), "last_name": "L"]) })
        #expect(result.statuses == Array(repeating: 0, count: 200))
        #expect(bench.sent.filter(\.isQuery).allSatisfy { $0.url.utf8.count <= 2_048 })
        #expect(bench.sent.filter(\.isCollection).map(\.records.count) == [200])
    }

    /// One record that cannot be read makes Salesforce refuse the whole call: the others do not pay for it.
    @Test func oneUnreadableRecordCostsItselfOnly() async throws {
        let bench = try SalesforceBench { request in
            guard request.isCollection else { return nil }
            return request.keys.contains("u5") ? Answer.error(400, "JSON_PARSER_ERROR", "Cannot deserialize") : request.collected()
        }
        let result = try await bench.batch((0..<8).map { contact(["external_id": .string("u\($0)"), "last_name": "L"]) })
        #expect(result.statuses == [0, 0, 0, 0, 0, Int(CRM_STATUS_INVALID_ARGUMENT), 0, 0])
    }

    @Test func aSessionThatEndsInMidBatchIsRenewed() async throws {
        let bench = try SalesforceBench { request in
            guard request.isCollection else { return nil }
            // The second of three calls meets the end of the session.
            return request.id == 4 ? Answer.dead : request.collected()
        }
        let result = try await bench.batch((0..<450).map { contact(["external_id": .string("u\($0)"), "last_name": "L"]) })
        #expect(result.statuses == Array(repeating: 0, count: 450))
        #expect(bench.logins.count == 2)
        #expect(bench.sent.map(\.records.count) == [200, 200, 200, 50])
    }

    /// The session ends between two records of one call: those that were refused for it go once more.
    @Test func aSessionThatEndsInsideACallCostsNoRecord() async throws {
        let bench = try SalesforceBench { request in
            guard request.isCollection else { return nil }
            return request.id == 3
                ? request.collected { $0["External_Id__c"] == "user-0" ? nil : Answer.refusedRow("INVALID_SESSION_ID", "Session expired") }
                : request.collected()
        }
        #expect(try await bench.batch(Self.named).statuses == [0, 0, 0])
        #expect(bench.logins.count == 2)
        #expect(bench.sent.map(\.keys) == [["user-0", "user-1", "user-2"], ["user-1", "user-2"]])
    }

    @Test func rowsThatMeetTwoDeadSessionsFailAlone() async throws {
        let bench = try SalesforceBench { request in
            guard request.isCollection else { return nil }
            return request.collected {
                $0["External_Id__c"] == "user-0" ? nil : Answer.refusedRow("INVALID_SESSION_ID", "Session expired")
            }
        }
        #expect(
            try await bench.batch(Self.named).statuses
                == [0, Int(CRM_STATUS_INVALID_CREDENTIALS), Int(CRM_STATUS_INVALID_CREDENTIALS)])
        #expect(bench.sent.count == 2)
    }

    /// What is done when time runs out is reported, and the rest was not sent.
    @Test func aBatchEndsBeforeItsTime() async throws {
        let clock = Mutex<FakeHost?>(nil)
        let bench = try SalesforceBench { request in
            guard request.isCollection else { return nil }
            clock.withLock { $0 }?.timer.advance(by: 7_000_000_000)
            return request.collected()
        }
        clock.withLock { $0 = bench.host }
        let items = (0..<450).map { number -> JSONValue in
            [
                "kind": "contact", "idempotency_key": .string("key-\(number)"),
                "contact": ["external_id": .string("u\(number)"), "last_name": "L"],
            ]
        }
        var call = bench.call(CRM_OP_BATCH, ["items": .array(items)])
        call.deadline = bench.host.timer.monotonic + 8_000_000_000
        let result = await bench.provider.run(call)
        #expect(result.statuses == Array(repeating: 0, count: 200) + Array(repeating: Int(CRM_STATUS_DEADLINE_EXCEEDED), count: 250))
        #expect(result.item(449)?["code"] == "salesforce.batch_unfinished")
        #expect(result.item(449)?["flags"] == .integer(Int(CRM_RESULT_RETRYABLE)))
        #expect(bench.sent.count == 1)
    }

    /// A task may have been recorded; those after it were not sent.
    @Test func onlyWhatWasSentIsAmbiguous() async throws {
        let bench = try SalesforceBench(org: .plain) { request in
            if request.isQuery { return Answer.rows(["Id": "003000000000005AAA"]) }
            return request.url.hasSuffix("/sobjects/Task") ? .status(500) : nil
        }
        let result = try await bench.batch((0..<3).map { _ in event(["name": "E", "contact": ["email": "a@example.test"]]) })
        #expect(
            (0..<3).map { result.item($0)?["flags"] }
                == [
                    .integer(Int(CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS)), .integer(Int(CRM_RESULT_RETRYABLE)),
                    .integer(Int(CRM_RESULT_RETRYABLE)),
                ])
        #expect(bench.sent.filter { $0.method == "POST" }.count == 1)
    }

    @Test func whatWasWrittenBeforeTheEndIsNotLost() async throws {
        let bench = try SalesforceBench { request in
            guard request.isCollection else { return nil }
            return request.id == 3 ? request.collected() : Answer.error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests")
        }
        let result = try await bench.batch((0..<450).map { contact(["external_id": .string("u\($0)"), "last_name": "L"]) })
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.statuses == Array(repeating: 0, count: 200) + Array(repeating: Int(CRM_STATUS_RATE_LIMITED), count: 250))
        #expect(result.item(449)?["retry_after_ms"] == 900_000)
        #expect(result.payload["rate_class"] == "api")
        #expect(bench.sent.count == 2)
    }

    @Test func aBatchOfWhichNothingIsKnownFailsWhole() async throws {
        for (reply, status) in [
            (FakeHTTP.Reply.status(503), CRM_STATUS_UPSTREAM), (.failure(CRM_HTTP_ERROR_TIMEOUT), CRM_STATUS_DEADLINE_EXCEEDED),
            (.status(200), CRM_STATUS_UPSTREAM), (Answer.json(200, []), CRM_STATUS_UPSTREAM), (Answer.dead, CRM_STATUS_INVALID_CREDENTIALS),
        ] {
            let bench = try SalesforceBench { $0.isCollection ? reply : nil }
            #expect(try await bench.batch(Self.named).status == status)
        }
    }

    @Test func itemsWithoutAnIdentifierFailAlone() async throws {
        let bench = try SalesforceBench { $0.isCollection ? $0.collected() : nil }
        let result = try await bench.batch([contact(["first_name": "Nobody"]), contact(["external_id": "a", "last_name": "L"])])
        #expect(result.statuses == [Int(CRM_STATUS_INVALID_ARGUMENT), 0])
        #expect(result.item(0)?["code"] == "salesforce.no_identifier")
    }

    @Test func anOrgWithoutTheFieldTakesContactsOneByOne() async throws {
        let bench = try SalesforceBench(org: .plain) { request in
            request.isQuery ? Answer.rows() : request.method == "POST" && !request.isLogin ? Answer.upserted() : nil
        }
        let result = try await bench.batch([contact(["email": "a@example.test"]), contact(["external_id": "b"])])
        #expect(result.statuses == [0, Int(CRM_STATUS_INVALID_ARGUMENT)])
        #expect(result.item(0)?["warnings"]?.arrayValue?.first?["code"] == "salesforce.no_external_id_field")
    }
}

@Suite struct EventBatchTests {
    @Test func eventsTravelInOneCall() async throws {
        let bench = try SalesforceBench { $0.isCollection ? $0.collected() : nil }
        let result = try await bench.batch([
            event(["name": "Order Placed", "unique_id": "o-1", "contact": ["external_id": "user-1"]]),
            event(["name": "Order Placed", "contact": ["external_id": "user-2"]]),
        ])
        #expect(result.statuses == [0, 0])
        #expect(bench.sent.map(\.line) == ["PATCH /composite/sobjects/CRM_Event__c/External_Id__c"])
        #expect(
            bench.sent.first?.bodyText == """
                {"allOrNone":false,"records":[{"attributes":{"type":"CRM_Event__c"},"External_Id__c":"o-1","Name__c":"Order Placed",\
                "Contact__r":{"External_Id__c":"user-1"}},{"attributes":{"type":"CRM_Event__c"},"External_Id__c":"key-1",\
                "Name__c":"Order Placed","Contact__r":{"External_Id__c":"user-2"}}]}
                """)
    }

    @Test func aContactThatIsNotThereIsMadeAndTheEventGoesAgain() async throws {
        let bench = try SalesforceBench { request in
            if request.isCollection {
                return request.collected { record in
                    record["Contact__r"]?["External_Id__c"] == "user-2"
                        ? Answer.refusedRow("INVALID_FIELD", "Foreign key external ID: user-2 not found for field External_Id__c") : nil
                }
            }
            if request.isQuery { return Answer.rows() }
            return request.line == "POST /sobjects/Contact" ? Answer.upserted() : nil
        }
        let result = try await bench.batch((1...3).map { event(["name": "E", "contact": ["external_id": .string("user-\($0)")]]) })
        #expect(result.statuses == [0, 0, 0])
        #expect(
            bench.sent.map(\.line) == [
                "PATCH /composite/sobjects/CRM_Event__c/External_Id__c",
                "GET /query?q=SELECT%20Id%20FROM%20Contact%20WHERE%20External_Id__c%20%3D%20%27user-2%27%20LIMIT%201",
                "POST /sobjects/Contact",
                "PATCH /composite/sobjects/CRM_Event__c/External_Id__c",
            ])
        #expect(bench.sent.last?.records.map { $0["Contact__c"] } == ["003000000000001AAA"])
    }

    @Test func contactsGoBeforeEvents() async throws {
        let bench = try SalesforceBench { $0.isCollection ? $0.collected() : nil }
        let result = try await bench.batch([
            event(["name": "E", "contact": ["external_id": "user-1"]]), contact(["external_id": "user-1", "last_name": "L"]),
        ])
        #expect(result.statuses == [0, 0])
        #expect(bench.sent.map(\.line).first == "PATCH /composite/sobjects/Contact/External_Id__c")
    }

    @Test func addressesOfEventsAreLookedUpTogetherAndMadeOnce() async throws {
        let bench = try SalesforceBench { request in
            if request.isQuery {
                return request.url.contains("IN") && request.url.contains("known")
                    ? Answer.rows(["Id": "003000000000008AAA", "Email": "Known@example.test"]) : Answer.rows()
            }
            return request.isCollection ? request.collected() : request.line == "POST /sobjects/Contact" ? Answer.upserted() : nil
        }
        let result = try await bench.batch(
            ["known", "new", "new"].map { event(["name": "E", "contact": ["email": .string("\($0)@example.test")]]) })
        #expect(result.statuses == [0, 0, 0])
        #expect(bench.sent.filter { $0.line == "POST /sobjects/Contact" }.count == 1)
        #expect(
            bench.sent.last?.records.map { $0["Contact__c"] } == ["003000000000008AAA", "003000000000001AAA", "003000000000001AAA"])
    }

    @Test func tasksGoOneByOne() async throws {
        let bench = try SalesforceBench(org: .plain) { request in
            if request.isQuery { return Answer.rows(["Id": "003000000000001AAA"]) }
            guard request.url.hasSuffix("/sobjects/Task") else { return nil }
            return request.json["Subject"] == "bad"
                ? Answer.error(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "no", fields: []) : Answer.upserted(id: "00T000000000001AAA")
        }
        let result = try await bench.batch(["good", "bad", "good"].map { event(["name": .string($0), "contact": ["email": "a@b.test"]]) })
        #expect(result.statuses == [0, Int(CRM_STATUS_INVALID_ARGUMENT), 0])
    }

    @Test func aTimeThatIsNoneFailsItsItemOnly() async throws {
        let bench = try SalesforceBench { $0.isCollection ? $0.collected() : nil }
        let result = try await bench.batch([
            event(["name": "E", "occurred_at": "today", "contact": ["external_id": "u"]]),
            event(["name": "E", "contact": ["external_id": "u"]]),
        ])
        #expect(result.statuses == [Int(CRM_STATUS_INVALID_ARGUMENT), 0])
    }
}
