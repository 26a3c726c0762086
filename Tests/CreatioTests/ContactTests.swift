import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ContactTests {
    private static let person: JSONValue = [
        "email": "ada@example.test", "external_id": "user-1", "phone": "+390612345678", "first_name": "Ada", "last_name": "Lovelace",
        "title": "Engineer", "organization": "Acme", "locale": "it-IT",
        "address": [
            "line1": "Via Roma 1", "line2": "int. 2", "city": "Rome", "region": "Lazio", "postal_code": "00100", "country": "Italy",
        ],
        "consent": ["email_marketing": ["state": "granted"], "sms_marketing": ["state": "withdrawn"]],
        "properties": ["plan": "pro", "tags": ["a", "b"], "score": 5],
    ]

    @Test func everyFieldTakesItsColumn() async throws {
        let bench = try CreatioBench()
        let result = try await bench.contact(Self.person, settings: ["properties": ["plan": "UsrPlan", "tags": "UsrTags"]])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.payload["created"] == true)
        #expect(result.warnings.map { $0["code"] } == ["creatio.no_lookup_entry", "creatio.unmapped_property"])
        #expect(result.warnings.map { $0["field"] } == ["address.region", "properties.score"])
        let insert = try #require(bench.calls.first { $0.method == "POST" })
        #expect(insert.url == "https://acme.creatio.com/0/odata/Contact")
        #expect(insert.route == "POST Contact")
        #expect(insert.header("Content-Type") == "application/json; charset=utf-8")
        let id = try #require(result.payload["remote_id"]?.stringValue)
        #expect(
            insert.json == [
                "Id": .string(id), "Name": "Ada Lovelace", "GivenName": "Ada", "Surname": "Lovelace", "Email": "ada@example.test",
                "UsrExternalId": "user-1", "MobilePhone": "+390612345678", "JobTitle": "Engineer",
                "AccountId": "33333333-3333-4333-8333-333333333333", "LanguageId": "44444444-4444-4444-8444-444444444444",
                "Address": "Via Roma 1, int. 2", "CityId": "11111111-1111-4111-8111-111111111111", "Zip": "00100",
                "CountryId": "22222222-2222-4222-8222-222222222222", "DoNotUseEmail": false, "DoNotUseSms": true, "UsrPlan": "pro",
                "UsrTags": #"["a","b"]"#,
            ])
        await bench.expectEachEndedOnce()
    }

    @Test func theSearchesSayWhatTheyMean() async throws {
        let bench = try CreatioBench()
        _ = try await bench.contact(["email": "Ada@example.test", "external_id": "user-1"])
        let queries = bench.calls.filter { $0.method == "GET" }
        #expect(queries.map(\.call) == ["GET Contact", "GET Contact", "GET ContactCommunication"])
        #expect(
            queries[0].options == [
                "$top": "10", "$filter": "UsrExternalId eq 'user-1'", "$select": "Id,UsrExternalId", "$orderby": "CreatedOn asc",
            ])
        #expect(queries[0].query.contains("$filter=UsrExternalId%20eq%20%27user-1%27"))
        #expect(queries[1].options["$filter"] == "Email eq 'Ada@example.test' or Email eq 'ada@example.test'")
        #expect(queries[2].options["$filter"] == "Number eq 'Ada@example.test' or Number eq 'ada@example.test'")
    }

    @Test func aKnownContactIsPatchedWithWhatWasSaid() async throws {
        let bench = try CreatioBench()
        bench.site.add("Contact", CreatioBench.ada)
        let result = try await bench.contact(["external_id": "user-1", "title": "CTO", "first_name": "Ada"])
        #expect(result.payload == ["remote_id": .string(CreatioBench.adaID), "created": false])
        let patch = try #require(bench.calls.last)
        #expect(patch.method == "PATCH")
        #expect(patch.url == "https://acme.creatio.com/0/odata/Contact(\(CreatioBench.adaID))")
        #expect(patch.route == "PATCH Contact({id})")
        // Half a name does not make a new one.
        #expect(patch.json == ["UsrExternalId": "user-1", "GivenName": "Ada", "JobTitle": "CTO"])
        #expect(bench.calls.count == 2)
    }

    @Test(arguments: ["o'hara@example.test", "x' or Name ne '", "a&$filter=Id ne null", "'\u{301}", "100%27", "ü'ñ"])
    func aValueNeverLeavesItsQuotes(_ value: String) async throws {
        let bench = try CreatioBench()
        bench.site.add("Contact", CreatioBench.ada)
        var row = CreatioBench.ada
        row["Id"] = "00000000-0000-4000-8000-000000000001"
        row["UsrExternalId"] = .string(value)
        bench.site.add("Contact", row)
        let result = try await bench.contact(["external_id": .string(value), "title": "CTO"])
        #expect(result.payload["remote_id"] == row["Id"])
        let search = try #require(bench.calls.first)
        #expect(search.filter == "UsrExternalId eq '\(value.unicodeScalars.map { $0 == "'" ? "''" : String($0) }.joined())'")
        #expect(!search.query.contains("'") && search.query.split(separator: "&").count == 4)
    }

    @Test func theRowMustBeTheOneThatWasAskedFor() async throws {
        // A site that answers with something else than it was asked for.
        let bench = try CreatioBench { request, _ in
            request.filter == nil ? nil : Says.json(200, ["value": [.object(CreatioBench.ada)]])
        }
        let result = try await bench.contact(["external_id": "user-2"])
        #expect(result.payload["created"] == true)
        #expect(result.payload["remote_id"] != .string(CreatioBench.adaID))
    }

    @Test func anAddressLeadsToTheContactThatHasNoOtherID() async throws {
        let bench = try CreatioBench()
        var row = CreatioBench.ada
        row["UsrExternalId"] = ""
        bench.site.add("Contact", row)
        let result = try await bench.contact(["email": "ADA@example.test", "external_id": "user-9"])
        #expect(result.payload == ["remote_id": .string(CreatioBench.adaID), "created": false])
        #expect(bench.site.rows("Contact").first?["UsrExternalId"] == "user-9")
    }

    @Test func anAddressOfSomebodyElseMakesANewContact() async throws {
        let bench = try CreatioBench()
        bench.site.add("Contact", CreatioBench.ada)
        let result = try await bench.contact(["email": "ada@example.test", "external_id": "user-2"])
        #expect(result.payload["created"] == true)
        #expect(result.warnings.map { $0["code"] } == ["creatio.shared_address"])
        #expect(bench.site.rows("Contact").count == 2)
    }

    @Test func ofSeveralContactsTheOldestIsTaken() async throws {
        let bench = try CreatioBench()
        bench.site.add("Contact", ["Id": .string(CreatioBench.adaID), "Email": "ada@example.test"])
        bench.site.add("Contact", ["Id": "00000000-0000-4000-8000-000000000001", "Email": "ada@example.test"])
        let result = try await bench.contact(["email": "ada@example.test", "title": "CTO"])
        #expect(result.payload["remote_id"] == .string(CreatioBench.adaID))
        #expect(result.warnings.map { $0["code"] } == ["creatio.several_contacts"])
    }

    @Test func aFurtherAddressLeadsToItsContact() async throws {
        let bench = try CreatioBench()
        bench.site.add("Contact", CreatioBench.ada)
        bench.site.add("ContactCommunication", ["Id": "1", "Number": "ada@home.test", "ContactId": .string(CreatioBench.adaID)])
        #expect(try await bench.contact(["email": "ada@home.test"]).payload["remote_id"] == .string(CreatioBench.adaID))
        let titled = try await bench.contact(["email": "ada@home.test", "title": "CTO"])
        #expect(titled.warnings.map { $0["code"] } == ["creatio.primary_address_kept"])
        #expect(bench.site.rows("Contact").first?["Email"] == "ada@example.test")
        #expect(bench.site.rows("Contact").first?["JobTitle"] == "CTO")
        let without = try await bench.contact(["email": "ada@home.test"], settings: ["search_communications": false])
        #expect(without.payload["created"] == true)

        let shared = try CreatioBench()
        shared.site.add("Contact", CreatioBench.ada)
        for owner in [CreatioBench.adaID, "00000000-0000-4000-8000-000000000001"] {
            shared.site.add("ContactCommunication", ["Id": "1", "Number": "info@home.test", "ContactId": .string(owner)])
        }
        #expect(try await shared.contact(["email": "info@home.test"]).payload["created"] == true)
    }

    @Test func aListThatMayNotBeReadIsDoneWithout() async throws {
        let bench = try CreatioBench { request, _ in request.path.hasSuffix("ContactCommunication") ? Says.odata(403) : nil }
        #expect(try await bench.contact(["email": "ada@example.test"]).status == CRM_STATUS_OK)
        #expect(try await bench.contact(["email": "bob@example.test"]).status == CRM_STATUS_OK)
        // Once refused, it is not asked for again.
        #expect(bench.calls.count { $0.path.hasSuffix("ContactCommunication") } == 1)
        #expect(bench.site.logins == 1)
    }

    @Test func aPhoneAloneIsEnough() async throws {
        let bench = try CreatioBench()
        let first = try await bench.contact(["phone": "+390612345678"])
        #expect(bench.site.rows("Contact").first?["Name"] == "+390612345678")
        let second = try await bench.contact(["phone": "+390612345678", "title": "CTO"])
        #expect(second.payload == ["remote_id": first.payload["remote_id"] ?? .null, "created": false])
        #expect(try await bench.contact(["first_name": "Ada"]).code == "creatio.no_identifier")
    }

    @Test func fiftyAtOnceMakeOneContact() async throws {
        let bench = try CreatioBench()
        let running = (0..<50).map { number in
            bench.provider.start(
                FakeCall(
                    CRM_OP_CREATE_OR_UPDATE_CONTACT,
                    ["contact": ["email": "ada@example.test", "external_id": "user-1", "title": .string("T\(number)")]],
                    credentials: CreatioBench.user))
        }
        var ids: Set<JSONValue> = []
        for operation in running {
            let result = await operation.result
            #expect(result.status == CRM_STATUS_OK)
            ids.insert(result.payload["remote_id"] ?? .null)
        }
        #expect(ids.count == 1)
        #expect(bench.site.rows("Contact").count == 1)
        await bench.expectEachEndedOnce()
    }

    @Test func theIDFollowsFromTheConnectionAndThePerson() async throws {
        let ids = try await [("account-1", "user-1"), ("account-1", "user-2"), ("account-2", "user-1"), ("account-1", "user-1")]
            .asyncMap { account, externalID in
                let bench = try CreatioBench()
                var call = FakeCall(
                    CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": ["external_id": .string(externalID)]], credentials: CreatioBench.user)
                call.account = account
                return await bench.provider.run(call).payload["remote_id"]?.stringValue
            }
        #expect(Set(ids).count == 3 && ids[0] == ids[3])
        // RFC 9562: a name-based id with SHA-1.
        #expect(ids.allSatisfy { $0?.dropFirst(14).first == "5" })
    }
}

