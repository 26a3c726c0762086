import CRMCore
import Testing

@Suite struct SalesforceEventTests {
    @Test func aCustomObjectKeepsAnEventOnce() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try SalesforceCaller(sandbox)
        let contact = try caller.upsert("user-1", ["LastName": "x", "Email": "ada@example.test"])
        let event: JSONValue = [
            "Name__c": "Order Placed", "Occurred_At__c": "2026-11-01T11:00:00.5+01:00", "Amount__c": .decimal("19.98"),
            "Contact__r": ["External_Id__c": "user-1"],
        ]
        let id = try caller.upsert("order-1", event, in: "CRM_Event__c")
        #expect(try caller.upsert("order-1", event, in: "CRM_Event__c") == id)
        let record = try caller.send("GET", "sobjects/CRM_Event__c/\(id)").json
        #expect(record["Contact__c"] == .string(contact) && record["Amount__c"] == .decimal("19.98"))
        #expect(record["Occurred_At__c"] == "2026-11-01T10:00:00.500+0000")
        let entries = try sandbox.journal("crm=salesforce").suffix(3).dropLast()
        #expect(entries.map { $0["effect"] } == ["event_recorded", "event_duplicate"])
        for entry in entries {
            #expect(entry["unique_id"] == "order-1" && entry["metric"] == "Order Placed" && entry["email"] == "ada@example.test")
        }
        #expect(try sandbox.send("GET", "/accounts").json["accounts"]?.arrayValue?.first?["events"] == 1)
    }

    @Test func aParentMustBeThere() async throws {
        let caller = try SalesforceCaller(try await RunningSandbox())
        let path = "sobjects/CRM_Event__c/External_Id__c/order-1"
        #expect(try caller.send("PATCH", path, ["Contact__r": ["External_Id__c": "nobody"]]).code == "INVALID_FIELD")
        #expect(try caller.send("PATCH", path, ["Contact__r": ["Email": "a@example.test"]]).code == "JSON_PARSER_ERROR")
        #expect(try caller.send("PATCH", path, ["Contact__c": "0035g0000099999"]).code == "INVALID_CROSS_REFERENCE_KEY")
        #expect(try caller.send("PATCH", path, ["Occurred_At__c": "yesterday"]).code == "JSON_PARSER_ERROR")
        #expect(try caller.send("PATCH", path, ["Currency__c": "EURO"]).code == "STRING_TOO_LONG")
    }

    @Test func tasksAreNotTheSameTwice() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try SalesforceCaller(sandbox)
        let contact = try caller.upsert("user-1", ["LastName": "x", "Email": "ada@example.test"])
        let task: JSONValue = [
            "WhoId": .string(String(contact.prefix(15))), "Subject": "Order Placed", "Status": "Completed", "ActivityDate": "2026-11-01",
            "Description": "{\"event_id\":\"order-1\"}",
        ]
        for _ in 1...2 { #expect(try caller.send("POST", "sobjects/Task", task).status == 201) }
        let soql = "SELECT Subject, WhoId FROM Task WHERE WhoId = '\(contact)' AND ActivityDate = 2026-11-01"
        #expect(try caller.column("WhoId", soql) == [contact, contact])
        let effects = try sandbox.journal("crm=salesforce").filter { $0["unique_id"] == "order-1" }
        #expect(effects.map { $0["effect"] } == ["event_recorded", "event_recorded"])
    }

    @Test func publishedEventsSucceedWithAnError() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try SalesforceCaller(sandbox)
        let reply = try caller.send("POST", "sobjects/CRM_Event__e/", ["Name__c": "Order Placed", "External_Id__c": "order-1"])
        #expect(reply.status == 201)
        #expect(try reply.json["success"] == true)
        #expect(try reply.json["errors"]?.arrayValue?.first?["statusCode"] == "OPERATION_ENQUEUED")
        #expect(try sandbox.journal("crm=salesforce").last?["effect"] == "event_recorded")
        #expect(try caller.send("GET", "sobjects/CRM_Event__e/\(try #require(try reply.json["id"]?.stringValue))").status == 404)
        #expect(try caller.query("SELECT ReplayId FROM CRM_Event__e").code == "INVALID_TYPE")
    }
}
