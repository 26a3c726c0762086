import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

private let order: JSONValue = [
    "name": "Order Placed", "unique_id": "order-1001", "occurred_at": "2026-11-01T10:00:00Z",
    "value": ["amount": "19.90", "currency": "EUR"], "contact": ["external_id": "user-1"], "properties": ["sku": "A1"],
]

private func order(of contact: JSONValue) -> JSONValue {
    var event = order.objectValue ?? [:]
    event["contact"] = contact
    return .object(event)
}

extension SalesforceBench {
    fileprivate static func isQuery(_ request: FakeHTTP.Request) -> Bool { request.url.contains("/query?") }
}

@Suite struct CustomObjectTests {
    @Test func anEventNamesItsContactByKey() async throws {
        let bench = try SalesforceBench { $0.method == "PATCH" ? Answer.upserted(id: "a00000000000001AAA") : nil }
        let result = try await bench.event(order)
        #expect(result.payload == ["remote_id": "a00000000000001AAA", "accepted_only": false])
        #expect(bench.sent.map(\.line) == ["PATCH /sobjects/CRM_Event__c/External_Id__c/order-1001"])
        #expect(
            bench.sent.map(\.bodyText) == [
                """
                {"Name__c":"Order Placed","Occurred_At__c":"2026-11-01T10:00:00Z","Amount__c":19.90,"Currency__c":"EUR",\
                "Payload__c":"{\\"sku\\":\\"A1\\"}","Contact__r":{"External_Id__c":"user-1"}}
                """
            ])
        #expect(bench.sent.first?.header("Sforce-Duplicate-Rule-Header") == nil)
        await bench.expectEachEndedOnce()
    }

    @Test func theDeliverysKeyStandsInForAnID() async throws {
        let bench = try SalesforceBench { $0.method == "PATCH" ? Answer.upserted() : nil }
        _ = try await bench.event(["name": "Visited", "contact": ["external_id": "user-1"]])
        #expect(bench.sent.map(\.line) == ["PATCH /sobjects/CRM_Event__c/External_Id__c/key-1"])
        _ = try await bench.event([
            "name": "Visited", "unique_id": .string(String(repeating: "x", count: 61)), "contact": ["external_id": "user-1"],
        ])
        #expect(bench.sent.last?.line == "PATCH /sobjects/CRM_Event__c/External_Id__c/a75e852c-ef9a-5817-add9-53fd9c0d61c3")
    }

    @Test(arguments: [
        Answer.error(
            400, "INVALID_FIELD", "Foreign key external ID: user-1 not found for field External_Id__c in entity Contact", fields: []),
        Answer.error(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields: ["Contact__c"]),
    ]) func aContactThatIsNotThereIsMade(_ refusal: FakeHTTP.Reply) async throws {
        let bench = try SalesforceBench { request in
            if SalesforceBench.isQuery(request) { return Answer.rows() }
            if request.url.hasSuffix("/sobjects/Contact") { return Answer.upserted() }
            guard request.method == "PATCH" else { return nil }
            return request.json["Contact__r"] != nil ? refusal : Answer.upserted(id: "a00000000000001AAA")
        }
        let result = try await bench.event(order)
        #expect(result.status == CRM_STATUS_OK)
        #expect(
            bench.sent.map(\.line) == [
                "PATCH /sobjects/CRM_Event__c/External_Id__c/order-1001",
                "GET /query?q=SELECT%20Id%20FROM%20Contact%20WHERE%20External_Id__c%20%3D%20%27user-1%27%20LIMIT%201",
                "POST /sobjects/Contact",
                "PATCH /sobjects/CRM_Event__c/External_Id__c/order-1001",
            ])
        #expect(bench.sent.last?.json["Contact__c"] == "003000000000001AAA")
        #expect(bench.sent.last?.json["Contact__r"] == nil)
    }

    /// A contact that is there is named by its id, and nothing is written to it.
    @Test func aContactThatIsThereIsNotTouched() async throws {
        let bench = try SalesforceBench { request in
            if SalesforceBench.isQuery(request) { return Answer.rows(["Id": "003000000000005AAA"]) }
            guard request.method == "PATCH" else { return nil }
            return request.json["Contact__r"] != nil
                ? Answer.error(400, "INVALID_FIELD", "Foreign key external ID: user-1 not found for field External_Id__c", fields: [])
                : Answer.upserted(id: "a00000000000001AAA")
        }
        let result = try await bench.event(
            order(of: ["external_id": "user-1", "first_name": "New", "consent": ["email_marketing": ["state": "granted"]]]))
        #expect(result.status == CRM_STATUS_OK)
        #expect(bench.sent.map(\.method) == ["PATCH", "GET", "PATCH"])
        #expect(bench.sent.last?.json["Contact__c"] == "003000000000005AAA")
    }

    /// Another wrong field says nothing about the contact.
    @Test func aFieldThatIsRefusedIsNotAContactThatIsMissing() async throws {
        let bench = try SalesforceBench { request in
            guard request.method == "PATCH" else { return nil }
            return request.json["Currency__c"] == nil
                ? Answer.upserted() : Answer.error(400, "INVALID_FIELD", "No such column 'Currency__c' on sobject of type CRM_Event__c")
        }
        let result = try await bench.event(order)
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["field"] } == ["value.currency"])
        #expect(bench.sent.map(\.method) == ["PATCH", "PATCH"])
        #expect(bench.sent.last?.json["Contact__r"] == ["External_Id__c": "user-1"])
    }

    /// The contact of a detail is given with the record and never again.
    @Test func aLinkForEverIsGivenToANewRecordAndLeftOutOfAnOldOne() async throws {
        var link = Org.field("Contact__c", "reference", relationship: "Contact__r").objectValue ?? [:]
        link["updateable"] = false
        let object = Org.object("CRM_Event__c", [Org.field("External_Id__c", key: true), Org.field("Name__c"), .object(link)])
        let bench = try SalesforceBench(org: Org(objects: ["Contact": Org.contact(), "CRM_Event__c": object])) { request in
            guard request.method == "PATCH" else { return nil }
            guard request.url.hasSuffix("/old") else { return Answer.upserted() }
            return request.json["Contact__r"] == nil
                ? Answer.upserted(200) : Answer.error(400, "INVALID_FIELD_FOR_INSERT_UPDATE", "no", fields: ["Contact__c"])
        }
        for id in ["new", "old"] {
            let result = try await bench.event(["name": "E", "unique_id": .string(id), "contact": ["external_id": "user-1"]])
            #expect(result.status == CRM_STATUS_OK)
        }
        #expect(bench.sent.map { $0.json["Contact__r"] == nil } == [false, false, true])
    }

    @Test func anIDWithADotGoesInTheBody() async throws {
        let bench = try SalesforceBench { $0.method == "PATCH" ? Answer.json(200, [Answer.row(id: "a00000000000001AAA")]) : nil }
        let result = try await bench.event([
            "name": "E", "unique_id": "shop.example/order.json", "contact": ["external_id": "user-1"],
        ])
        #expect(result.payload["remote_id"] == "a00000000000001AAA")
        #expect(bench.sent.map(\.line) == ["PATCH /composite/sobjects/CRM_Event__c/External_Id__c"])
        #expect(bench.sent.first?.json["records"]?.arrayValue?.first?["External_Id__c"] == "shop.example/order.json")
    }

    @Test func anAddressIsLookedUpAndTheContactLeftAsItIs() async throws {
        let bench = try SalesforceBench { request in
            SalesforceBench.isQuery(request)
                ? Answer.rows(["Id": "003000000000005AAA"]) : request.method == "PATCH" ? Answer.upserted() : nil
        }
        _ = try await bench.event(order(of: ["email": "ada@example.test", "first_name": "Ada"]))
        #expect(bench.sent.map(\.method) == ["GET", "PATCH"])
        #expect(bench.sent.last?.json["Contact__c"] == "003000000000005AAA")
    }

    @Test func whatTheObjectLacksIsSaid() async throws {
        let object = Org.object(
            "CRM_Event__c", [Org.field("External_Id__c", key: true), Org.field("Name__c"), Org.field("Payload__c", length: 5)])
        let bench = try SalesforceBench(org: Org(objects: ["Contact": Org.contact(), "CRM_Event__c": object])) {
            $0.method == "PATCH" ? Answer.upserted() : nil
        }
        let result = try await bench.event(order)
        #expect(
            result.warnings.map { "\($0["code"]?.stringValue ?? "") \($0["field"]?.stringValue ?? "")" } == [
                "salesforce.no_such_field occurred_at", "salesforce.no_such_field value.amount", "salesforce.no_such_field value.currency",
                "salesforce.too_long properties", "salesforce.event_not_linked contact",
            ])
        #expect(bench.sent.map(\.bodyText) == [#"{"Name__c":"Order Placed"}"#])
    }

    @Test func aRefusedValueDoesNotCostTheEvent() async throws {
        let bench = try SalesforceBench { request in
            guard request.method == "PATCH" else { return nil }
            return request.json["Currency__c"] == nil
                ? Answer.upserted() : Answer.error(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value", fields: ["Currency__c"])
        }
        let result = try await bench.event(order)
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["field"] } == ["value.currency"])
    }

    @Test func theMerchantNamesTheObjectAndItsFields() async throws {
        let object = Org.object(
            "Shop__c",
            [
                Org.field("Key__c", key: true), Org.field("What__c"), Org.field("Buyer__c", "reference", relationship: "Buyers__r"),
            ])
        let bench = try SalesforceBench(
            settings: [
                "event_target": "custom_object", "event_object": "Shop__c",
                "event_fields": ["unique_id": "Key__c", "name": "What__c", "contact": "Buyer__c"],
            ], org: Org(objects: ["Contact": Org.contact(), "Shop__c": object])
        ) { $0.method == "PATCH" ? Answer.upserted() : nil }
        _ = try await bench.event(["name": "Bought", "unique_id": "a/b", "contact": ["external_id": "user-1"]])
        #expect(bench.sent.map(\.line) == ["PATCH /sobjects/Shop__c/Key__c/a%2Fb"])
        #expect(bench.sent.map(\.bodyText) == [#"{"What__c":"Bought","Buyers__r":{"External_Id__c":"user-1"}}"#])
    }

    @Test func anObjectThatIsNotThereIsAMatterOfTheOrg() async throws {
        for target in ["custom_object", "platform_event"] {
            let bench = try SalesforceBench(settings: ["event_target": .string(target)], org: .plain)
            let result = try await bench.event(order)
            #expect(result.status == CRM_STATUS_PERMISSION_DENIED)
            #expect(result.code == "salesforce.object_unknown")
            #expect(bench.sent.isEmpty)
        }
    }

    @Test(arguments: ["today", "2026-11-01", "2026-11-01' OR Id != 'x", "2026-11-0aT10:00:00Z"])
    func aTimeThatIsNoneIsRefused(_ time: String) async throws {
        let bench = try SalesforceBench(settings: ["event_target": "task"])
        let result = try await bench.event(["name": "E", "occurred_at": .string(time), "contact": ["external_id": "u"]])
        #expect(result.status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(bench.sent.isEmpty)
    }
}