// MARK: - Trouble

extension ContactTests {
    @Test func aSiteWithoutTheColumnKnowsContactsByAddress() async throws {
        let bench = try CreatioBench()
        bench.site.state.withLock { $0.missingColumns = ["Contact.UsrExternalId"] }
        let first = try await bench.contact(["email": "ada@example.test", "external_id": "user-1"])
        #expect(first.payload["created"] == true)
        #expect(first.warnings.map { $0["code"] } == ["creatio.no_external_id_column"])
        #expect(bench.site.rows("Contact").first?["UsrExternalId"] == nil)
        let second = try await bench.contact(["email": "ada@example.test", "external_id": "user-1", "title": "CTO"])
        #expect(second.payload["created"] == false)
        #expect(second.warnings.map { $0["code"] } == ["creatio.no_external_id_column"])
        // What is missing is asked for once, not each time.
        #expect(bench.calls.count { $0.filter?.contains("UsrExternalId") == true } == 1)
        let alone = try await bench.contact(["external_id": "user-1"])
        #expect(alone.status == CRM_STATUS_INVALID_ARGUMENT && alone.code == "creatio.no_external_id_column")
    }

    @Test func theMerchantNamesAnotherColumn() async throws {
        let bench = try CreatioBench()
        let settings: JSONValue = ["fields": ["external_id": "UsrShopId", "city": "UsrCityName"]]
        _ = try await bench.contact(["external_id": "user-1", "address": ["city": "Rome"]], settings: settings)
        let row = try #require(bench.site.rows("Contact").first)
        #expect(row["UsrShopId"] == "user-1" && row["UsrCityName"] == "Rome" && row["CityId"] == nil)
    }

