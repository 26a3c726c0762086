import CRMCore
import Testing

@Suite struct SalesforceCompositeTests {
    private static func contact(_ key: String?, _ fields: JSONObject = ["LastName": "x"]) -> JSONValue {
        var record: JSONObject = ["attributes": ["type": "Contact"]]
        record.set("External_Id__c", key)
        for (name, value) in fields { record[name] = value }
        return .object(record)
    }

    private static let path = "composite/sobjects/Contact/External_Id__c"

    @Test func everyRowOfACollectionHasItsOwnResult() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try SalesforceCaller(sandbox)
        try caller.upsert("known", ["LastName": "x"])
        let rows = [
            Self.contact("known", ["FirstName": "y"]), Self.contact("new"), Self.contact("nameless", ["FirstName": "z"]),
            Self.contact("twice"),
            Self.contact("twice"), Self.contact(nil), Self.contact("with-id", ["LastName": "x", "id": "0035g0000000001"]),
        ]
        let reply = try caller.send("PATCH", Self.path, ["records": .array(rows)])
        #expect(reply.status == 200)
        let results = try #require(try reply.json.arrayValue)
        #expect(results.map { $0["success"] } == [true, true, false, false, false, false, false])
        #expect(results.prefix(2).map { $0["created"] } == [false, true])
        #expect(
            results.dropFirst(2).map { $0["errors"]?.arrayValue?.first?["statusCode"] } == [
                "REQUIRED_FIELD_MISSING", "DUPLICATE_VALUE", "DUPLICATE_VALUE", "MISSING_ARGUMENT", "INVALID_FIELD_FOR_INSERT_UPDATE",
            ])
        let effects = try sandbox.journal("crm=salesforce").suffix(7).map { $0["effect"]?.stringValue ?? "" }
        #expect(effects == ["contact_updated", "contact_created"] + [String](repeating: "refused", count: 5))
        #expect(reply.headers["sforce-limit-info"] == "api-usage=2/100000")
    }

    @Test func allOrNone() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try SalesforceCaller(sandbox)
        let rows = [Self.contact("1"), Self.contact("2", ["FirstName": "z"])]
        let results = try #require(
            try caller.send("PATCH", Self.path, ["allOrNone": true, "records": .array(rows)]).json.arrayValue)
        #expect(
            results.map { $0["errors"]?.arrayValue?.first?["statusCode"] } == [
                "ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING",
            ])
        #expect(try caller.query("SELECT Id FROM Contact").json["totalSize"] == 0)
        #expect(try sandbox.journal("crm=salesforce").allSatisfy { $0["effect"] != "contact_created" })
        // The index has forgotten it, too.
        #expect(try caller.send("GET", "sobjects/Contact/External_Id__c/1").status == 404)
    }

    @Test func collectionsHaveLimitsAndTypes() async throws {
        let caller = try SalesforceCaller(try await RunningSandbox())
        let many = (0...200).map { Self.contact(String($0)) }
        #expect(try caller.send("PATCH", Self.path, ["records": .array(many)]).code == "EXCEEDED_ID_LIMIT")
        #expect(try caller.send("PATCH", Self.path, ["records": [["External_Id__c": "1"]]]).status == 400)
        #expect(try caller.send("PATCH", Self.path, ["records": [["attributes": ["type": "Task"]]]]).code == "INVALID_TYPE")
        #expect(try caller.send("PATCH", Self.path, ["rows": []]).code == "JSON_PARSER_ERROR")
        #expect(try caller.send("PATCH", "composite/sobjects/Contact/Email", ["records": .array([many[0]])]).status == 404)
    }

    @Test func creatingReadingChangingAndDeletingSeveral() async throws {
        let caller = try SalesforceCaller(try await RunningSandbox())
        let made = try caller.send("POST", "composite/sobjects", ["records": .array([Self.contact("1"), Self.contact("2")])]).json
        let ids = try #require(made.arrayValue?.compactMap { $0["id"]?.stringValue })
        #expect(ids.count == 2)
        let changes: JSONValue = [["attributes": ["type": "Contact"], "id": .string(ids[0]), "Title": "Dr"]]
        #expect(try caller.send("PATCH", "composite/sobjects", ["records": changes]).json.arrayValue?.first?["success"] == true)
        let read = try caller.send(
            "POST", "composite/sobjects/Contact", ["ids": .array(ids.map(JSONValue.string) + ["nobody"]), "fields": ["Title"]])
        #expect(try read.json.arrayValue?.map { $0["Title"] ?? "absent" } == ["Dr", .null, "absent"])
        #expect(try caller.send("DELETE", "composite/sobjects?ids=\(ids.joined(separator: ","))").json.arrayValue?.count == 2)
        #expect(try caller.query("SELECT Id FROM Contact").json["totalSize"] == 0)
    }

    @Test func aCompositeRequestRefersToItself() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try SalesforceCaller(sandbox)
        let root = "/services/data/v68.0"
        let parts: JSONValue = [
            [
                "method": "PATCH", "url": .string("\(root)/sobjects/Contact/External_Id__c/u%2F1"), "referenceId": "c",
                "body": ["LastName": "x", "Email": "ada@example.test"],
            ],
            [
                "method": "POST", "url": .string("\(root)/sobjects/Task"), "referenceId": "t",
                "body": ["WhoId": "@{c.id}", "Subject": "Order Placed"],
            ],
            ["method": "GET", "url": .string("\(root)/sobjects/Task/@{t.id}"), "referenceId": "r"],
        ]
        let reply = try caller.send("POST", "composite", ["allOrNone": true, "compositeRequest": parts])
        let answers = try #require(try reply.json["compositeResponse"]?.arrayValue)
        #expect(answers.map { $0["httpStatusCode"] } == [201, 201, 200])
        #expect(answers.map { $0["referenceId"] } == ["c", "t", "r"])
        #expect(answers[2]["body"]?["WhoId"] == answers[0]["body"]?["id"])
        #expect(reply.headers["sforce-limit-info"] == "api-usage=1/100000")
        #expect(try sandbox.journal("crm=salesforce").suffix(2).map { $0["effect"] } == ["contact_created", "event_recorded"])
    }

    @Test func aFailedPartUndoesTheOthersOnlyWhenAsked() async throws {
        let caller = try SalesforceCaller(try await RunningSandbox())
        func body(allOrNone: Bool) -> JSONValue {
            let url = { (path: String) in JSONValue.string("/services/data/v68.0/\(path)") }
            return [
                "allOrNone": .bool(allOrNone),
                "compositeRequest": [
                    ["method": "POST", "url": url("sobjects/Contact"), "referenceId": "a", "body": ["LastName": "x"]],
                    ["method": "POST", "url": url("sobjects/Contact"), "referenceId": "b", "body": ["FirstName": "x"]],
                    ["method": "POST", "url": url("sobjects/Task"), "referenceId": "d", "body": ["WhoId": "@{b.id}"]],
                ],
            ]
        }
        func codes(_ allOrNone: Bool) throws -> [JSONValue?] {
            let reply = try caller.send("POST", "composite", body(allOrNone: allOrNone)).json
            return try #require(reply["compositeResponse"]?.arrayValue).map { $0["body"]?.arrayValue?.first?["errorCode"] }
        }
        #expect(try codes(true) == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"])
        #expect(try caller.query("SELECT Id FROM Contact").json["totalSize"] == 0)
        #expect(try codes(false) == [nil, "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"])
        #expect(try caller.query("SELECT Id FROM Contact").json["totalSize"] == 1)
        let part: JSONValue = ["method": "GET", "url": "/services/data/v68.0/limits", "referenceId": "x"]
        let many = JSONValue.array([JSONValue](repeating: part, count: 26))
        #expect(try caller.send("POST", "composite", ["compositeRequest": many]).code == "LIMIT_EXCEEDED")
        #expect(try caller.send("POST", "composite", ["compositeRequest": [part, part]]).code == "INVALID_INPUT")
    }

    @Test func scriptsSpeakSalesforce() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try SalesforceCaller(sandbox)
        _ = try sandbox.script([
            "crm": "salesforce", "path_prefix": "/services/data",
            "answers": [["status": 400, "code": "UNABLE_TO_LOCK_ROW"], ["status": 403], ["status": 503], ["cut": "before"]],
        ])
        for (status, code) in [(400, "UNABLE_TO_LOCK_ROW"), (403, "REQUEST_LIMIT_EXCEEDED"), (503, "SERVER_UNAVAILABLE")] {
            let reply = try caller.send("GET", "limits")
            #expect(reply.status == status && reply.code == code)
        }
        #expect(throws: Connection.Failure.closed) { try caller.send("GET", "limits") }
        _ = try sandbox.script(["crm": "salesforce", "path_prefix": "/services/Soap", "answers": [["code": "ORG_LOCKED", "status": 500]]])
        #expect(try sandbox.login(SalesforceCaller.account).element("sf:exceptionCode") == "ORG_LOCKED")
        _ = try sandbox.script(["crm": "salesforce", "path_prefix": "/services/oauth2", "answers": [["code": "invalid_grant"]]])
        let token = try sandbox.token("grant_type=client_credentials&client_id=sandbox_ada%40shop.test&client_secret=sandbox")
        #expect(try token.status == 400 && token.json["error"] == "invalid_grant")
    }
}
