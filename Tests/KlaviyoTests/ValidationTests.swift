import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct ValidationTests {
    private static func permissions(_ accounts: JSONValue) -> JSONValue {
        [
            ["capability": "validate_credentials", "state": accounts, "detail": "accounts:read"],
            ["capability": "create_or_update_contact", "state": "unknown", "detail": "profiles:write"],
            ["capability": "send_event", "state": "unknown", "detail": "events:write"],
            ["capability": "get_contact", "state": "unknown", "detail": "profiles:read"],
        ]
    }

    @Test func aGoodKeyShowsItsAccount() async throws {
        let bench = try KlaviyoBench { _ in
            .json(
                200,
                [
                    "data": [
                        [
                            "type": "account", "id": "AbC123",
                            "attributes": [
                                "test_account": false,
                                "contact_information": [
                                    "organization_name": "Acme", "website_url": "https://acme.test", "street_address": [:],
                                ],
                            ],
                        ]
                    ]
                ])
        }
        let result = try await bench.validate()
        #expect(
            result.payload == [
                "account": ["id": "AbC123", "name": "Acme", "url": "https://acme.test"], "permissions": Self.permissions("proven"),
            ])
        let request = try #require(bench.host.http.requests.first)
        #expect(bench.host.http.requests.count == 1)
        #expect(request.method == "GET")
        #expect(request.url == "https://a.klaviyo.com/api/accounts")
        #expect(request.header("revision") == "2026-10-15")
    }

    @Test func aGenuineKeyWithoutTheScopeIsGood() async throws {
        let bench = try KlaviyoBench { _ in Answer.error(403, "permission_denied") }
        let result = try await bench.validate()
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.payload["account"] == nil)
        #expect(result.payload["permissions"] == Self.permissions("missing"))
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
