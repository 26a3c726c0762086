import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct LookUpTests {
    private static let record: JSONValue = [
        "attributes": ["type": "Contact", "url": "/services/data/v68.0/sobjects/Contact/003000000000001AAA"], "Id": "003000000000001AAA",
        "LastModifiedDate": "2026-11-02T11:00:00.000+0000", "External_Id__c": "user-1", "FirstName": "Ada", "LastName": "Lovelace",
        "Email": "ada@example.test", "MobilePhone": "(212) 555-0100", "Title": .null, "Locale__c": "it-IT",
        "MailingStreet": "Via Roma 1\r\nint. 2", "MailingCity": "Rome", "MailingState": .null, "MailingPostalCode": "00100",
        "MailingCountry": "Italy", "HasOptedOutOfEmail": true, "Plan__c": "pro", "Seen__c": "2026-11-01T10:00:00.123+0000",
    ]
    private static let expected: JSONValue = [
        "contact": [
            "email": "ada@example.test", "external_id": "user-1", "phone": "(212) 555-0100", "first_name": "Ada",
            "last_name": "Lovelace", "locale": "it-IT",
            "address": ["line1": "Via Roma 1", "line2": "int. 2", "city": "Rome", "postal_code": "00100", "country": "Italy"],
            "consent": ["email_marketing": ["state": "withdrawn"]],
            "properties": ["plan": "pro", "seen": "2026-11-01T10:00:00.123Z"],
        ],
        "remote_id": "003000000000001AAA", "updated_at": "2026-11-02T11:00:00Z",
    ]
    private static let settings: JSONValue = ["properties": ["plan": "Plan__c", "seen": "Seen__c", "gone": "Gone__c"]]
    private static let fields =
        "SELECT%20Id%2CLastModifiedDate%2CExternal_Id__c%2CFirstName%2CLastName%2CEmail%2CMobilePhone%2CTitle%2CLocale__c%2CMailingStreet"
        + "%2CMailingCity%2CMailingState%2CMailingPostalCode%2CMailingCountry%2CHasOptedOutOfEmail%2CPlan__c%2CSeen__c%20FROM%20Contact%20WHERE%20"

    private static func bench(_ rows: JSONValue...) throws -> SalesforceBench {
        let answer = Answer.json(200, ["totalSize": .integer(rows.count), "done": true, "records": .array(rows)])
        return try SalesforceBench(settings: settings) { $0.url.contains("/query?") ? answer : nil }
    }

    @Test func byAddress() async throws {
        let bench = try Self.bench(Self.record)
        let result = try await bench.lookUp(["email": "o'hara+1@example.test"])
        #expect(result.payload == Self.expected)
        #expect(
            bench.sent.map(\.line) == [
                "GET /query?q=\(Self.fields)Email%20%3D%20%27o%5C%27hara%2B1%40example.test%27%20ORDER%20BY%20CreatedDate%20LIMIT%202"
            ])
        #expect(bench.sent.first?.route == "GET /query")
        #expect(bench.sent.first?.body.isEmpty == true)
        #expect(bench.sent.first?.header("Content-Type") == nil)
    }

    @Test func byExternalIDWithEveryKindOfQuote() async throws {
        let bench = try Self.bench(Self.record)
        _ = try await bench.lookUp(["external_id": "a\"b\\c' OR Id != '&x=1 é\n\t"])
        #expect(
            bench.sent.first?.line
                == "GET /query?q=\(Self.fields)External_Id__c%20%3D%20%27a%5C%22b%5C%5Cc%5C%27%20OR%20Id%20%21%3D%20%5C%27%26x%3D1%20%C3%A9%5Cn%5Ct%27"
                + "%20ORDER%20BY%20CreatedDate%20LIMIT%202")
    }

    @Test(arguments: ["003D000000QOhFq", "003D000000QOhFqIAL"]) func bySalesforcesIDInBothLengths(_ id: String) async throws {
        let bench = try Self.bench(Self.record)
        #expect(try await bench.lookUp(["remote_id": .string(id)]).payload == Self.expected)
        #expect(bench.sent.first?.line.contains("Id%20%3D%20%27003D000000QOhFqIAL%27") == true)
    }

    @Test(arguments: ["001D000000QOhFq", "003", "003D000000QOh'q", "003D000000QOhFq/..", "01HZX0000000000000000000AA"])
    func whatIsNoIDOfAContactIsNotAskedFor(_ id: String) async throws {
        let bench = try Self.bench(Self.record)
        #expect(try await bench.lookUp(["remote_id": .string(id)]).status == CRM_STATUS_NOT_FOUND)
        #expect(bench.sent.isEmpty)
    }

    @Test func aKeyThatWeMadeIsNobodysExternalID() async throws {
        var record = Self.record.objectValue ?? [:]
        record["External_Id__c"] = "email:ada@example,test"
        let bench = try Self.bench(.object(record))
        #expect(try await bench.lookUp(["email": "ada@example.test"]).payload["contact"]?["external_id"] == nil)
    }

    @Test func theOldestOfSeveralIsTaken() async throws {
        let bench = try Self.bench(Self.record, ["Id": "003000000000002AAA"])
        let result = try await bench.lookUp(["email": "ada@example.test"])
        #expect(result.payload["remote_id"] == "003000000000001AAA")
        #expect(result.warnings.map { $0["code"] } == ["salesforce.several_contacts"])
    }

    @Test func nobodyIsNotFound() async throws {
        let result = try await Self.bench().lookUp(["email": "nobody@example.test"])
        #expect(result.status == CRM_STATUS_NOT_FOUND)
        #expect(result.code == "salesforce.not_found")
    }

    @Test func anOrgWithoutTheFieldSaysSo() async throws {
        let bench = try SalesforceBench(org: .plain)
        let result = try await bench.lookUp(["external_id": "user-1"])
        #expect(result.status == CRM_STATUS_UNSUPPORTED)
        #expect(result.code == "salesforce.no_external_id_field")
    }

    @Test func aSecondPageIsReadFromAPathOfTheAPI() async throws {
        let bench = try SalesforceBench { request in
            if request.url.contains("/query?") {
                return Answer.json(
                    200, ["done": false, "nextRecordsUrl": "/services/data/v68.0/query/01gD0000002HU6KIAW-2000", "records": []])
            }
            return request.url.hasSuffix("/query/01gD0000002HU6KIAW-2000") ? Answer.rows(["Id": "003000000000001AAA"]) : nil
        }
        #expect(try await bench.lookUp(["email": "ada@example.test"]).payload["remote_id"] == "003000000000001AAA")
    }

    @Test(arguments: [
        "https://evil.test/services/data/v68.0/query/1", "//evil.test/x", "@evil.test", ".evil.test/services/data/v1",
        "/services/data/v68.0/../../x", "/services/data/v68.0/query/1?x=y", "/services/data/v68.0/query/1\r\nX: y",
    ]) func aNextPageElsewhereIsNotAskedFor(_ url: String) async throws {
        let bench = try SalesforceBench {
            $0.url.contains("/query?") ? Answer.json(200, ["done": false, "nextRecordsUrl": .string(url), "records": []]) : nil
        }
        let result = try await bench.lookUp(["email": "ada@example.test"])
        #expect(result.code == "salesforce.unreadable_answer")
        #expect(bench.sent.count == 1)
    }

    @Test func anAnswerThatCannotBeReadIsNotAmbiguous() async throws {
        let bench = try SalesforceBench { $0.url.contains("/query?") ? Answer.json(200, ["records": "?"]) : nil }
        let result = try await bench.lookUp(["email": "ada@example.test"])
        #expect(result.status == CRM_STATUS_UPSTREAM)
        #expect(result.flags == CRM_RESULT_RETRYABLE)
    }
}
