import CRMCore
import Testing

@Suite struct CreatioQueryTests {
    /// Three contacts, the second in Rome, the third without an address.
    private static func filled(_ sandbox: RunningSandbox, _ account: String) throws -> CreatioCaller {
        let caller = try CreatioCaller(sandbox, account)
        let rome = try #require(try caller.rows("City?$filter=Name eq 'Rome'&$select=Id&$top=2").first?["Id"])
        _ = try caller.insert("Contact", ["Name": "Ada", "Email": "ada@example.test", "BirthDate": "1815-12-10T00:00:00Z"])
        _ = try caller.insert("Contact", ["Name": "O'Brien", "Email": "Bob@example.test", "CityId": rome, "DoNotUseSms": true])
        _ = try caller.insert("Contact", ["Name": "Carl"])
        return caller
    }

    @Test(arguments: [
        ("Email eq 'ada@example.test'", ["Ada"]), ("Name eq 'O''Brien'", ["O'Brien"]), ("Email eq ''", ["Carl"]),
        ("Email eq null", ["Carl"]),
        ("City/Name eq 'Rome'", ["O'Brien"]), ("City/Country/Name eq 'Italy' and Name ne 'Ada'", ["O'Brien"]),
        ("City/Id eq 00000000-0000-0000-0000-000000000000", ["Ada", "Carl"]), ("not (Name eq 'Ada' or Name eq 'Carl')", ["O'Brien"]),
        ("DoNotUseSms eq true", ["O'Brien"]), ("BirthDate lt 1900-01-01T00:00:00Z and BirthDate gt 1800-01-01T00:00:00Z", ["Ada"]),
        ("contains(Email,'example')", ["Ada", "O'Brien"]), ("startswith(Name,'C')", ["Carl"]),
        ("endswith(Email, '.test')", ["Ada", "O'Brien"]),
        ("Name ge 'B' and Age le 1", ["O'Brien", "Carl"]),
    ])
    func filters(_ filter: String, _ names: [String]) async throws {
        let caller = try Self.filled(try await RunningSandbox(), "ada@shop.test")
        #expect(try caller.rows("Contact?$filter=\(filter)&$select=Name").compactMap { $0["Name"]?.stringValue } == names)
    }

    @Test func theDatabaseDecidesAboutCase() async throws {
        let sandbox = try await RunningSandbox()
        for (account, count) in [("ada@shop.test", 1), ("core@shop.test", 0)] {
            #expect(try Self.filled(sandbox, account).rows("Contact?$filter=Email eq 'bob@example.test'").count == count)
        }
    }

    @Test(arguments: [
        ("ContactId eq 6f1c0b0e-5f0b-5a53-9a53-0c5bd7a1f001", "Column by path ContactId not found in schema Activity"),
        ("Contact/Id eq '6f1c0b0e-5f0b-5a53-9a53-0c5bd7a1f001'", "'Edm.Guid' and 'Edm.String'"),
        ("Contact/Id eq guid'6f1c0b0e-5f0b-5a53-9a53-0c5bd7a1f001'", "Syntax error"), ("Nick eq 'x'", "Column by path Nick"),
        ("StartDate gt '2026-11-01T10:00:00Z'", "'Edm.DateTimeOffset' and 'Edm.String'"),
        ("StartDate gt datetime'2026-11-01T10:00:00'", "Syntax error"), ("StartDate gt 2026-11-01", "Syntax error"),
        ("Title eq x", "Syntax error"), ("Title eq 'it's'", "Syntax error"), ("Title eq", "Syntax error"),
        ("(Title eq 'x'", "Syntax error"),
        ("Title eq 1", "'Edm.String' and 'Edm.Decimal'"), ("tolower(Title) eq 'x'", "unknown function"), ("Title like 'x'", "Syntax error"),
    ])
    func filtersThatCreatioRefuses(_ filter: String, _ words: String) async throws {
        let caller = try CreatioCaller(try await RunningSandbox())
        let reply = try caller.get("Activity?$filter=\(filter)")
        #expect(reply.status == 400)
        #expect(reply.message?.contains(words) == true, "\(reply.message ?? "")")
    }