@Suite struct TaskTests {
    private static let description =
        #"{"event_id":"order-1001","name":"Order Placed","occurred_at":"2026-11-01T10:00:00Z","value":19.90,"currency":"EUR","properties":{"sku":"A1"}}"#

    private static let script: SalesforceBench.Script = { request in
        if request.isLogin || request.isDescribe { return nil }
        if SalesforceBench.isQuery(request) { return Answer.rows(["Id": "003000000000005AAA"]) }
        return Answer.upserted(id: "00T000000000001AAA")
    }

    @Test func anOrgWithNothingSetUpGetsATask() async throws {
        let bench = try SalesforceBench(org: .plain, Self.script)
        let result = try await bench.event(order(of: ["email": "ada@example.test"]))
        #expect(result.payload == ["remote_id": "00T000000000001AAA", "accepted_only": false])
        #expect(bench.sent.last?.line == "POST /sobjects/Task")
        #expect(
            bench.sent.last?.bodyText == """
                {"WhoId":"003000000000005AAA","Subject":"Order Placed","Status":"Completed","Priority":"Normal",\
                "ActivityDate":"2026-11-01","Description":\(JSONValue.string(Self.description).text)}
                """)
    }

    @Test func aKeyIsTurnedIntoAnID() async throws {
        let bench = try SalesforceBench(settings: ["event_target": "task", "task_status": "Done", "task_priority": "Low"], Self.script)
        _ = try await bench.event(order)
        #expect(
            bench.sent.map(\.line) == [
                "GET /query?q=SELECT%20Id%20FROM%20Contact%20WHERE%20External_Id__c%20%3D%20%27user-1%27%20LIMIT%201",
                "POST /sobjects/Task",
            ])
        #expect(bench.sent.last?.json["Status"] == "Done" && bench.sent.last?.json["Priority"] == "Low")
    }

    @Test func anEarlierAttemptIsLookedForWhenTheHostSaysSo() async throws {
        let bench = try SalesforceBench(settings: ["event_target": "task"]) { request in
            guard request.url.contains("FROM%20Task") else { return Self.script(request) }
            return Answer.rows(
                ["Id": "00T000000000007AAA", "Description": "by hand"],
                ["Id": "00T000000000008AAA", "Description": .string(Self.description)])
        }
        let result = try await bench.event(order, flags: CRM_REQUEST_LOOK_BEFORE_WRITE)
        #expect(result.payload["remote_id"] == "00T000000000008AAA")
        #expect(bench.sent.allSatisfy { $0.method == "GET" })
        #expect(
            bench.sent.last?.line
                == "GET /query?q=SELECT%20Id%2CDescription%20FROM%20Task%20WHERE%20WhoId%20%3D%20%27003000000000005AAA%27%20AND%20Subject"
                + "%20%3D%20%27Order%20Placed%27%20AND%20ActivityDate%20%3D%202026-11-01%20ORDER%20BY%20CreatedDate%20LIMIT%20200")
        var other = order.objectValue ?? [:]
        other["unique_id"] = "order-1002"
        _ = try await bench.event(.object(other), flags: CRM_REQUEST_LOOK_BEFORE_WRITE)
        #expect(bench.sent.last?.line == "POST /sobjects/Task")
    }

    @Test func aNameCannotLeaveTheQuery() async throws {
        let bench = try SalesforceBench(settings: ["event_target": "task"], Self.script)
        _ = try await bench.event(
            ["name": #"x' OR Subject != 'y\"#, "contact": ["email": "a'b\\@example.test"]], flags: CRM_REQUEST_LOOK_BEFORE_WRITE)
        #expect(bench.sent[0].url.contains("Email%20%3D%20%27a%5C%27b%5C%5C%40example.test%27%20ORDER"))
        #expect(bench.sent[1].url.contains("Subject%20%3D%20%27x%5C%27%20OR%20Subject%20%21%3D%20%5C%27y%5C%5C%27%20ORDER"))
    }

    @Test func aKeyOfItsOwnMakesATaskUnique() async throws {
        let bench = try SalesforceBench(settings: ["event_target": "task", "task_external_id_field": "Event_Id__c"], Self.script)
        _ = try await bench.event(order, flags: CRM_REQUEST_LOOK_BEFORE_WRITE)
        #expect(bench.sent.last?.line == "PATCH /sobjects/Task/Event_Id__c/order-1001")
        #expect(bench.sent.allSatisfy { !$0.url.contains("FROM%20Task") })
    }

    @Test func anErrorWithoutAnAnswerIsAmbiguous() async throws {
        for (reply, status) in [
            (FakeHTTP.Reply.status(500), CRM_STATUS_UPSTREAM), (.failure(CRM_HTTP_ERROR_TIMEOUT), CRM_STATUS_DEADLINE_EXCEEDED),
            (Answer.error(503, "SERVER_UNAVAILABLE"), CRM_STATUS_UNAVAILABLE), (.status(200), CRM_STATUS_UPSTREAM),
        ] {
            let bench = try SalesforceBench(org: .plain) { request in
                request.url.hasSuffix("/sobjects/Task") ? reply : Self.script(request)
            }
            let result = try await bench.event(order(of: ["email": "ada@example.test"]))
            #expect(result.status == status)
            #expect(result.flags == CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS)
        }
    }

    @Test func whatIsTooLongForATaskIsSaid() async throws {
        let bench = try SalesforceBench(org: .plain, Self.script)
        let result = try await bench.event([
            "name": .string(String(repeating: "n", count: 300)), "contact": ["email": "ada@example.test"],
            "properties": ["text": .string(String(repeating: "p", count: 32_000))],
        ])
        #expect(result.warnings.map { $0["field"] } == ["name", "properties"])
        #expect(bench.sent.last?.json["Subject"]?.stringValue?.count == 255)
        #expect((bench.sent.last?.json["Description"]?.stringValue?.count ?? 0) < 1_000)
    }

    @Test func aStatusThatTheOrgDoesNotHaveIsLeftOut() async throws {
        let bench = try SalesforceBench(org: .plain) { request in
            request.json["Status"] != nil
                ? Answer.error(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Status: bad value", fields: ["Status"])
                : Self.script(request)
        }
        let result = try await bench.event(order(of: ["email": "ada@example.test"]))
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["field"] } == ["settings.task_status"])
    }
}

