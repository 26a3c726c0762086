import CRMCore
import Testing

@Suite struct CreatioRecordTests {
    static let id = "6f1c0b0e-5f0b-5a53-9a53-0c5bd7a1f001"
    private static let ada: JSONValue = [
        "Id": .string(id), "Name": "Ada Lovelace", "GivenName": "Ada", "Surname": "Lovelace", "Email": "ada@example.test",
        "MobilePhone": "+390612345678", "UsrExternalId": "user-1", "DoNotUseEmail": true,
    ]

    @Test func aContactIsInsertedChangedReadAndDeleted() async throws {
        let sandbox = try await RunningSandbox()
        try sandbox.stopClock(at: "2026-11-22T10:00:00Z")
        let caller = try CreatioCaller(sandbox)
        let made = try caller.insert("Contact", Self.ada)
        #expect(made["@odata.context"]?.stringValue?.hasSuffix("/creatio/0/odata/$metadata#Contact/$entity") == true)
        #expect(made["Id"]?.stringValue == Self.id && made["CreatedOn"] == "2026-11-22T10:00:00Z")
        try sandbox.advanceClock(milliseconds: 1_500)
        let patched = try caller.send("PATCH", "Contact(\(Self.id))", ["JobTitle": "CTO", "Surname": .null])
        #expect(patched.status == 204 && patched.body.isEmpty)
        let read = try caller.get("Contact(\(Self.id))?$select=Id,JobTitle,Surname,GivenName,ModifiedOn,DoNotUseEmail,CityId,BirthDate")
            .json
        #expect(read["JobTitle"] == "CTO" && read["GivenName"] == "Ada" && read["DoNotUseEmail"] == true && read["Name"] == nil)
        #expect(read["ModifiedOn"] == "2026-11-22T10:00:01.500Z")
        // What is empty never reads as null.
        #expect(read["Surname"] == "" && read["BirthDate"] == "0001-01-01T00:00:00Z")
        #expect(read["CityId"] == "00000000-0000-0000-0000-000000000000")
        #expect(try caller.send("DELETE", "Contact(\(Self.id))").status == 204)
        for method in ["GET", "DELETE"] { #expect(try caller.send(method, "Contact(\(Self.id))").status == 404) }
        #expect(try caller.send("PATCH", "Contact(\(Self.id))", ["JobTitle": "x"]).status == 404)
        #expect(
            try sandbox.journal("crm=creatio").compactMap { $0["effect"]?.stringValue }.filter { $0.hasPrefix("contact") } == [
                "contact_created", "contact_updated",
            ])
    }

