import CRMCore
import Testing

@Suite struct SalesforceRecordTests {
    @Test func anExternalIDCreatesOnceAndThenUpdates() async throws {
        let sandbox = try await RunningSandbox()
        var caller = try SalesforceCaller(sandbox)
        let path = "sobjects/Contact/External_Id__c/a%2Fb%20%C3%BC"
        let created = try caller.send("PATCH", path, ["LastName": " Lovelace ", "Email": "ada@example.test", "Plan__c": "pro"])
        #expect(created.status == 201)
        let id = try #require(try created.json["id"]?.stringValue)
        #expect(id.utf8.count == 18 && id.hasPrefix("003"))
        #expect(try created.json == ["id": .string(id), "success": true, "errors": [], "created": true])
        let updated = try caller.send("PATCH", path, ["FirstName": "Ada", "Plan__c": .null])
        #expect(updated.status == 200)
        #expect(try updated.json == ["id": .string(id), "success": true, "errors": [], "created": false])
        let record = try caller.send("GET", path).json
        #expect(record["External_Id__c"] == "a/b ü" && record["Name"] == "Ada Lovelace" && record["Plan__c"] == .null)
        #expect(record["HasOptedOutOfEmail"] == false && record["OwnerId"]?.stringValue?.hasPrefix("005") == true)
        #expect(
            try caller.send("GET", "sobjects/contact/external_id__c/a%2Fb%20%C3%BC?fields=Id,Email").json
                == [
                    "attributes": ["type": "Contact", "url": .string("/services/data/v68.0/sobjects/Contact/\(id)")], "Id": .string(id),
                    "Email": "ada@example.test",
                ])
        // Before 46.0 an update had no body.
        caller.version = "v45.0"
        let old = try caller.send("PATCH", path, ["FirstName": "A."])
        #expect(old.status == 204 && old.body.isEmpty)
        let effects = try sandbox.journal("crm=salesforce").compactMap { $0["effect"]?.stringValue }.filter { $0 != "none" }
        #expect(effects == ["contact_created", "contact_updated", "contact_updated"])
        #expect(try sandbox.journal("crm=salesforce").last?["email"] == "ada@example.test")
    }

    @Test func keysAreCaseSensitiveAndUpdateOnlyCreatesNothing() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try SalesforceCaller(sandbox)
        let first = try caller.upsert("key", ["LastName": "A"])
        #expect(try caller.upsert("KEY", ["LastName": "B"]) != first)
        #expect(try caller.send("PATCH", "sobjects/Contact/External_Id__c/new?updateOnly=true", ["LastName": "C"]).status == 404)
        #expect(try caller.send("PATCH", "sobjects/Contact/External_Id__c/key?updateOnly=true", ["LastName": "C"]).status == 200)
        #expect(try sandbox.send("GET", "/accounts").json["accounts"]?.arrayValue?.first?["contacts"] == 2)
    }

    @Test func severalMatchesAreNotDecided() async throws {
        let caller = try SalesforceCaller(try await RunningSandbox())
        for name in ["A", "B"] {
            #expect(try caller.send("POST", "sobjects/Contact", ["LastName": .string(name), "Legacy_Id__c": "x"]).status == 201)
        }
        for method in ["GET", "PATCH"] {
            let reply = try caller.send(method, "sobjects/Contact/Legacy_Id__c/x", method == "GET" ? nil : ["FirstName": "C"])
            #expect(reply.status == 300)
            #expect(try reply.json.arrayValue?.count == 2)
        }
        #expect(try caller.query("SELECT Id FROM Contact WHERE FirstName = 'C'").json["totalSize"] == 0)
    }

    @Test func recordsByID() async throws {
        let caller = try SalesforceCaller(try await RunningSandbox())
        let made = try caller.send("POST", "sobjects/Contact/", ["LastName": "Lovelace"])
        #expect(try made.status == 201 && made.json["created"] == nil && made.json["success"] == true)
        let id = try #require(try made.json["id"]?.stringValue)
        let changed = try caller.send("PATCH", "sobjects/Contact/\(id.prefix(15))", ["Email": "ada@example.test"])
        #expect(changed.status == 204 && changed.body.isEmpty)
        #expect(try caller.send("GET", "sobjects/Contact/\(id)").json["Email"] == "ada@example.test")
        #expect(try caller.send("DELETE", "sobjects/Contact/\(id)").status == 204)
        #expect(try caller.send("GET", "sobjects/Contact/\(id)").code == "NOT_FOUND")
        #expect(try caller.query("SELECT Id FROM Contact WHERE Email = 'ada@example.test'").json["totalSize"] == 0)
        #expect(try caller.send("GET", "sobjects/Contact/00D\(id.dropFirst(3).prefix(12))").code == "MALFORMED_ID")
        #expect(try caller.send("GET", "sobjects/Contact/\(id.dropLast())B").code == "MALFORMED_ID")
        #expect(try caller.send("GET", "sobjects/Contact/nobody").status == 404)
    }

    struct BadField: Sendable, CustomTestStringConvertible {
        var fields: JSONValue
        var code: String
        var named: [JSONValue]?
        var testDescription: String { "\(code) \(fields.text.prefix(60))" }
    }

    static let bad = [
        BadField(fields: ["FirstName": "Ada"], code: "REQUIRED_FIELD_MISSING", named: ["LastName"]),
        BadField(fields: ["LastName": "  "], code: "REQUIRED_FIELD_MISSING", named: ["LastName"]),
        BadField(fields: ["LastName": "x", "Nick__c": "y"], code: "INVALID_FIELD"),
        BadField(fields: ["LastName": .string(String(repeating: "x", count: 81))], code: "STRING_TOO_LONG", named: ["LastName"]),
        BadField(fields: ["LastName": "x", "Email": "ada@localhost"], code: "INVALID_EMAIL_ADDRESS", named: ["Email"]),
        BadField(fields: ["LastName": "x", "Tier__c": "Wood"], code: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", named: ["Tier__c"]),
        BadField(fields: ["LastName": "x", "Birthdate": "2999-01-01"], code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", named: ["Birthdate"]),
        BadField(fields: ["LastName": "x", "Birthdate": "1 January"], code: "JSON_PARSER_ERROR"),
        BadField(fields: ["LastName": 7], code: "JSON_PARSER_ERROR"),
        BadField(fields: ["LastName": "x", "DoNotCall": "false"], code: "JSON_PARSER_ERROR"),
        BadField(fields: ["LastName": "x", "DoNotCall": .null], code: "JSON_PARSER_ERROR"),
        BadField(fields: ["LastName": "x", "Score__c": "7"], code: "JSON_PARSER_ERROR"),
        BadField(fields: ["LastName": "x", "Name": "y"], code: "INVALID_FIELD_FOR_INSERT_UPDATE", named: ["Name"]),
        BadField(fields: ["LastName": "x", "AccountId": "acme"], code: "MALFORMED_ID", named: ["AccountId"]),
        BadField(fields: ["LastName": "x", "AccountId": "0015g0000099999"], code: "INVALID_CROSS_REFERENCE_KEY", named: ["AccountId"]),
        BadField(fields: ["LastName": "x", "External_Id__c": "taken"], code: "DUPLICATE_VALUE"),
        BadField(fields: ["LastName": "x", "Account": ["Name": "Acme"]], code: "JSON_PARSER_ERROR"),
    ]

    @Test(arguments: bad) func fields(_ bad: BadField) async throws {
        let sandbox = try await RunningSandbox()
        let caller = try SalesforceCaller(sandbox)
        try caller.upsert("taken", ["LastName": "First"])
        let reply = try caller.send("POST", "sobjects/Contact", bad.fields)
        #expect(reply.status == 400)
        #expect(reply.code == bad.code)
        if let named = bad.named { #expect(try reply.json.arrayValue?.first?["fields"]?.arrayValue == named) }
        #expect(try sandbox.journal("crm=salesforce").last?["effect"] == "refused")
        #expect(try sandbox.send("GET", "/accounts").json["accounts"]?.arrayValue?.first?["contacts"] == 1)
    }

    @Test func requestsThatAreWrongAsAWhole() async throws {
        let caller = try SalesforceCaller(try await RunningSandbox())
        let key = "sobjects/Contact/External_Id__c/k"
        #expect(try caller.send("PATCH", key, ["LastName": "x", "External_Id__c": "k"]).code == "INVALID_FIELD")
        #expect(try caller.send("PATCH", "sobjects/Contact/Email/a%40example.test", ["LastName": "x"]).status == 404)
        #expect(try caller.send("PATCH", "sobjects/Contact/Plan__c/pro", ["LastName": "x"]).status == 404)
        #expect(try caller.send("PATCH", "sobjects/Lead/External_Id__c/k", ["LastName": "x"]).code == "NOT_FOUND")
        #expect(try caller.send("PATCH", key, body: Array("{\"LastName\":".utf8)).code == "JSON_PARSER_ERROR")
        #expect(try caller.send("PATCH", key).code == "JSON_PARSER_ERROR")
        #expect(try caller.send("PUT", key, ["LastName": "x"]).status == 405)
        #expect(try caller.send("GET", "sobjects/Contact/External_Id__c/k?fields=Nick").status == 404)
        try caller.upsert("k", ["LastName": "x"])
        #expect(try caller.send("GET", "sobjects/Contact/External_Id__c/k?fields=Nick").code == "INVALID_FIELD")
        #expect(try caller.send("DELETE", "sobjects/User/\(try caller.column("Id", "SELECT Id FROM User")[0])").status == 403)
        let headers = [("Authorization", "Bearer \(caller.session)"), ("Content-Type", "text/plain")]
        let plain = try caller.sandbox.send(
            "PATCH", "/salesforce/services/data/v68.0/\(key)", headers: headers, json: ["LastName": "x"])
        #expect(plain.status == 415)
    }

    @Test func duplicateRules() async throws {
        let sandbox = try await RunningSandbox()
        var caller = try SalesforceCaller(sandbox)
        let fields: JSONValue = ["LastName": "x", "Email": "ada@example.test"]
        try caller.upsert("1", fields)
        try caller.upsert("2", fields)
        try sandbox.configure(["duplicate_rule": "alert"])
        #expect(try caller.send("PATCH", "sobjects/Contact/External_Id__c/3", fields).code == "DUPLICATES_DETECTED")
        caller.extra = [("Sforce-Duplicate-Rule-Header", "allowSave=true")]
        try caller.upsert("3", fields)
        try sandbox.configure(["duplicate_rule": "block"])
        #expect(try caller.send("PATCH", "sobjects/Contact/External_Id__c/4", fields).code == "DUPLICATES_DETECTED")
        try caller.upsert("4", ["LastName": "x", "Email": "grace@example.test"])
    }

    @Test func describeShowsWhatTheUserMayUse() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try SalesforceCaller(sandbox)
        func field(_ name: String) throws -> JSONValue? {
            let fields = try #require(try caller.send("GET", "sobjects/Contact/describe").json["fields"]?.arrayValue)
            return fields.first { $0["name"] == .string(name) }
        }
        let key = try #require(try field("External_Id__c"))
        for flag in ["externalId", "unique", "createable", "updateable", "custom", "idLookup"] { #expect(key[flag] == true) }
        #expect(try field("LastName")?["nillable"] == false && field("LastName")?["length"] == 80)
        #expect(try field("CreatedDate")?["createable"] == false)
        #expect(try field("Tier__c")?["picklistValues"]?.arrayValue?.count == 3)
        try sandbox.configure(["hidden_fields": ["Contact.HasOptedOutOfEmail"]])
        #expect(try field("HasOptedOutOfEmail") == nil)
        #expect(
            try caller.send("POST", "sobjects/Contact", ["LastName": "x", "HasOptedOutOfEmail": true]).code
                == "INVALID_FIELD_FOR_INSERT_UPDATE")
        #expect(try caller.query("SELECT HasOptedOutOfEmail FROM Contact").code == "INVALID_FIELD")
    }

    @Test func aPlainOrganizationHasNothingOfItsOwn() async throws {
        let caller = try SalesforceCaller(try await RunningSandbox(), account: "plain@shop.test")
        #expect(try caller.send("PATCH", "sobjects/Contact/External_Id__c/1", ["LastName": "x"]).status == 404)
        #expect(try caller.send("POST", "sobjects/Contact", ["LastName": "x", "Plan__c": "pro"]).code == "INVALID_FIELD")
        #expect(try caller.send("GET", "sobjects/CRM_Event__c/describe").status == 404)
        #expect(try caller.send("POST", "sobjects/CRM_Event__e", ["Name__c": "x"]).status == 404)
        #expect(try caller.send("POST", "sobjects/Contact", ["LastName": "x"]).status == 201)
    }
}