    @Test(arguments: ["Usr Plan", "Id", "a,b", "1a", "", "X'", "é", "A/B"]) func aSettingThatIsNoNameIsRefused(_ name: String) async throws
    {
        let bench = try CreatioBench()
        let result = try await bench.contact(["email": "ada@example.test"], settings: ["properties": ["plan": .string(name)]])
        #expect(result.status == CRM_STATUS_INVALID_ARGUMENT && result.code == "creatio.bad_setting")
        #expect(bench.host.http.requests.isEmpty)
    }

    @Test func aColumnThatIsMissingCostsItselfOnly() async throws {
        let bench = try CreatioBench()
        bench.site.state.withLock { $0.missingColumns = ["Contact.UsrPlan"] }
        let settings: JSONValue = ["properties": ["plan": "UsrPlan"]]
        let result = try await bench.contact(["email": "ada@example.test", "properties": ["plan": "pro"]], settings: settings)
        #expect(result.payload["created"] == true)
        #expect(result.warnings.map { $0["code"] } == ["creatio.unknown_column"])
        #expect(result.warnings.map { $0["field"] } == ["properties.plan"])
        // OData names a column before it inserts anything, so there is nothing to look for.
        #expect(bench.calls.map(\.call).drop { $0 != "POST Contact" } == ["POST Contact", "POST Contact"])
        let update = try await bench.contact(["email": "ada@example.test", "properties": ["plan": "pro"]], settings: settings)
        #expect(update.payload["created"] == false)
        #expect(update.warnings.map { $0["field"] } == ["properties.plan"])
        // What the site does not have is not sent to it again.
        #expect(bench.calls.last?.json == ["Email": "ada@example.test"])
    }

