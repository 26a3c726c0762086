import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Synchronization
import Testing

/// What stands in Salesforce and must not be lost: opt-outs, other people's records, half of an address.
@Suite struct StandingRecordTests {
    private static func contact(_ more: JSONObject, consent state: String = "granted") -> JSONValue {
        var members = more
        members["last_name"] = "L"
        members["consent"] = ["email_marketing": ["state": .string(state)]]
        return .object(members)
    }

    @Test func aConsentDoesNotUndoAnOptOut() async throws {
        let bench = try SalesforceBench { $0.method == "PATCH" ? Answer.upserted(200) : nil }
        let granted = try await bench.contact(Self.contact(["external_id": "user-1"]))
        #expect(granted.warnings.map { $0["code"] } == ["salesforce.withdrawal_kept"])
        #expect(granted.warnings.map { $0["field"] } == ["consent.email_marketing"])
        let withdrawn = try await bench.contact(Self.contact(["external_id": "user-1"], consent: "withdrawn"))
        #expect(withdrawn.warnings.isEmpty)
        #expect(bench.sent.map(\.json) == [["LastName": "L"], ["LastName": "L", "HasOptedOutOfEmail": true]])
    }

    @Test func aNewRecordHasNoOptOutToKeep() async throws {
        let keyed = try SalesforceBench { $0.method == "PATCH" ? Answer.upserted(201) : nil }
        #expect(try await keyed.contact(Self.contact(["external_id": "user-1"])).warnings.isEmpty)
        #expect(keyed.sent.map(\.json) == [["LastName": "L"]])
        // Nothing but a new record can come of this call.
        let made = try SalesforceBench(settings: ["contacts_without_external_id": "look_up"]) { request in
            request.line == "POST /sobjects/Contact" ? Answer.upserted() : request.url.contains("/query?") ? Answer.rows() : nil
        }
        #expect(try await made.contact(Self.contact(["email": "a@example.test"])).warnings.isEmpty)
        #expect(made.sent.last?.json["HasOptedOutOfEmail"] == false)
    }

    @Test func theMerchantMayHaveConsentsOverwrite() async throws {
        let bench = try SalesforceBench(settings: ["overwrite_opt_out": true]) { $0.method == "PATCH" ? Answer.upserted(200) : nil }
        #expect(try await bench.contact(Self.contact(["external_id": "user-1"])).warnings.isEmpty)
        #expect(bench.sent.map(\.json) == [["LastName": "L", "HasOptedOutOfEmail": false]])
    }

