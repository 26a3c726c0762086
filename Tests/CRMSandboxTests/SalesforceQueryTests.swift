import CRMCore
import Testing

@Suite struct SalesforceQueryTests {
    private static func filled() async throws -> SalesforceCaller {
        let caller = try SalesforceCaller(try await RunningSandbox())
        let account = try #require(try caller.send("POST", "sobjects/Account", ["Name": "Acme"]).json["id"])
        try caller.upsert("1", ["LastName": "O'Brien", "Email": "Ada@Example.test", "Score__c": 3, "AccountId": account])
        try caller.upsert("2", ["LastName": "100%", "Email": "bob@example.test", "Score__c": 20, "DoNotCall": true])
        try caller.upsert("3", ["LastName": "back\\slash", "Birthdate": "1990-05-01"])
        return caller
    }

    @Test(
        arguments: [
            ("LastName = 'O\\'Brien'", ["1"]), ("Email = 'ada@example.TEST'", ["1"]), ("External_Id__c IN ('1', '3')", ["1", "3"]),
            ("External_Id__c NOT IN ('1', '3')", ["2"]), ("Email = null", ["3"]), ("Email != null", ["1", "2"]),
            ("LastName = 'back\\\\slash'", ["3"]), ("LastName LIKE '%\\%'", ["2"]), ("LastName LIKE 'o_b%n'", ["1"]),
            ("LastName = '100%'", ["2"]), ("Score__c > 3", ["2"]), ("Score__c >= 3 AND Score__c <= 3.0", ["1"]),
            ("DoNotCall = TRUE", ["2"]),
            ("Birthdate < 2000-01-01", ["3"]), ("CreatedDate >= 2020-01-01T00:00:00+01:00", ["1", "2", "3"]),
            ("(Score__c = 3 OR Score__c = 20) AND NOT DoNotCall = true", ["1"]), ("Account.Name = 'acme'", ["1"]),
            ("Email LIKE '%' AND (NOT LastName LIKE 'O%')", ["2"]),
        ])
    func conditions(condition: String, keys: [String]) async throws {
        let caller = try await Self.filled()
        #expect(
            try caller.column("External_Id__c", "SELECT External_Id__c FROM Contact WHERE \(condition) ORDER BY External_Id__c") == keys)
    }

    @Test func ordersAndParents() async throws {
        let caller = try await Self.filled()
        #expect(
            try caller.column("External_Id__c", "select external_id__c from contact order by score__c desc nulls last limit 2") == [
                "2", "1",
            ])
        #expect(try caller.column("External_Id__c", "SELECT External_Id__c FROM Contact ORDER BY Score__c ASC") == ["3", "1", "2"])
        #expect(try caller.column("External_Id__c", "SELECT External_Id__c FROM Contact ORDER BY Id LIMIT 5 OFFSET 2") == ["3"])
        let records = try caller.query("SELECT Account.Name, Id FROM Contact ORDER BY External_Id__c").json["records"]?.arrayValue
        #expect(records?.first?["Account"]?["Name"] == "Acme" && records?.last?["Account"] == .null)
        #expect(try caller.query("SELECT COUNT() FROM Contact").json == ["totalSize": 3, "done": true, "records": []])
        #expect(try caller.column("OrganizationType", "SELECT OrganizationType FROM Organization") == ["Enterprise Edition"])
        #expect(try caller.column("Username", "SELECT Username FROM User") == ["ada@shop.test"])
    }

    @Test(
        arguments: [
            ("", "MALFORMED_QUERY"), ("SELECT FROM Contact", "MALFORMED_QUERY"), ("SELECT * FROM Contact", "MALFORMED_QUERY"),
            ("SELECT Id FROM Contact WHERE LastName = 'O'Brien'", "MALFORMED_QUERY"),
            ("SELECT Id FROM Contact WHERE LastName = 'x", "MALFORMED_QUERY"),
            ("SELECT Id FROM Contact WHERE LastName = \"x\"", "MALFORMED_QUERY"),
            ("SELECT Id FROM Contact WHERE LastName = '\\x'", "MALFORMED_QUERY"),
            ("SELECT Id FROM Contact WHERE Score__c = 1 AND Score__c = 2 OR Score__c = 3", "MALFORMED_QUERY"),
            ("SELECT Id FROM Contact LIMIT x", "MALFORMED_QUERY"), ("SELECT Id FROM Contact; DELETE", "MALFORMED_QUERY"),
            ("SELECT Nick FROM Contact", "INVALID_FIELD"), ("SELECT Id FROM Contact WHERE Nick = 'x'", "INVALID_FIELD"),
            ("SELECT Owner.Nick FROM Contact", "INVALID_FIELD"), ("SELECT Nick.Id FROM Contact", "INVALID_FIELD"),
            ("SELECT Id FROM Contact WHERE Score__c = '3'", "INVALID_FIELD"), ("SELECT Id FROM Contact WHERE Email = 3", "INVALID_FIELD"),
            ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD"),
            ("SELECT Id FROM Contact WHERE Birthdate = '1990-05-01'", "INVALID_FIELD"), ("SELECT Id FROM Nothing", "INVALID_TYPE"),
            ("SELECT Id FROM Contact WHERE AccountId = 'acme'", "INVALID_QUERY_FILTER_OPERATOR"),
        ])
    func refusals(soql: String, code: String) async throws {
        let reply = try SalesforceCaller(try await RunningSandbox()).query(soql)
        #expect(reply.status == 400)
        #expect(reply.code == code)
    }

    @Test func pages() async throws {
        var caller = try SalesforceCaller(try await RunningSandbox())
        for start in [0, 200, 400] {
            let records = (start..<start + 200).map { number -> JSONValue in
                ["attributes": ["type": "Contact"], "LastName": "x", "External_Id__c": .string(String(number))]
            }
            #expect(try caller.send("POST", "composite/sobjects", ["records": .array(records)]).status == 200)
        }
        #expect(try caller.query("SELECT Id FROM Contact").json["done"] == true)
        caller.extra = [("Sforce-Query-Options", "batchSize=250")]
        var page = try caller.query("SELECT External_Id__c FROM Contact").json
        var keys: Set<String> = []
        var sizes: [Int] = []
        while true {
            let records = try #require(page["records"]?.arrayValue)
            sizes.append(records.count)
            keys.formUnion(records.compactMap { $0["External_Id__c"]?.stringValue })
            #expect(page["totalSize"] == 600)
            guard page["done"] == false else { break }
            let next = try #require(page["nextRecordsUrl"]?.stringValue)
            #expect(next.hasPrefix("/services/data/v68.0/query/01g"))
            page = try caller.send("GET", String(next.dropFirst("/services/data/v68.0/".count))).json
        }
        #expect(sizes == [250, 250, 100] && keys.count == 600 && page["nextRecordsUrl"] == nil)
        #expect(try caller.send("GET", "query/01g0-250").code == "INVALID_QUERY_LOCATOR")
        caller.extra = [("Sforce-Query-Options", "batchSize=199")]
        #expect(try caller.query("SELECT Id FROM Contact").code == "INVALID_QUERY_OPTIONS")
    }
}
