import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct LookUpTests {
    private static let profile: JSONValue = [
        "type": "profile", "id": "01HZX0000000000000000000AA",
        "attributes": [
            "email": "ada@example.test", "phone_number": "(212) 555-0100", "external_id": "user-1", "first_name": "Ada",
            "last_name": "Lovelace", "organization": .null, "title": "Engineer", "locale": "it-IT", "image": .null,
            "created": "2026-11-01T10:00:00+00:00", "updated": "2026-11-02T11:00:00+00:00",
            "location": ["address1": "Via Roma 1", "address2": .null, "city": "Rome", "zip": "00100", "latitude": "41.9"],
            "properties": ["plan": "pro"],
            "subscriptions": [
                "email": [
                    "marketing": [
                        "can_receive_email_marketing": true, "consent": "SUBSCRIBED", "consent_timestamp": "2026-01-01T00:00:00+00:00",
                        "method": "FORM",
                    ]
                ],
                "sms": ["marketing": ["can_receive_sms_marketing": false, "consent": "NEVER_SUBSCRIBED"]],
            ],
        ],
    ]
    private static let expected: JSONValue = [
        "contact": [
            "email": "ada@example.test", "external_id": "user-1", "phone": "(212) 555-0100", "first_name": "Ada",
            "last_name": "Lovelace", "title": "Engineer", "locale": "it-IT",
            "address": ["line1": "Via Roma 1", "city": "Rome", "postal_code": "00100"],
            "consent": ["email_marketing": ["state": "granted", "at": "2026-01-01T00:00:00Z", "source": "FORM"]],
            "properties": ["plan": "pro"],
        ],
        "remote_id": "01HZX0000000000000000000AA", "updated_at": "2026-11-02T11:00:00Z",
    ]

    @Test func byAddress() async throws {
        let bench = try KlaviyoBench { _ in .json(200, ["data": [Self.profile], "links": ["self": "https://a.klaviyo.com/x"]]) }
        let result = try await bench.lookUp(["email": "ada@example.test"])
        #expect(result.payload == Self.expected)
        let request = try #require(bench.host.http.requests.first)
        #expect(request.method == "GET")
        #expect(
            request.url
                == "https://a.klaviyo.com/api/profiles?additional-fields%5Bprofile%5D=subscriptions"
                + "&filter=equals%28email%2C%22ada%40example.test%22%29&page%5Bsize%5D=1")
        #expect(request.route == "GET /api/profiles")
        #expect(request.body.isEmpty)
        #expect(request.header("Content-Type") == nil)
    }

    @Test func byExternalIDWithEveryKindOfQuote() async throws {
        let bench = try KlaviyoBench { _ in .json(200, ["data": [Self.profile]]) }
        _ = try await bench.lookUp(["external_id": #"a"b\c),&x=1 é"#])
        #expect(
            bench.host.http.requests.first?.url
                == "https://a.klaviyo.com/api/profiles?additional-fields%5Bprofile%5D=subscriptions"
                + "&filter=equals%28external_id%2C%22a%5C%22b%5C%5Cc%29%2C%26x%3D1%20%C3%A9%22%29&page%5Bsize%5D=1")
    }

    @Test func byKlaviyosID() async throws {
        let bench = try KlaviyoBench { _ in .json(200, ["data": Self.profile]) }
        let result = try await bench.lookUp(["remote_id": "01HZX/../x"])
        #expect(result.payload == Self.expected)
        #expect(
            bench.host.http.requests.first?.url
                == "https://a.klaviyo.com/api/profiles/01HZX%2F..%2Fx?additional-fields%5Bprofile%5D=subscriptions")
        #expect(bench.host.http.requests.first?.route == "GET /api/profiles/{id}")
    }

    @Test(arguments: [".", ".."]) func anIDThatIsAnotherPathIsNobodys(_ id: String) async throws {
        let bench = try KlaviyoBench { _ in .json(200, ["data": Self.profile]) }
        #expect(try await bench.lookUp(["remote_id": .string(id)]).status == CRM_STATUS_NOT_FOUND)
        #expect(bench.host.http.requests.isEmpty)
    }

    @Test func nobodyIsNotFound() async throws {
        let empty = try KlaviyoBench { _ in .json(200, ["data": []]) }
        #expect(try await empty.lookUp(["email": "nobody@example.test"]).status == CRM_STATUS_NOT_FOUND)
        let missing = try KlaviyoBench { _ in Answer.error(404, "not_found") }
        #expect(try await missing.lookUp(["remote_id": "01HZX"]).status == CRM_STATUS_NOT_FOUND)
    }

    @Test func anAnswerThatCannotBeReadIsNotAmbiguous() async throws {
        let bench = try KlaviyoBench { _ in .json(200, ["data": "?"]) }
        let result = try await bench.lookUp(["email": "ada@example.test"])
        #expect(result.status == CRM_STATUS_UPSTREAM)
        #expect(result.flags == CRM_RESULT_RETRYABLE)
    }

    @Test func aQueryForNobodyIsRefused() async throws {
        let bench = try KlaviyoBench { _ in .json(200, ["data": []]) }
        #expect(try await bench.lookUp([:]).status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(bench.host.http.requests.isEmpty)
    }
}
