import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct ValidationTests {
    private static let account: JSONValue = [
        "data": [
            [
                "type": "account", "id": "AbC123",
                "attributes": [
                    "test_account": false,
                    "contact_information": ["organization_name": "Acme", "website_url": "https://acme.test", "street_address": [:]],
                ],
            ]
        ]
    ]

    private static func states(_ result: OperationResult) -> [String: String] {
        let permissions = result.payload["permissions"]?.arrayValue ?? []
        return Dictionary(
            uniqueKeysWithValues: permissions.map { ($0["capability"]?.stringValue ?? "", $0["state"]?.stringValue ?? "") })
    }

    private static func answer(_ request: FakeHTTP.Request) -> FakeHTTP.Reply {
        request.url.hasSuffix("/api/accounts") ? .json(200, account) : .json(200, ["data": []])
    }

    @Test func aGoodKeyShowsItsAccountAndWhatItMayRead() async throws {
        let bench = try KlaviyoBench(Self.answer)
        let result = try await bench.validate()
        #expect(result.payload["account"] == ["id": "AbC123", "name": "Acme", "url": "https://acme.test"])
        #expect(
            Self.states(result) == [
                "validate_credentials": "proven", "get_contact": "proven", "create_or_update_contact": "unknown", "send_event": "unknown",
                "batch": "unknown",
            ])
        #expect(bench.host.http.requests.map(\.method) == ["GET", "GET"])
        #expect(
            bench.host.http.requests.map(\.url) == [
                "https://a.klaviyo.com/api/accounts",
                "https://a.klaviyo.com/api/profiles?fields%5Bprofile%5D=id"
                    + "&filter=equals%28external_id%2C%22crm-service%20permission%20check%22%29&page%5Bsize%5D=1",
            ])
    }

    @Test func aGoodAnswerIsNotAskedForTwiceWithinAMinute() async throws {
        let bench = try KlaviyoBench(Self.answer)
        let first = try await bench.validate()
        #expect(try await bench.validate().payload == first.payload)
        #expect(bench.host.http.requests.count == 2)
        bench.host.timer.advance(by: 61_000_000_000)
        #expect(try await bench.validate().payload == first.payload)
        #expect(bench.host.http.requests.count == 4)
    }

    @Test func anAnswerThatNamesSomethingToFixIsAskedForAgain() async throws {
        let bench = try KlaviyoBench { request in
            request.url.contains("/api/profiles") ? Answer.error(403, "permission_denied") : Self.answer(request)
        }
        let result = try await bench.validate()
        #expect(Self.states(result)["get_contact"] == "missing")
        let detail = result.payload["permissions"]?.arrayValue?.first { $0["capability"] == "get_contact" }?["detail"]?.stringValue
        #expect(detail?.contains("profiles:read") == true)
        _ = try await bench.validate()
        #expect(bench.host.http.requests.count == 4)
    }

    @Test func whatIsNotAnsweredIsUnknown() async throws {
        let bench = try KlaviyoBench { request in request.url.contains("/api/profiles") ? .status(503) : Self.answer(request) }
        let result = try await bench.validate()
        #expect(result.status == CRM_STATUS_OK)
        #expect(Self.states(result)["get_contact"] == "unknown")
    }

    @Test func aGenuineKeyWithoutTheScopeIsGood() async throws {
        let bench = try KlaviyoBench { _ in Answer.error(403, "permission_denied") }
        let result = try await bench.validate()
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.payload["account"] == nil)
        #expect(Self.states(result)["validate_credentials"] == "missing")
    }

    @Test func aBrowserCheckSaysNothingAboutTheKey() async throws {
        let bench = try KlaviyoBench { _ in Answer.challenge }
        let result = try await bench.validate()
        #expect(result.status == CRM_STATUS_UNAVAILABLE)
        #expect(result.flags == CRM_RESULT_RETRYABLE)
    }

    @Test func aWrongKeyIsRefused() async throws {
        let bench = try KlaviyoBench { _ in Answer.error(401, "authentication_failed") }
        #expect(try await bench.validate().status == CRM_STATUS_INVALID_CREDENTIALS)
    }

    @Test(arguments: ["", "pk_new\nline", "pk_é"]) func aKeyThatCannotBeAHeaderIsNeverSent(_ key: String) async throws {
        let bench = try KlaviyoBench { _ in .status(200) }
        let result = await bench.provider.run(FakeCall(CRM_OP_VALIDATE_CREDENTIALS, credentials: ["api_key": .string(key)]))
        #expect(result.status == CRM_STATUS_INVALID_CREDENTIALS)
        #expect(bench.host.http.requests.isEmpty)
    }
}