    @Test(arguments: [("ada@shop.test", "Violation of PRIMARY KEY"), ("core.ada@shop.test", "23505")])
    func aRepeatedIdIsRefusedInTheDatabasesWords(_ account: String, _ words: String) async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox, account)
        _ = try caller.insert("Contact", Self.ada)
        let again = try caller.send("POST", "Contact", Self.ada)
        #expect(again.status == 500)
        #expect(again.message?.contains(words) == true)
        #expect(try caller.rows("Contact?$select=Id").count == 1)
    }

    @Test func bodiesAreReadStrictly() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox)
        let cases: [(String, JSONValue, Int)] = [
            ("Contact", ["Email": "a@example.test"], 400), ("Contact", ["Name": ""], 400), ("Contact", ["Name": "x", "Nick": "y"], 400),
            ("Contact", ["Name": 1], 400), ("Contact", ["Name": "x", "DoNotUseEmail": "true"], 400),
            ("Contact", ["Name": "x", "Id": "nonsense"], 400), ("Contact", ["Name": "x", "BirthDate": "2000-01-01"], 400),
            ("Contact", ["Name": "x", "CityId": "aaaaaaaa-0000-4000-8000-000000000000"], 500), ("Activity", ["Notes": "x"], 400),
            ("UsrIntegrationEvent", ["UsrValue": "19.98"], 400), ("Contact", [], 400),
        ]
        for (object, body, status) in cases { #expect(try caller.send("POST", object, body).status == status, "\(body)") }
        #expect(try caller.rows("Contact").isEmpty)
        #expect(try caller.send("POST", "Contact", Self.ada, more: [("Content-Type", "application/x-www-form-urlencoded")]).status == 415)
        #expect(try caller.send("PUT", "Contact(\(Self.id))", Self.ada).status == 405)
        #expect(try caller.send("POST", "Contact(\(Self.id))", Self.ada).status == 405)
        #expect(try caller.get("Contact('\(Self.id)')").status == 400)
    }

    @Test func aNavigationPathInABodyIsSilentlyIgnored() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox)
        _ = try caller.insert("Contact", Self.ada)
        let ignored = try caller.insert("Activity", ["Title": "x", "Contact/Id": .string(Self.id), "Contact": ["Id": .string(Self.id)]])
        #expect(ignored["ContactId"] == "00000000-0000-0000-0000-000000000000")
        let linked = try caller.insert("Activity", ["Title": "x", "ContactId": .string(Self.id)])
        #expect(linked["ContactId"]?.stringValue == Self.id)
        #expect(try sandbox.journal("crm=creatio").last?["email"] == "ada@example.test")
    }

    @Test func decimalsAreTextsOnlyForThoseWhoSaySo() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox)
        let plain = try caller.insert("UsrIntegrationEvent", ["UsrValue": .decimal("19.90")])
        #expect(plain["UsrValue"] == .decimal("19.90"))
        let type = "application/json;IEEE754Compatible=true"
        let text = try caller.send("POST", "UsrIntegrationEvent", ["UsrValue": "0.10"], more: [("Content-Type", type), ("Accept", type)])
        #expect(try text.status == 201 && text.json["UsrValue"] == "0.10")
        #expect(try caller.send("POST", "UsrIntegrationEvent", ["UsrValue": 1], more: [("Content-Type", type)]).status == 400)
    }

    @Test func addressesStandInTheDetailToo() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox)
        _ = try caller.insert("Contact", Self.ada)
        let found = try caller.rows("ContactCommunication?$filter=Number eq 'ada@example.test'&$expand=CommunicationType($select=Name)")
        #expect(found.count == 1)
        #expect(found.first?["ContactId"]?.stringValue == Self.id && found.first?["CommunicationType"] == ["Name": "Email"])
        #expect(try caller.send("PATCH", "Contact(\(Self.id))", ["Email": "other@example.test"]).status == 204)
        #expect(try caller.rows("ContactCommunication?$filter=Contact/Id eq \(Self.id)").count == 3)
    }

    @Test func eventsAreCountedAndRepetitionsSeen() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox)
        let event: JSONValue = ["Id": .string(Self.id), "UsrEventId": "order-1", "UsrName": "Order Placed"]
        _ = try caller.insert("UsrIntegrationEvent", event)
        #expect(try caller.send("POST", "UsrIntegrationEvent", event).status == 500)
        _ = try caller.insert("Activity", ["Title": "Call back", "ActivityCategoryId": "03df85bf-6b19-4dea-8463-d5d49b80bb28"])
        // The type comes from the category.
        #expect(try caller.rows("Activity?$expand=Type").first?["Type"]?["Name"] == "Call")
        #expect(
            try sandbox.send("GET", "/accounts").json["accounts"] == [
                ["crm": "creatio", "account": "ada@shop.test", "contacts": 0, "events": 2]
            ])
        let entries = try sandbox.journal("crm=creatio").filter { $0["metric"] != nil }
        #expect(entries.compactMap { $0["effect"]?.stringValue } == ["event_recorded", "event_duplicate", "event_recorded"])
        #expect(entries[0]["unique_id"] == "order-1" && entries[2]["metric"] == "Call back")
    }
}