@Suite struct PlatformEventTests {
    private static let enqueued = Answer.json(
        201,
        [
            "id": "e01xx0000000001AAA", "success": true,
            "errors": [["statusCode": "OPERATION_ENQUEUED", "message": "232fd30e-0a71", "fields": []]],
        ])

    @Test func successDecidesAndNotTheListOfErrors() async throws {
        let bench = try SalesforceBench(settings: ["event_target": "platform_event"]) { request in
            request.method == "POST" && !request.isLogin ? Self.enqueued : nil
        }
        let result = try await bench.event(order)
        // Its id identifies nothing.
        #expect(result.payload == ["accepted_only": true])
        #expect(bench.sent.map(\.line) == ["POST /sobjects/CRM_Event__e/"])
        let payload = try JSONValue(parsing: bench.sent.first?.json["Payload__c"]?.stringValue ?? "")
        #expect(bench.sent.first?.json["Name__c"] == "Order Placed")
        #expect(
            payload == [
                "event_id": "order-1001", "name": "Order Placed", "occurred_at": "2026-11-01T10:00:00Z",
                "value": JSONNumber(literal: "19.90").map(JSONValue.number) ?? .null, "currency": "EUR", "properties": ["sku": "A1"],
                "contact": ["external_id": "user-1"],
            ])
    }

    @Test func aResultThatIsNoSuccessIsARefusal() async throws {
        let bench = try SalesforceBench(settings: ["event_target": "platform_event"]) { request in
            request.method == "POST" && !request.isLogin
                ? Answer.json(201, Answer.refusedRow("LIMIT_EXCEEDED", "limit")) : nil
        }
        let result = try await bench.event(order)
        #expect(result.status == CRM_STATUS_RATE_LIMITED)
        #expect(result.payload["rate_class"] == "platform_events")
    }

    @Test func aFieldThatTheEventLacksIsSaidWhereNoPayloadHoldsIt() async throws {
        let org = Org(objects: ["Contact": Org.contact(), "CRM_Event__e": Org.object("CRM_Event__e", [Org.field("Name__c")])])
        let bench = try SalesforceBench(settings: ["event_target": "platform_event"], org: org) { request in
            request.method == "POST" && !request.isLogin ? Self.enqueued : nil
        }
        let result = try await bench.event(order)
        #expect(
            result.warnings.map { $0["field"] } == ["unique_id", "occurred_at", "value.amount", "value.currency", "contact", "properties"])
    }
}
