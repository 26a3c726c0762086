import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct ContactTests {
    private static let ada: JSONValue = [
        "external_id": "user-1", "email": "ada@example.test", "phone": "+390612345678", "first_name": "Ada", "last_name": "Lovelace",
        "title": "Engineer", "locale": "it-IT",
        "address": [
            "line1": "Via Roma 1", "line2": "int. 2", "city": "Rome", "region": "RM", "country": "Italy", "postal_code": "00100",
        ],
        "consent": ["email_marketing": ["state": "granted"]], "properties": ["plan": "pro", "score": 7, "vip": true],
    ]
    private static let settings: JSONValue = ["properties": ["plan": "Plan__c", "score": "Score__c", "vip": "Vip__c"]]

    @Test func everyFieldTakesItsPlaceInTheUpsert() async throws {
        let bench = try SalesforceBench(settings: Self.settings) { $0.method == "PATCH" ? Answer.upserted(200) : nil }
        let result = try await bench.contact(Self.ada)
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.payload["remote_id"] == "003000000000001AAA" && result.payload["created"] == false)
        #expect(result.warnings.map { $0["code"] } == ["salesforce.withdrawal_kept"])
        let request = try #require(bench.sent.first)
        #expect(bench.sent.count == 1)
        #expect(request.line == "PATCH /sobjects/Contact/External_Id__c/user-1?updateOnly=true")
        #expect(
            request.headers == [
                .init("Authorization", "Bearer 00D000000000001!AQ.session", isSensitive: true), .init("Accept", "application/json"),
                .init("Content-Type", "application/json"), .init("Sforce-Duplicate-Rule-Header", "allowSave=true"),
            ])
        #expect(
            request.bodyText == """
                {"FirstName":"Ada","LastName":"Lovelace","Email":"ada@example.test","MobilePhone":"+390612345678","Title":"Engineer",\
                "Locale__c":"it-IT","MailingStreet":"Via Roma 1\\nint. 2","MailingCity":"Rome","MailingState":"RM",\
                "MailingPostalCode":"00100","MailingCountry":"Italy","Plan__c":"pro","Score__c":7,\
                "Vip__c":true}
                """)
        await bench.expectEachEndedOnce()
    }

    @Test func somebodyKnownByNothingButTheKeyTakesOneCall() async throws {
        let created = try SalesforceBench { $0.method == "PATCH" ? Answer.upserted(201) : nil }
        let result = try await created.contact(["external_id": "user/1?x=ö", "last_name": "Lovelace"])
        #expect(result.payload == ["remote_id": "003000000000001AAA", "created": true])
        #expect(created.sent.map(\.line) == ["PATCH /sobjects/Contact/External_Id__c/user%2F1%3Fx%3D%C3%B6"])
        #expect(created.sent.map(\.bodyText) == [#"{"LastName":"Lovelace"}"#])
    }

    @Test func aNewcomerIsLookedForByAddressOnce() async throws {
        let bench = try SalesforceBench { request in
            if request.url.hasSuffix("updateOnly=true") { return Answer.missing }
            return request.method == "GET" && !request.isDescribe ? Answer.rows() : request.method == "PATCH" ? Answer.upserted() : nil
        }
        let result = try await bench.contact(["external_id": "user-1", "email": "o'hara+1@example.test"])
        #expect(result.payload["created"] == true)
        #expect(
            bench.sent.map(\.line) == [
                "PATCH /sobjects/Contact/External_Id__c/user-1?updateOnly=true",
                "GET /query?q=SELECT%20Id%2CExternal_Id__c%20FROM%20Contact%20WHERE%20Email%20%3D%20%27o%5C%27hara%2B1%40example.test%27"
                    + "%20ORDER%20BY%20CreatedDate%20LIMIT%2020",
                "PATCH /sobjects/Contact/External_Id__c/user-1",
            ])
        #expect(bench.sent.last?.json == ["LastName": "o'hara+1", "Email": "o'hara+1@example.test"])
        #expect(result.warnings.map { $0["code"] } == ["salesforce.last_name_made_up"])
    }

    /// Somebody whom we knew by address only comes back with an external id: the record takes it.
    @Test(arguments: ["email:ada@example,test", nil]) func aRecordWithoutAKeyOfItsOwnTakesTheKey(_ key: String?) async throws {
        let bench = try SalesforceBench { request in
            if request.url.hasSuffix("updateOnly=true") { return Answer.missing }
            if request.method == "PATCH" { return .status(204) }
            return request.isDescribe || request.isLogin
                ? nil
                : Answer.rows(
                    ["Id": "003000000000009AAA", "External_Id__c": "somebody-else"],
                    ["Id": "003000000000002", "External_Id__c": .optional(key)])
        }
        let result = try await bench.contact(["external_id": "user-1", "email": "Ada@example.test", "last_name": "Lovelace"])
        #expect(result.payload == ["remote_id": "003000000000002AAA", "created": false])
        #expect(bench.sent.last?.line == "PATCH /sobjects/Contact/003000000000002")
        #expect(bench.sent.last?.json == ["LastName": "Lovelace", "Email": "Ada@example.test", "External_Id__c": "user-1"])
    }

    @Test func somebodyElsesRecordKeepsItsKey() async throws {
        let bench = try SalesforceBench { request in
            if request.url.hasSuffix("updateOnly=true") { return Answer.missing }
            if request.method == "PATCH" { return Answer.upserted() }
            return request.isDescribe || request.isLogin
                ? nil : Answer.rows(["Id": "003000000000009AAA", "External_Id__c": "somebody-else"])
        }
        #expect(try await bench.contact(["external_id": "user-1", "email": "ada@example.test"]).payload["created"] == true)
        #expect(bench.sent.last?.line == "PATCH /sobjects/Contact/External_Id__c/user-1")
    }

    @Test func anAddressAloneMakesTheKey() async throws {
        let bench = try SalesforceBench { request in
            request.method == "PATCH" ? Answer.upserted() : request.isDescribe || request.isLogin ? nil : Answer.rows()
        }
        let result = try await bench.contact(["email": "Ada@Example.test", "last_name": "Lovelace"])
        #expect(result.payload["created"] == true)
        #expect(
            bench.sent.map(\.line) == [
                "GET /query?q=SELECT%20Id%2CExternal_Id__c%20FROM%20Contact%20WHERE%20Email%20%3D%20%27Ada%40Example.test%27"
                    + "%20ORDER%20BY%20CreatedDate%20LIMIT%202",
                "PATCH /sobjects/Contact/External_Id__c/email%3Aada%40example%2Ctest",
            ])
        #expect(bench.sent.last?.json == ["LastName": "Lovelace", "Email": "Ada@Example.test"])
    }

    @Test func aPhoneAloneMakesTheKey() async throws {
        let bench = try SalesforceBench { request in
            request.method == "PATCH" ? Answer.upserted() : request.isDescribe || request.isLogin ? nil : Answer.rows()
        }
        _ = try await bench.contact(["phone": "+390612345678"])
        #expect(bench.sent.last?.line == "PATCH /sobjects/Contact/External_Id__c/phone%3A%2B390612345678")
        #expect(bench.sent.last?.json == ["LastName": "+390612345678", "MobilePhone": "+390612345678"])
    }

    @Test func whoIsFoundByAddressIsUpdatedByID() async throws {
        let bench = try SalesforceBench { request in
            if request.method == "PATCH" { return .status(204) }
            return request.isDescribe || request.isLogin ? nil : Answer.rows(["Id": "003000000000001AAA"], ["Id": "003000000000002AAA"])
        }
        let result = try await bench.contact(["email": "ada@example.test", "first_name": "Ada"])
        #expect(result.payload["remote_id"] == "003000000000001AAA" && result.payload["created"] == false)
        #expect(bench.sent.last?.line == "PATCH /sobjects/Contact/003000000000001AAA")
        // A last name that is there is not replaced by one that was made up.
        #expect(bench.sent.last?.json == ["FirstName": "Ada", "Email": "ada@example.test"])
        #expect(result.warnings.map { $0["code"] } == ["salesforce.several_contacts"])
    }

    @Test func theMerchantMayPreferToLookUpOnly() async throws {
        let bench = try SalesforceBench(settings: ["contacts_without_external_id": "look_up"]) { request in
            if request.method == "POST", !request.isLogin { return Answer.upserted() }
            return request.isDescribe || request.isLogin ? nil : Answer.rows()
        }
        #expect(try await bench.contact(["email": "ada@example.test"]).payload["created"] == true)
        #expect(bench.sent.last?.line == "POST /sobjects/Contact")
    }

    @Test func anOrgWithoutTheFieldIsServedByLookingFirst() async throws {
        let bench = try SalesforceBench(org: .plain) { request in
            if request.method == "POST", !request.isLogin { return Answer.upserted() }
            return request.isDescribe || request.isLogin ? nil : Answer.rows()
        }
        let result = try await bench.contact(["external_id": "user-1", "email": "ada@example.test", "last_name": "Lovelace"])
        #expect(result.payload["created"] == true)
        #expect(
            bench.sent.map(\.line) == [
                "GET /query?q=SELECT%20Id%20FROM%20Contact%20WHERE%20Email%20%3D%20%27ada%40example.test%27"
                    + "%20ORDER%20BY%20CreatedDate%20LIMIT%202", "POST /sobjects/Contact",
            ])
        #expect(bench.sent.last?.bodyText == #"{"LastName":"Lovelace","Email":"ada@example.test"}"#)
        #expect(result.warnings.map { $0["code"] } == ["salesforce.no_external_id_field"])
        let keyOnly = try await bench.contact(["external_id": "user-1"])
        #expect(keyOnly.status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(keyOnly.code == "salesforce.no_external_id_field")
    }

    @Test func thePlaceOfEachFieldIsTheMerchantsChoice() async throws {
        let bench = try SalesforceBench(
            settings: [
                "external_id_field": "Plan__c", "fields": ["phone": "Title", "organization": "Locale__c", "title": "FirstName"],
                "save_despite_duplicate_rules": false, "missing_last_name": "Unknown",
            ],
            org: Org(objects: ["Contact": Org.contact(custom: [Org.field("Plan__c", key: true), Org.field("Locale__c")])])
        ) { request in
            if request.url.hasSuffix("updateOnly=true") { return Answer.missing }
            return request.method == "PATCH" ? Answer.upserted() : request.isDescribe || request.isLogin ? nil : Answer.rows()
        }
        let result = try await bench.contact(["external_id": "u", "phone": "+3906", "organization": "Acme", "title": "Dr"])
        #expect(result.status == CRM_STATUS_OK)
        #expect(bench.sent.last?.line == "PATCH /sobjects/Contact/Plan__c/u")
        #expect(bench.sent.last?.json == ["Title": "+3906", "FirstName": "Dr", "Locale__c": "Acme", "LastName": "Unknown"])
        #expect(bench.sent.last?.header("Sforce-Duplicate-Rule-Header") == nil)
    }

    @Test(
        arguments: [
            ["external_id_field": "Id FROM User--"], ["properties": ["plan": "Plan__c,Secret__c"]], ["fields": ["email": "a/b"]],
            ["event_object": "../User"], ["fields": ["email": ""]], ["platform_event": "x?y"], ["task_external_id_field": "é"],
            ["event_fields": ["name": "1a"]],
        ] as [JSONValue]) func aNameThatIsNoNameNeverReachesSalesforce(_ settings: JSONValue) async throws
    {
        let bench = try SalesforceBench(settings: settings)
        let result = try await bench.contact(["external_id": "user-1"])
        #expect(result.status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(result.code == "salesforce.bad_setting")
        #expect(bench.host.http.requests.isEmpty)
    }
}