    @Test func orderPagesAndCounts() async throws {
        let caller = try Self.filled(try await RunningSandbox(), "ada@shop.test")
        let page = try caller.get("Contact?$orderby=Name desc&$top=1&$skip=1&$count=true&$select=Name,CityId").json
        #expect(page["@odata.count"] == 3 && page["value"]?.arrayValue?.first?["Name"] == "Carl")
        #expect(page["@odata.context"]?.stringValue?.hasSuffix("#Contact(Name,CityId)") == true)
        #expect(try caller.rows("Contact?$orderby=City/Name desc,CreatedOn asc&$select=Name").first?["Name"] == "O'Brien")
        #expect(try String(decoding: caller.get("Contact/$count").body, as: UTF8.self) == "3")
        for option in ["$top=-1", "$top=x", "$select=Nick", "$orderby=CityId", "$expand=CityId", "$apply=x", "$top=1&$top=2", "$count=yes"]
        {
            #expect(try caller.get("Contact?\(option)").status == 400, "\(option)")
        }
    }

    @Test func expansions() async throws {
        let caller = try Self.filled(try await RunningSandbox(), "ada@shop.test")
        let rows = try caller.rows("Contact?$select=Name&$expand=City($select=Name),Country&$orderby=CreatedOn")
        #expect(rows[0] == ["Name": "Ada", "City": .null, "Country": .null])
        #expect(rows[1]["City"] == ["Name": "Rome"])
    }

    @Test func oneAnswerHoldsTwentyThousandRows() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox)
        for part in 0..<201 {
            let requests = (0..<100).map { n -> JSONValue in
                ["id": .string("\(n)"), "method": "POST", "url": "Contact", "body": ["Name": .string("\(part)-\(n)")]]
            }
            #expect(try caller.send("POST", "$batch", ["requests": .array(requests)]).status == 200)
        }
        #expect(try caller.get("Contact/$count").body == Array("20100".utf8))
        #expect(try caller.rows("Contact?$select=Name").count == 20_000)
        #expect(try caller.rows("Contact?$select=Name&$top=50000&$skip=20000").count == 100)
    }

    @Test func objectsAreDescribed() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox)
        let metadata = String(decoding: try caller.get("$metadata").body, as: UTF8.self)
        #expect(
            metadata.contains("<EntityType Name=\"UsrIntegrationEvent\">")
                && metadata.contains("Name=\"UsrExternalId\" Type=\"Edm.String\""))
        #expect(metadata.contains("<NavigationProperty Name=\"City\" Type=\"Terrasoft.Configuration.OData.City\">"))
        let plain = try CreatioCaller(sandbox, "plain@shop.test")
        #expect(try !String(decoding: plain.get("$metadata").body, as: UTF8.self).contains("Usr"))
        #expect(try plain.send("POST", "Contact", ["Name": "x", "UsrPlan": "pro"]).status == 400)
        #expect(try caller.get("").json["value"]?.arrayValue?.contains(["name": "Contact", "kind": "EntitySet", "url": "Contact"]) == true)
    }

    @Test func anUnknownObjectIsAMissOfTheRouting() async throws {
        let sandbox = try await RunningSandbox()
        for (account, status) in [("plain@shop.test", 200), ("coreplain@shop.test", 404)] {
            let reply = try CreatioCaller(sandbox, account).get("UsrIntegrationEvent?$top=1")
            #expect(reply.status == status)
            #expect(try Set(#require(reply.json.objectValue).keys) == ["Message", "MessageDetail"])
        }
        let caller = try CreatioCaller(sandbox)
        let settings = "/accounts/creatio/ada@shop.test"
        #expect(try sandbox.send("PUT", settings, json: ["rebuilding": ["UsrIntegrationEvent"], "readonly": true]).status == 204)
        #expect(try caller.get("UsrIntegrationEvent").json["MessageDetail"] != nil)
        #expect(try caller.send("POST", "Contact", ["Name": "x"]).status == 403)
        #expect(try sandbox.send("PUT", settings, json: ["rebuilding": [], "readonly": false]).status == 204)
        #expect(try caller.rows("UsrIntegrationEvent").isEmpty)
        #expect(try sandbox.send("PUT", settings, json: ["colour": true]).status == 400)
    }
}