    @Test func sixMissingColumnsAreFoundOutOnce() async throws {
        let names = (0..<6).map { "UsrP\($0)" }
        let bench = try CreatioBench()
        bench.site.state.withLock { $0.missingColumns = Set(names.map { "Contact.\($0)" }) }
        let settings: JSONValue = ["properties": .object(JSONObject(names.map { ($0, .string($0)) }))]
        let properties = JSONValue.object(JSONObject(names.map { ($0, .string("x")) }))
        let first = try await bench.contact(["external_id": "u-1", "properties": properties], settings: settings)
        #expect(first.status == CRM_STATUS_OK && first.warnings.count == 6)
        #expect(bench.calls.count == 8)
        let second = try await bench.contact(["external_id": "u-2", "properties": properties], settings: settings)
        #expect(second.status == CRM_STATUS_OK && second.warnings.count == 6)
        #expect(bench.calls.count == 10)
    }

    @Test func anUpdateThatLeavesNothingIsARefusalWithoutWarnings() async throws {
        let bench = try CreatioBench { request, _ in
            request.method == "PATCH" ? Says.odata(400, "Column by path JobTitle not found in schema Contact.") : nil
        }
        bench.site.add("ContactCommunication", ["Id": "1", "Number": "ada@home.test", "ContactId": .string(CreatioBench.adaID)])
        bench.site.add("Contact", CreatioBench.ada)
        for _ in 0..<2 {
            let result = try await bench.contact(["email": "ada@home.test", "title": "CTO"])
            #expect(result.status == CRM_STATUS_INVALID_ARGUMENT && result.code == "creatio.unknown_column")
            #expect(!result.warnings.contains { $0["code"] == "creatio.unknown_column" })
        }
    }

    @Test func aReferenceToNothingCostsItselfOnly() async throws {
        for message in [
            #"23503: insert or update on table "Contact" violates foreign key constraint "FKContactCityId""#,
            #"The INSERT statement conflicted with the FOREIGN KEY constraint "FKx". The conflict occurred in table "dbo.City"."#,
        ] {
            let bench = try CreatioBench { request, _ in request.json["CityId"] == nil ? nil : Says.odata(500, message) }
            let result = try await bench.contact(["external_id": "user-1", "address": ["city": "Rome", "line1": "Via Roma 1"]])
            #expect(result.payload["created"] == true)
            #expect(result.warnings.map { $0["code"] } == ["creatio.unknown_reference"])
            #expect(bench.site.rows("Contact").first?["Address"] == "Via Roma 1")
        }
    }