@Suite struct LeftOutTests {
    private static func bench(
        settings: JSONValue = [:], org: Org = .full, _ refuse: @escaping @Sendable (JSONValue) -> FakeHTTP.Reply?
    ) throws -> SalesforceBench {
        try SalesforceBench(settings: settings, org: org) { request in
            guard request.method == "PATCH" else { return nil }
            return refuse(request.json) ?? Answer.upserted(200)
        }
    }

    @Test func whatHasNoPlaceIsSaid() async throws {
        let bench = try Self.bench(settings: ["properties": ["gone": "Gone__c", "stamp": "LastModifiedDate"]]) { _ in nil }
        let result = try await bench.contact([
            "external_id": "user-1", "last_name": "L", "organization": "Acme", "properties": ["colour": "red", "gone": 1, "stamp": "x"],
            "consent": ["sms_marketing": ["state": "granted"], "email_marketing": ["state": "withdrawn", "at": "2026-11-01T10:00:00Z"]],
        ])
        #expect(result.status == CRM_STATUS_OK)
        #expect(
            result.warnings.map { "\($0["code"]?.stringValue ?? "") \($0["field"]?.stringValue ?? "")" } == [
                "salesforce.unmapped_field organization", "salesforce.unmapped_field consent.sms_marketing",
                "salesforce.consent_details_left_out consent.email_marketing", "salesforce.unmapped_property properties.colour",
                "salesforce.no_such_field properties.gone", "salesforce.field_not_writable properties.stamp",
            ])
        #expect(bench.sent.map(\.json) == [["LastName": "L", "HasOptedOutOfEmail": true]])
    }

    @Test func aFieldThatIsHiddenIsSaid() async throws {
        let org = Org(objects: ["Contact": Org.contact(without: ["HasOptedOutOfEmail", "Locale__c"])])
        let bench = try Self.bench(org: org) { _ in nil }
        let result = try await bench.contact([
            "external_id": "user-1", "last_name": "L", "locale": "it", "consent": ["email_marketing": ["state": "withdrawn"]],
        ])
        #expect(result.warnings.map { $0["field"] } == ["locale", "consent.email_marketing"])
        #expect(bench.sent.map(\.bodyText) == [#"{"LastName":"L"}"#])
    }

    @Test func valuesTakeTheTypeOfTheirField() async throws {
        let bench = try Self.bench(
            settings: [
                "properties": [
                    "plan": "Plan__c", "score": "Score__c", "vip": "Vip__c", "tags": "Tags__c", "seen": "Seen__c", "text": "Title",
                ]
            ]
        ) { _ in nil }
        let result = try await bench.contact([
            "external_id": "user-1", "last_name": "L",
            "properties": ["plan": 12, "score": "7.25", "vip": "true", "tags": ["a", "b"], "seen": "2026-11-01T10:00:00Z", "text": .null],
        ])
        #expect(result.warnings.isEmpty)
        #expect(
            bench.sent.first?.bodyText
                == #"{"LastName":"L","Plan__c":"12","Score__c":7.25,"Vip__c":true,"Tags__c":"a;b","Seen__c":"2026-11-01T10:00:00Z","Title":null}"#
        )
        let odd = try await bench.contact([
            "external_id": "user-1", "last_name": "L", "properties": ["score": "many", "vip": [1], "tags": ["a": 1], "seen": 5],
        ])
        #expect(odd.warnings.map { $0["code"] } == Array(repeating: "salesforce.invalid_value", count: 4))
        #expect(bench.sent.last?.bodyText == #"{"LastName":"L"}"#)
    }

    @Test func whatIsTooLongIsLeftOutAndNotCut() async throws {
        let bench = try Self.bench { _ in nil }
        let result = try await bench.contact([
            "external_id": "user-1", "last_name": "L", "first_name": .string(String(repeating: "é", count: 41)),
        ])
        #expect(result.warnings.map { $0["code"] } == ["salesforce.too_long"])
        #expect(bench.sent.first?.bodyText == #"{"LastName":"L"}"#)
        let key = try await bench.contact(["external_id": .string(String(repeating: "k", count: 61)), "last_name": "L"])
        #expect(key.status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(key.code == "salesforce.too_long")
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let code: String
        let message: String
        let fields: [String]?
        let warning: String
        var testDescription: String { "\(code) \(fields?.count ?? 0)" }

        init(_ code: String, _ message: String, _ fields: [String]?, _ warning: String) {
            self.code = code
            self.message = message
            self.fields = fields
            self.warning = "salesforce.\(warning)"
        }
    }

    static let rows = [
        Row("INVALID_EMAIL_ADDRESS", "Email: invalid email address: x", ["Email"], "invalid_email_address"),
        Row("STRING_TOO_LONG", "Email: data value too large", ["Email"], "too_long"),
        Row("INVALID_FIELD", "No such column 'Email' on sobject of type Contact", nil, "invalid_field"),
        Row("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: Email.", ["Email"], "field_not_writable"),
        Row("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field: x", ["Email"], "not_in_picklist"),
        Row("FIELD_CUSTOM_VALIDATION_EXCEPTION", "No such addresses here", ["email"], "validation_rule"),
        Row("FIELD_INTEGRITY_EXCEPTION", "There's a problem with this country", ["Email"], "invalid_value"),
    ]

    @Test(arguments: rows) func aRefusedFieldDoesNotCostTheContact(_ row: Row) async throws {
        let bench = try Self.bench { body in
            body["Email"] == nil ? nil : Answer.error(400, row.code, row.message, fields: row.fields)
        }
        let result = try await bench.contact(["external_id": "user-1", "email": "ada@example.test", "last_name": "L"])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["code"] } == [.string(row.warning)])
        #expect(result.warnings.map { $0["field"] } == ["email"])
        #expect(bench.sent.map(\.bodyText) == [#"{"LastName":"L","Email":"ada@example.test"}"#, #"{"LastName":"L"}"#])
        #expect(result.warnings.allSatisfy { !($0["detail"]?.stringValue ?? "ada@").contains("ada@") })
    }

    @Test func severalRefusedFieldsGoAtOnce() async throws {
        let bench = try Self.bench { body in
            guard body["MobilePhone"] != nil || body["Title"] != nil else { return nil }
            return Answer.json(
                400,
                [
                    ["message": "m", "errorCode": "STRING_TOO_LONG", "fields": ["MobilePhone"]],
                    ["message": "m", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": ["Title"]],
                ])
        }
        let result = try await bench.contact(["external_id": "user-1", "phone": "+3906", "title": "Dr", "last_name": "L"])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["field"] } == ["phone", "title"])
        #expect(bench.sent.count == 2)
    }

    @Test func theOnlyIdentifierIsNeverLeftOut() async throws {
        let bench = try SalesforceBench { request in
            if request.method == "PATCH" { return Answer.error(400, "INVALID_EMAIL_ADDRESS", "m", fields: ["Email"]) }
            return request.isDescribe || request.isLogin ? nil : Answer.rows()
        }
        let result = try await bench.contact(["email": "ada@example", "last_name": "L"])
        #expect(result.status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(result.message.hasSuffix(": Email"))
        #expect(bench.sent.count == 2)
    }

    @Test func anOrgThatRefusesEverythingIsGivenUp() async throws {
        let bench = try Self.bench { body in
            Answer.error(400, "STRING_TOO_LONG", "m", fields: [body.objectValue?.keys.first ?? "none"])
        }
        let result = try await bench.contact([
            "external_id": "user-1", "last_name": "L", "first_name": "A", "phone": "+3906", "title": "Dr", "locale": "it",
            "address": ["line1": "a", "city": "b", "region": "c", "country": "d", "postal_code": "e"],
        ])
        #expect(result.status == CRM_STATUS_INVALID_ARGUMENT)
        #expect((2...8).contains(bench.sent.count))
    }

    @Test func aRefusalThatNamesNothingOfOursIsFinal() async throws {
        let bench = try Self.bench { _ in Answer.error(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Nobody on Sundays", fields: []) }
        let result = try await bench.contact(["external_id": "user-1", "last_name": "L"])
        #expect(result.code == "salesforce.validation_rule")
        #expect(bench.sent.count == 1)
    }

    @Test func aMissingLastNameIsMadeUpForANewRecordOnly() async throws {
        let bench = try Self.bench { body in
            body["LastName"] == nil
                ? Answer.error(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", fields: ["LastName"]) : nil
        }
        let result = try await bench.contact(["external_id": "user-1", "first_name": "Ada", "last_name": ""])
        #expect(result.status == CRM_STATUS_OK)
        #expect(bench.sent.map(\.bodyText) == [#"{"FirstName":"Ada"}"#, #"{"FirstName":"Ada","LastName":"user-1"}"#])
        #expect(result.warnings.map { $0["code"] } == ["salesforce.last_name_made_up"])
    }

    @Test func anotherMissingFieldIsNamed() async throws {
        let bench = try Self.bench { _ in
            Answer.error(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Region__c]", fields: ["Region__c"])
        }
        let result = try await bench.contact(["external_id": "user-1"])
        #expect(result.code == "salesforce.required_field_missing")
        #expect(result.message.hasSuffix(": Region__c"))
        #expect(bench.sent.count == 1)
    }

    @Test func aKeyThatSomebodyElseJustMadeIsTriedOnceMore() async throws {
        let once = try SalesforceBench { request in
            guard request.method == "PATCH" else { return nil }
            return request.id == 3
                ? Answer.error(400, "DUPLICATE_VALUE", "duplicate value found: External_Id__c duplicates value on record with id: 003")
                : Answer.upserted(200)
        }
        #expect(try await once.contact(["external_id": "user-1", "last_name": "L"]).payload["created"] == false)
        #expect(once.sent.count == 2)
        let always = try Self.bench { _ in Answer.error(400, "DUPLICATE_VALUE", "duplicate value found") }
        let result = try await always.contact(["external_id": "user-1", "last_name": "L"])
        #expect(result.status == CRM_STATUS_CONFLICT)
        #expect(always.sent.count == 2)
    }

    @Test func anUpdateThatSaysNothingIsLookedUp() async throws {
        let bench = try SalesforceBench { request in
            if request.method == "PATCH" { return .status(204) }
            return request.isDescribe || request.isLogin ? nil : Answer.rows(["Id": "003000000000007AAA"])
        }
        let result = try await bench.contact(["external_id": "o'hara", "last_name": "L"])
        #expect(result.payload == ["remote_id": "003000000000007AAA", "created": false])
        #expect(
            bench.sent.last?.line
                == "GET /query?q=SELECT%20Id%20FROM%20Contact%20WHERE%20External_Id__c%20%3D%20%27o%5C%27hara%27%20LIMIT%201")
    }

    @Test func nobodyIsRefusedBeforeAWrite() async throws {
        let bench = try Self.bench { _ in nil }
        let result = try await bench.contact(["first_name": "Ada", "email": ""])
        #expect(result.code == "salesforce.no_identifier")
        #expect(bench.sent.isEmpty)
    }
}
