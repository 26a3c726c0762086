import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct LookUpTests {
    private static let row: JSONObject = [
        "Id": .string(CreatioBench.adaID), "Name": "Ada Lovelace", "GivenName": "Ada", "Surname": "Lovelace", "Email": "ada@example.test",
        "UsrExternalId": "user-1", "MobilePhone": "+390612345678", "JobTitle": "Engineer", "Address": "Via Roma 1, int. 2", "Zip": "00100",
        "AccountId": "33333333-3333-4333-8333-333333333333", "Account": ["Name": "Acme"], "City": ["Name": "Rome"], "Region": ["Name": ""],
        "Country": ["Name": "Italy"], "Language": ["Code": "it-IT"], "DoNotUseEmail": true, "DoNotUseSms": false, "UsrPlan": "pro",
        "ModifiedOn": "2026-11-01T10:00:00Z",
    ]
    private static let settings: JSONValue = ["properties": ["plan": "UsrPlan"]]

    private func bench(_ row: JSONObject = row) throws -> CreatioBench {
        let bench = try CreatioBench()
        bench.site.add("Contact", row)
        return bench
    }

    @Test(arguments: [["remote_id": .string(CreatioBench.adaID)], ["external_id": "user-1"], ["email": "Ada@Example.test"]] as [JSONValue])
    func aContactIsReadWhole(_ query: JSONValue) async throws {
        let bench = try bench()
        let result = try await bench.lookUp(query, settings: Self.settings)
        #expect(
            result.payload == [
                "remote_id": .string(CreatioBench.adaID), "updated_at": "2026-11-01T10:00:00Z",
                "contact": [
                    "email": "ada@example.test", "external_id": "user-1", "phone": "+390612345678", "first_name": "Ada",
                    "last_name": "Lovelace", "title": "Engineer", "organization": "Acme", "locale": "it-IT",
                    "address": ["line1": "Via Roma 1, int. 2", "city": "Rome", "postal_code": "00100", "country": "Italy"],
                    "consent": ["email_marketing": ["state": "withdrawn"]], "properties": ["plan": "pro"],
                ],
            ])
        let read = try #require(bench.calls.last)
        #expect(read.call == "GET Contact(\(CreatioBench.adaID))")
        #expect(
            read.options["$expand"]
                == "Account($select=Name),Language($select=Code),City($select=Name),Region($select=Name),Country($select=Name)")
        #expect(read.options["$select"]?.hasPrefix("Id,Name,ModifiedOn,Email,UsrExternalId,") == true)
        #expect(read.options["$select"]?.contains("CityId") == false)
        await bench.expectEachEndedOnce()
    }

    @Test func whatIsEmptyIsAbsent() async throws {
        let bench = try bench([
            "Id": .string(CreatioBench.adaID), "Name": "Ada", "Email": "ada@example.test", "UsrExternalId": "", "MobilePhone": "",
            "AccountId": .string(GUIDText.none), "Account": ["Name": ""], "City": .null, "UsrPlan": "0001-01-01T00:00:00Z",
            "ModifiedOn": "0001-01-01T00:00:00Z", "DoNotUseEmail": false,
        ])
        let result = try await bench.lookUp(["email": "ada@example.test"], settings: Self.settings)
        #expect(result.payload == ["contact": ["email": "ada@example.test"], "remote_id": .string(CreatioBench.adaID)])
    }

    private enum GUIDText { static let none = "00000000-0000-0000-0000-000000000000" }

    @Test(arguments: [
        "00000000-0000-0000-0000-000000000000", "c4ed336c", "c4ed336c-3e9b-40fe-8b82-5632476472b4)/Account(", "x",
        "c4ed336c-3e9b-40fe-8b82-5632476472b4\u{301}", "../../Login", "c4ed336c-3e9b-40fe-8b82-5632476472bg",
    ]) func whatIsNoIDIsNotAskedFor(_ id: String) async throws {
        let bench = try bench()
        #expect(try await bench.lookUp(["remote_id": .string(id)]).status == CRM_STATUS_NOT_FOUND)
        #expect(bench.host.http.requests.isEmpty)
    }

    @Test func nobodyIsNotFound() async throws {
        let bench = try bench()
        for query: JSONValue in [
            ["email": "bob@example.test"], ["external_id": "user-2"], ["remote_id": "00000000-0000-4000-8000-000000000001"],
        ] {
            let result = try await bench.lookUp(query)
            #expect(result.status == CRM_STATUS_NOT_FOUND && result.code == "creatio.not_found" && result.flags == 0)
        }
    }

    @Test func anExternalIDNeedsItsColumn() async throws {
        let bench = try bench()
        bench.site.state.withLock { $0.missingColumns = ["Contact.UsrExternalId"] }
        let result = try await bench.lookUp(["external_id": "user-1"])
        #expect(result.status == CRM_STATUS_INVALID_ARGUMENT && result.code == "creatio.no_external_id_column")
        #expect(try await bench.lookUp(["email": "ada@example.test"]).status == CRM_STATUS_OK)
    }

    @Test func aColumnThatIsMissingIsLeftOutOfTheQuestion() async throws {
        let bench = try bench()
        bench.site.state.withLock { $0.missingColumns = ["Contact.UsrPlan", "Contact.DoNotUseSms"] }
        let result = try await bench.lookUp(["email": "ada@example.test"], settings: Self.settings)
        #expect(result.status == CRM_STATUS_OK)
        #expect(Set(result.warnings.map { $0["field"] }) == ["properties.plan", "consent.sms_marketing"])
    }

    @Test func aSiteThatExpandsNothingShowsTheRest() async throws {
        let bench = try CreatioBench { request, _ in request.options["$expand"] == nil ? nil : Says.odata(400, "$expand is not supported") }
        bench.site.add("Contact", Self.row)
        let result = try await bench.lookUp(["email": "ada@example.test"])
        #expect(result.payload["contact"]?["first_name"] == "Ada")
        #expect(result.warnings.map { $0["code"] } == ["creatio.not_expanded"])
    }

    @Test func anotherRecordThanTheOneAskedForIsNobody() async throws {
        let bench = try CreatioBench { request, _ in request.call.hasPrefix("GET Contact(") ? Says.json(200, .object(Self.row)) : nil }
        #expect(try await bench.lookUp(["remote_id": "00000000-0000-4000-8000-000000000001"]).status == CRM_STATUS_NOT_FOUND)
    }
}
