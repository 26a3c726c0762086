import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct ContactTests {
    @Test func everyFieldTakesItsPlaceInTheImport() async throws {
        let bench = try KlaviyoBench { _ in Answer.profile(201) }
        let result = try await bench.contact([
            "email": "ada@example.test", "phone": "+390612345678", "external_id": "user-1", "first_name": "Ada",
            "last_name": "Lovelace", "organization": "Acme", "title": "Engineer", "locale": "it-IT",
            "address": [
                "line1": "Via Roma 1", "line2": "int. 2", "city": "Rome", "region": "RM", "country": "Italy", "postal_code": "00100",
            ],
            "properties": ["plan": "pro", "tags": ["a", "b"]], "something_new": 1,
        ])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.payload == ["remote_id": "01HZX0000000000000000000AA", "created": true])

        let request = try #require(bench.host.http.requests.first)
        #expect(bench.host.http.requests.count == 1)
        #expect(request.method == "POST")
        #expect(request.url == "https://a.klaviyo.com/api/profile-import")
        #expect(request.route == "POST /api/profile-import")
        #expect(
            request.headers == [
                FakeHTTP.Header("Authorization", "Klaviyo-API-Key pk_0123456789abcdefghijklmnopqrstuvwx", isSensitive: true),
                FakeHTTP.Header("revision", "2026-10-15"),
                FakeHTTP.Header("Accept", "application/vnd.api+json"),
                FakeHTTP.Header("Content-Type", "application/vnd.api+json"),
            ])
        #expect(
            request.bodyText == """
                {"data":{"type":"profile","attributes":{"email":"ada@example.test","phone_number":"+390612345678",\
                "external_id":"user-1","first_name":"Ada","last_name":"Lovelace","organization":"Acme","title":"Engineer",\
                "locale":"it-IT","location":{"address1":"Via Roma 1","address2":"int. 2","city":"Rome","region":"RM",\
                "country":"Italy","zip":"00100"},"properties":{"plan":"pro","tags":["a","b"]}}}}
                """)
        await bench.expectEachEndedOnce()
    }

    @Test func whatWasNotSaidIsNotSent() async throws {
        let bench = try KlaviyoBench { _ in Answer.profile(200) }
        let result = try await bench.contact(["email": "ada@example.test", "phone": .null, "address": [:], "first_name": .null])
        #expect(result.payload["created"] == false)
        #expect(bench.host.http.requests.map(\.bodyText) == [#"{"data":{"type":"profile","attributes":{"email":"ada@example.test"}}}"#])
    }

    @Test func anUpdateOfAProfileThatSharesItsPhoneLeavesThePhoneOut() async throws {
        let bench = try KlaviyoBench { request in
            request.json["data"]?["attributes"]?["phone_number"] == nil ? Answer.profile(200) : Answer.duplicate
        }
        let result = try await bench.contact(["email": "ada@example.test", "phone": "+390612345678", "first_name": "Ada"])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["code"] } == ["klaviyo.duplicate_profile"])
        #expect(result.warnings.map { $0["field"] } == ["phone"])
        #expect(
            bench.host.http.requests.map(\.bodyText) == [
                #"{"data":{"type":"profile","attributes":{"email":"ada@example.test","phone_number":"+390612345678","first_name":"Ada"}}}"#,
                #"{"data":{"type":"profile","attributes":{"email":"ada@example.test","first_name":"Ada"}}}"#,
            ])
    }

    @Test func theExternalIDOutranksTheAddress() async throws {
        let bench = try KlaviyoBench { request in
            request.json["data"]?["attributes"]?["email"] == nil ? Answer.profile(200) : Answer.duplicate
        }
        let result = try await bench.contact(["email": "ada@example.test", "external_id": "user-1"])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["field"] } == ["email"])
        #expect(bench.host.http.requests.last?.json["data"]?["attributes"] == ["external_id": "user-1"])
    }

    @Test func ofThreeIdentifiersOnlyTheOneInConflictIsLeftOut() async throws {
        let bench = try KlaviyoBench { request in
            request.json["data"]?["attributes"]?["email"] == nil ? Answer.profile(200) : Answer.duplicate
        }
        let result = try await bench.contact(["email": "ada@example.test", "external_id": "user-1", "phone": "+390612345678"])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["field"] } == ["email"])
        #expect(result.warnings.first?["detail"]?.stringValue?.contains("01HZX0000000000000000000BB") == true)
        #expect(
            bench.host.http.requests.map { $0.json["data"]?["attributes"] } == [
                ["email": "ada@example.test", "external_id": "user-1", "phone_number": "+390612345678"],
                ["email": "ada@example.test", "external_id": "user-1"],
                ["external_id": "user-1", "phone_number": "+390612345678"],
            ])
    }

    @Test func theIdentifierThatKlaviyoNamesIsLeftOutFirst() async throws {
        let bench = try KlaviyoBench { request in
            request.json["data"]?["attributes"]?["email"] == nil
                ? Answer.profile(200) : Answer.error(409, "duplicate_profile", pointer: "/data/attributes/email")
        }
        let result = try await bench.contact(["email": "ada@example.test", "external_id": "user-1", "phone": "+390612345678"])
        #expect(result.warnings.map { $0["field"] } == ["email"])
        #expect(bench.host.http.requests.count == 2)
    }

    @Test func aConflictThatStaysIsReportedWhenAllThatIsWeakerWasLeftOut() async throws {
        let bench = try KlaviyoBench { _ in Answer.duplicate }
        let result = try await bench.contact(["email": "ada@example.test", "external_id": "user-1", "phone": "+390612345678"])
        #expect(result.status == CRM_STATUS_CONFLICT)
        #expect(result.code == "klaviyo.duplicate_profile")
        #expect(result.flags == 0)
        #expect(result.payload["details"]?["duplicate_profile_id"] == "01HZX0000000000000000000BB")
        #expect(bench.host.http.requests.count == 4)
        #expect(bench.host.http.requests.last?.json["data"]?["attributes"] == ["external_id": "user-1"])
    }

    @Test func theOnlyIdentifierIsNeverLeftOut() async throws {
        let conflicting = try KlaviyoBench { _ in Answer.duplicate }
        #expect(try await conflicting.contact(["email": "ada@example.test"]).status == CRM_STATUS_CONFLICT)
        #expect(conflicting.host.http.requests.count == 1)

        let refusing = try KlaviyoBench { _ in Answer.error(400, "invalid", pointer: "/data/attributes/phone_number") }
        #expect(try await refusing.contact(["phone": "+390612345678"]).status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(refusing.host.http.requests.count == 1)
    }

    @Test func aRefusedPhoneDoesNotCostTheContact() async throws {
        let bench = try KlaviyoBench { request in
            request.json["data"]?["attributes"]?["phone_number"] == nil
                ? Answer.profile(201) : Answer.error(400, "invalid", pointer: "/data/attributes/phone_number")
        }
        let result = try await bench.contact(["email": "ada@example.test", "phone": "+390000000000"])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["code"] } == ["klaviyo.invalid"])
        #expect(result.warnings.map { $0["field"] } == ["phone"])
        #expect(bench.host.http.requests.count == 2)
    }

    @Test func aRefusedPhoneAndThenAConflictAreEachResolvedOnce() async throws {
        let bench = try KlaviyoBench { request in
            let sent = request.json["data"]?["attributes"]
            if sent?["phone_number"] != nil { return Answer.error(400, "invalid", pointer: "/data/attributes/phone_number") }
            return sent?["email"] == nil ? Answer.profile(200) : Answer.duplicate
        }
        let result = try await bench.contact(["email": "ada@example.test", "external_id": "user-1", "phone": "+390000000000"])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["field"] } == ["phone", "email"])
        #expect(bench.host.http.requests.count == 3)
    }

    @Test func anyFieldThatKlaviyoNamesIsLeftOut() async throws {
        let bench = try KlaviyoBench { request in
            let sent = request.json["data"]?["attributes"]
            let refused = [
                (sent?["locale"], "locale"), (sent?["location"]?["zip"], "location/zip"), (sent?["properties"]?["a/b"], "properties/a~1b"),
            ]
            for (value, path) in refused where value != nil {
                return Answer.error(400, "invalid", pointer: "/data/attributes/\(path)")
            }
            return Answer.profile(201)
        }
        let result = try await bench.contact([
            "email": "ada@example.test", "locale": "?", "address": ["city": "Rome", "postal_code": "?"], "properties": ["a/b": 1],
        ])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["field"] } == ["locale", "address.postal_code", "properties.a/b"])
        #expect(
            bench.host.http.requests.last?.json["data"]?["attributes"] == ["email": "ada@example.test", "location": ["city": "Rome"]])
    }

    @Test func anErrorAboutNoFieldIsNotRetried() async throws {
        let bench = try KlaviyoBench { _ in Answer.error(400, "invalid", pointer: "/data/attributes") }
        let result = try await bench.contact(["email": "ada@example", "phone": "+390612345678"])
        #expect(result.status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(result.payload["details"]?["pointer"] == "/data/attributes")
        #expect(bench.host.http.requests.count == 1)
    }

    @Test func nobodyIsRefusedBeforeACall() async throws {
        let bench = try KlaviyoBench { _ in Answer.profile() }
        let result = try await bench.contact(["first_name": "Ada", "email": ""])
        #expect(result.status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(result.code == "klaviyo.no_identifier")
        #expect(bench.host.http.requests.isEmpty)
    }

    @Test func anAnswerWithoutAnIDIsAmbiguous() async throws {
        let bench = try KlaviyoBench { _ in .response(200, [("content-type", "text/html")], Array("<html>".utf8)) }
        let result = try await bench.contact(["email": "ada@example.test"])
        #expect(result.status == CRM_STATUS_UPSTREAM)
        #expect(result.code == "klaviyo.unreadable_answer")
        #expect(result.flags == CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS)
    }
}