    @Test func neitherDoesABatchUndoOptOuts() async throws {
        let bench = try SalesforceBench { request in
            guard request.url.contains("/composite/sobjects/") else { return nil }
            let rows = (request.json["records"]?.arrayValue ?? []).map { record -> JSONValue in
                ["id": .string(Answer.id), "success": true, "errors": [], "created": .bool(record["External_Id__c"] == "new")]
            }
            return Answer.json(200, .array(rows))
        }
        let result = try await bench.batch(
            [("old", "granted"), ("new", "granted"), ("gone", "withdrawn")].map { key, state in
                ["kind": "contact", "contact": Self.contact(["external_id": .string(key)], consent: state)]
            })
        #expect(
            bench.sent.first?.json["records"]?.arrayValue?.map { $0["HasOptedOutOfEmail"] } == [nil, nil, true])
        #expect(
            result.payload["items"]?.arrayValue?.map { $0["warnings"]?.arrayValue?.first?["code"] } == [
                "salesforce.withdrawal_kept", nil, nil,
            ])
    }

    /// Salesforce answers in its own spelling, whatever was asked.
    @Test func aNameInOtherCapitalsIsTheSameField() async throws {
        let bench = try SalesforceBench(settings: ["external_id_field": "external_id__C", "fields": ["email": "EMAIL"]]) { request in
            if request.url.hasSuffix("updateOnly=true") { return Answer.missing }
            if request.method == "PATCH" { return Answer.upserted() }
            return request.url.contains("/query?")
                ? Answer.rows(["Id": "003000000000009AAA", "External_Id__c": "somebody-else", "Email": "ada@example.test"]) : nil
        }
        let result = try await bench.contact(["external_id": "user-1", "email": "ada@example.test", "last_name": "L"])
        #expect(result.payload["created"] == true)
        #expect(bench.sent.last?.line == "PATCH /sobjects/Contact/External_Id__c/user-1")
        let batch = try SalesforceBench(settings: ["external_id_field": "external_id__C", "fields": ["email": "EMAIL"]]) { request in
            if request.url.contains("/composite/") { return Answer.json(200, [Answer.row()]) }
            return request.url.contains("/query?")
                ? Answer.rows(["Id": "003000000000009AAA", "External_Id__c": "somebody-else", "Email": "ada@example.test"]) : nil
        }
        _ = try await batch.batch([["kind": "contact", "contact": ["email": "ada@example.test", "last_name": "L"]]])
        #expect(batch.sent.last?.json["records"]?.arrayValue?.map { $0["External_Id__c"] } == ["somebody-else"])
    }

    /// Two external ids, one address, a record without a key: one takes it, the other becomes a record of its own.
    @Test func twoThatWantOneRecordDoNotBothGetIt() async throws {
        let key = Mutex<String?>(nil)
        let bench = try SalesforceBench { request in
            if request.url.hasSuffix("updateOnly=true") { return Answer.missing }
            if request.line == "PATCH /sobjects/Contact/003000000000002AAA" {
                key.withLock { $0 = request.json["External_Id__c"]?.stringValue }
                return .status(204)
            }
            if request.method == "PATCH" { return Answer.upserted(id: "003000000000003AAA") }
            guard request.url.contains("/query?") else { return nil }
            // Both looked before either wrote.
            let known: String? = request.url.contains("WHERE%20Id") ? key.withLock { $0 } : nil
            return Answer.rows(["Id": "003000000000002AAA", "External_Id__c": .optional(known)])
        }
        let running = ["a", "b"].map { key in
            bench.provider.start(
                bench.call(
                    CRM_OP_CREATE_OR_UPDATE_CONTACT,
                    ["contact": ["external_id": .string(key), "email": "ada@example.test", "last_name": "L"]]))
        }
        var ids: Set<String> = []
        for operation in running { ids.insert(await operation.result.payload["remote_id"]?.stringValue ?? "none") }
        #expect(ids == ["003000000000002AAA", "003000000000003AAA"])
        let taken = bench.sent.filter { $0.line == "PATCH /sobjects/Contact/003000000000002AAA" }
        #expect(taken.count == 1)
        #expect(taken.first?.header("Sforce-Duplicate-Rule-Header") == "allowSave=true")
    }

    /// Another host was faster: its key is read again before the record is taken.
    @Test func aRecordThatWasTakenMeanwhileIsLeft() async throws {
        let bench = try SalesforceBench { request in
            if request.url.hasSuffix("updateOnly=true") { return Answer.missing }
            if request.method == "PATCH" { return Answer.upserted() }
            guard request.url.contains("/query?") else { return nil }
            let known: String? = request.url.contains("WHERE%20Id") ? "somebody-else" : nil
            return Answer.rows(["Id": "003000000000002AAA", "External_Id__c": .optional(known)])
        }
        let result = try await bench.contact(["external_id": "user-1", "email": "ada@example.test", "last_name": "L"])
        #expect(result.payload["created"] == true)
        #expect(bench.sent.last?.line == "PATCH /sobjects/Contact/External_Id__c/user-1")
    }

    @Test func halfAStreetDoesNotReplaceAWholeOne() async throws {
        let bench = try SalesforceBench { $0.method == "PATCH" ? Answer.upserted(200) : nil }
        let result = try await bench.contact(["external_id": "user-1", "last_name": "L", "address": ["line2": "int. 2", "city": "Rome"]])
        #expect(result.warnings.map { $0["code"] } == ["salesforce.street_incomplete"])
        #expect(bench.sent.map(\.json) == [["LastName": "L", "MailingCity": "Rome"]])
    }

    @Test(arguments: ["shop.example.1", ".", ".."]) func aKeyWithADotGoesInTheBody(_ key: String) async throws {
        let bench = try SalesforceBench { request in
            request.method == "PATCH" ? Answer.json(200, [Answer.row()]) : request.url.contains("/query?") ? Answer.rows() : nil
        }
        let result = try await bench.contact(["external_id": .string(key), "email": "a@example.test", "last_name": "L"])
        #expect(result.payload == ["remote_id": "003000000000001AAA", "created": true])
        #expect(bench.sent.last?.line == "PATCH /composite/sobjects/Contact/External_Id__c")
        #expect(
            bench.sent.last?.json["records"]?.arrayValue
                == [
                    [
                        "attributes": ["type": "Contact"], "External_Id__c": .string(key), "LastName": "L", "Email": "a@example.test",
                    ]
                ])
    }

    @Test func aKnownKeyWithADotIsUpdatedByItsID() async throws {
        let bench = try SalesforceBench { request in
            request.method == "PATCH" ? .status(204) : request.url.contains("/query?") ? Answer.rows(["Id": "003000000000005AAA"]) : nil
        }
        let result = try await bench.contact(["external_id": "a.b", "email": "a@example.test"])
        #expect(result.payload == ["remote_id": "003000000000005AAA", "created": false])
        #expect(bench.sent.map(\.method) == ["GET", "PATCH"])
    }
}
