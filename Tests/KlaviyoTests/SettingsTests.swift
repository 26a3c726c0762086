import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct SettingsTests {
    private static let settings: JSONValue = [
        "fields": ["title": "job", "organization": "title", "address.region": "location.timezone"],
        "properties": ["avatar": "image", "plan": "Plan Name"],
    ]

    @Test func fieldsAndPropertiesGoWhereTheSettingsSay() async throws {
        let bench = try KlaviyoBench(settings: Self.settings) { _ in Answer.profile(201) }
        let result = try await bench.contact([
            "email": "ada@example.test", "title": "Engineer", "organization": "Acme", "first_name": "Ada",
            "address": ["city": "Rome", "region": "Europe/Rome"],
            "properties": ["avatar": "https://acme.test/ada.png", "plan": "pro", "other": 1],
        ])
        #expect(result.warnings == [])
        #expect(
            bench.host.http.requests.first?.json["data"]?["attributes"] == [
                "email": "ada@example.test", "first_name": "Ada", "title": "Acme", "image": "https://acme.test/ada.png",
                "location": ["city": "Rome", "timezone": "Europe/Rome"], "properties": ["job": "Engineer", "Plan Name": "pro", "other": 1],
            ])
    }

    @Test func aContactComesBackUnderOurNames() async throws {
        let bench = try KlaviyoBench(settings: Self.settings) { _ in
            .json(
                200,
                [
                    "data": [
                        [
                            "type": "profile", "id": "01AA",
                            "attributes": [
                                "email": "ada@example.test", "first_name": "Ada", "title": "Acme", "image": "https://acme.test/ada.png",
                                "location": ["city": "Rome", "timezone": "Europe/Rome"],
                                "properties": ["job": "Engineer", "Plan Name": "pro", "other": 1],
                            ],
                        ]
                    ]
                ])
        }
        #expect(
            try await bench.lookUp(["email": "ada@example.test"]).payload["contact"] == [
                "email": "ada@example.test", "first_name": "Ada", "title": "Engineer", "organization": "Acme",
                "address": ["city": "Rome", "region": "Europe/Rome"],
                "properties": ["avatar": "https://acme.test/ada.png", "plan": "pro", "other": 1],
            ])
    }

    @Test func aValueThatAFieldCannotHoldIsLeftOut() async throws {
        let bench = try KlaviyoBench(settings: Self.settings) { _ in Answer.profile(201) }
        let result = try await bench.contact(["email": "ada@example.test", "properties": ["avatar": ["a": 1]]])
        #expect(result.warnings.map { $0["code"] } == ["klaviyo.unfit_value"])
        #expect(result.warnings.map { $0["field"] } == ["properties.avatar"])
        #expect(bench.host.http.requests.first?.json["data"]?["attributes"] == ["email": "ada@example.test"])
    }
}