    @Test func aSecondLineAloneIsNotWritten() async throws {
        let bench = try CreatioBench()
        var row = CreatioBench.ada
        row["Address"] = "Via Roma 1, int. 1"
        bench.site.add("Contact", row)
        let result = try await bench.contact(["external_id": "user-1", "title": "CTO", "address": ["line2": "int. 2"]])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["code"] } == ["creatio.partial_address"])
        #expect(bench.site.rows("Contact").first?["Address"] == "Via Roma 1, int. 1")
    }

    @Test func aValueThatTheSiteNamesCostsItselfOnly() async throws {
        let bench = try CreatioBench { request, _ in
            request.json["MobilePhone"] == nil ? nil : Says.odata(400, "The value of 'MobilePhone' is too long.")
        }
        let result = try await bench.contact(["email": "ada@example.test", "phone": "+39061234567800", "title": "CTO"])
        #expect(result.payload["created"] == true)
        #expect(result.warnings.map { $0["field"] } == ["phone"])
        #expect(bench.site.rows("Contact").first?["JobTitle"] == "CTO")
    }

    @Test func aValueThatTheSiteDoesNotNameCostsItselfOnly() async throws {
        let bench = try CreatioBench { request, _ in
            request.json["MobilePhone"] == nil ? nil : Says.odata(400, "String or binary data would be truncated.")
        }
        let contact: JSONValue = ["email": "ada@example.test", "phone": "+39061234567800", "title": "CTO", "last_name": "Lovelace"]
        let result = try await bench.contact(contact)
        #expect(result.payload["created"] == true)
        #expect(result.warnings.map { $0["field"] } == ["phone"])
        let row = try #require(bench.site.rows("Contact").first)
        #expect(row["JobTitle"] == "CTO" && row["Surname"] == "Lovelace" && row["MobilePhone"] == nil)
        let update = try await bench.contact(contact)
        #expect(update.payload["created"] == false && update.warnings.map { $0["field"] } == ["phone"])
    }

    @Test func aRecordThatIsRefusedWholeIsAnError() async throws {
        let bench = try CreatioBench { request, _ in ["POST", "PATCH"].contains(request.method) && request.isData ? Says.odata(400) : nil }
        let result = try await bench.contact(["email": "ada@example.test", "title": "CTO"])
        #expect(result.status == CRM_STATUS_INVALID_ARGUMENT && result.code == "creatio.invalid")
        bench.site.add("Contact", CreatioBench.ada)
        #expect(try await bench.contact(["email": "ada@example.test", "title": "CTO"]).status == CRM_STATUS_INVALID_ARGUMENT)
    }

    static let doubts: [FakeHTTP.Reply] = [
        Says.odata(500), Says.exception(500), Says.exception(200), Says.html(502), Says.html(504), .status(503), Says.json(200, [:]),
        Says.html(200),
        .response(201, [("content-type", "application/json")], Array("{\"Id\":".utf8)), .failure(CRM_HTTP_ERROR_RESET),
        .failure(CRM_HTTP_ERROR_TIMEOUT),
    ]

    @Test(arguments: doubts) func anInsertThatHappenedInSpiteOfItsErrorIsNotRepeated(_ reply: FakeHTTP.Reply) async throws {
        let bench = try CreatioBench { request, site in
            guard request.call == "POST Contact" else { return nil }
            _ = site.perform(request)
            return reply
        }
        let result = try await bench.contact(["email": "ada@example.test", "external_id": "user-1", "title": "CTO"])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.payload["created"] == .null)
        #expect(bench.calls.count { $0.method == "POST" } == 1)
        #expect(bench.calls.last?.call == "GET Contact(\(result.payload["remote_id"]?.stringValue ?? ""))")
        #expect(bench.site.rows("Contact").count == 1)
    }

    @Test(arguments: doubts) func anInsertThatDidNotHappenIsLeftToTheHost(_ reply: FakeHTTP.Reply) async throws {
        let bench = try CreatioBench { request, _ in request.call == "POST Contact" ? reply : nil }
        let result = try await bench.contact(["email": "ada@example.test", "external_id": "user-1"])
        #expect(result.flags == CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS)
        #expect(bench.calls.count { $0.method == "POST" } == 1)
        #expect(bench.site.rows("Contact").isEmpty)
    }

    @Test func aTwinThatWasMadeMeanwhileIsUpdated() async throws {
        let bench = try CreatioBench { request, site in
            guard request.call == "POST Contact", let id = request.json["Id"] else { return nil }
            site.add("Contact", ["Id": id, "Email": "ada@example.test"])
            return nil
        }
        let result = try await bench.contact(["email": "ada@example.test", "title": "CTO"])
        #expect(result.payload["created"] == false)
        #expect(bench.site.rows("Contact").count == 1)
        #expect(bench.site.rows("Contact").first?["JobTitle"] == "CTO")
    }

    @Test func aSiteThatChoosesItsOwnIDsIsBelieved() async throws {
        let bench = try CreatioBench { request, site in
            guard request.call == "POST Contact", case .object(var row) = request.json else { return nil }
            row["Id"] = .string(CreatioBench.adaID)
            site.add("Contact", row)
            return site.rows("Contact").count == 1 ? Says.json(201, .object(row)) : Says.odata(500)
        }
        #expect(
            try await bench.contact(["external_id": "user-1"]).payload == [
                "remote_id": .string(CreatioBench.adaID), "created": true,
                "warnings": [
                    [
                        "code": "creatio.id_not_kept", "field": "remote_id",
                        "detail":
                            "Creatio gave this record of Contact an id of its own: after an insert whose answer is lost a second one may follow",
                    ]
                ],
            ])
    }

    @Test func aContactThatVanishesIsTriedAgainLater() async throws {
        let bench = try CreatioBench { request, _ in request.method == "PATCH" ? Says.odata(404) : nil }
        bench.site.add("Contact", CreatioBench.ada)
        let result = try await bench.contact(["external_id": "user-1", "title": "CTO"])
        #expect(result.status == CRM_STATUS_UNAVAILABLE && result.flags == CRM_RESULT_RETRYABLE)
    }

    @Test func lookupsAreAskedForOnce() async throws {
        let bench = try CreatioBench()
        for number in 0..<3 {
            let result = try await bench.contact(["external_id": .string("u\(number)"), "address": ["city": "Rome", "region": "Lazio"]])
            #expect(result.warnings.map { $0["field"] } == ["address.region"])
        }
        #expect(bench.calls.count { $0.path.hasSuffix("/City") } == 1)
        #expect(bench.calls.count { $0.path.hasSuffix("/Region") } == 1)
    }

    @Test func aRoutineConsentDoesNotUndoAnObjection() async throws {
        let contact: JSONValue = [
            "external_id": "user-1", "title": "CTO",
            "consent": ["email_marketing": ["state": "granted"], "sms_marketing": ["state": "withdrawn"]],
        ]
        var row = CreatioBench.ada
        row["DoNotUseEmail"] = true
        let bench = try CreatioBench()
        bench.site.add("Contact", row)
        let result = try await bench.contact(contact)
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["code"] } == ["creatio.withdrawal_kept"])
        #expect(result.warnings.map { $0["field"] } == ["consent.email_marketing"])
        let batch = try await bench.batch((0..<2).map { ["kind": "contact", "idempotency_key": .string("k\($0)"), "contact": contact] })
        #expect(
            batch.payload["items"]?.arrayValue?.allSatisfy { $0["warnings"]?.arrayValue?.first?["code"] == "creatio.withdrawal_kept" }
                == true)
        let kept = try #require(bench.site.rows("Contact").first)
        #expect(kept["DoNotUseEmail"] == true && kept["DoNotUseSms"] == true && kept["JobTitle"] == "CTO")
        // A contact that somebody else made at the same moment is one that is there.
        let race = try CreatioBench { request, site in
            guard request.call == "POST Contact", let id = request.json["Id"] else { return nil }
            site.add("Contact", ["Id": id, "UsrExternalId": "user-1", "DoNotUseEmail": true])
            return nil
        }
        #expect(try await race.contact(contact).warnings.map { $0["code"] } == ["creatio.withdrawal_kept"])
        #expect(race.site.rows("Contact").first?["DoNotUseEmail"] == true)
        let allowed = try await bench.contact(contact, settings: ["overwrite_opt_out": true])
        #expect(allowed.warnings.isEmpty)
        #expect(bench.site.rows("Contact").first?["DoNotUseEmail"] == false)
    }

    @Test func whatConsentLosesIsSaid() async throws {
        let bench = try CreatioBench()
        let result = try await bench.contact([
            "email": "ada@example.test",
            "consent": ["email_marketing": ["state": "withdrawn", "at": "2026-11-01T10:00:00Z", "source": "shop"]],
        ])
        #expect(result.warnings.map { $0["code"] } == ["creatio.consent_details"])
        #expect(bench.site.rows("Contact").first?["DoNotUseEmail"] == true)
    }
}

extension Array {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
