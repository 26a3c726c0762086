import CRMCore
import Testing

@Suite struct KlaviyoConsentTests {
    private static func subscription(list: String? = nil, id: String? = nil, marketing: JSONValue = ["consent": "SUBSCRIBED"]) -> JSONValue
    {
        var profile: JSONObject = ["type": "profile"]
        profile.set("id", id)
        profile["attributes"] = ["email": "grace@example.test", "subscriptions": ["email": ["marketing": marketing]]]
        var data: JSONObject = [
            "type": "profile-subscription-bulk-create-job", "attributes": ["profiles": ["data": [.object(profile)]]],
        ]
        data.set("relationships", list.map { ["list": ["data": ["type": "list", "id": .string($0)]]] })
        return ["data": .object(data)]
    }

    private static func marketing(_ sandbox: RunningSandbox) throws -> JSONValue? {
        let found = try sandbox.klaviyo(
            "GET", "profiles?filter=equals(email,%22grace@example.test%22)&additional-fields%5Bprofile%5D=subscriptions")
        return try found.json["data"]?.arrayValue?.first?["attributes"]?["subscriptions"]?["email"]?["marketing"]
    }

    @Test func aListWithDoubleOptInLeavesThePersonToConfirm() async throws {
        let sandbox = try await RunningSandbox()
        #expect(try sandbox.klaviyo("POST", "profile-subscription-bulk-create-jobs", Self.subscription(list: "Double")).status == 202)
        #expect(try Self.marketing(sandbox)?["consent"] == "NEVER_SUBSCRIBED")
        #expect(try sandbox.klaviyo("POST", "profile-subscription-bulk-create-jobs", Self.subscription(list: "Single")).status == 202)
        #expect(try Self.marketing(sandbox)?["consent"] == "SUBSCRIBED")
    }

    @Test func anUnknownListIsRefusedBeforeAnythingIsDone() async throws {
        let sandbox = try await RunningSandbox()
        let reply = try sandbox.klaviyo("POST", "profile-subscription-bulk-create-jobs", Self.subscription(list: "Nobody"))
        #expect(reply.status == 404)
        #expect(reply.error?["source"]?["pointer"] == "/data/relationships/list/data/id")
        #expect(try Self.marketing(sandbox) == nil)
    }

    @Test func aTimeOfConsentIsForImportsOnly() async throws {
        let sandbox = try await RunningSandbox()
        let marketing: JSONValue = ["consent": "SUBSCRIBED", "consented_at": "2026-01-01T00:00:00+00:00"]
        let reply = try sandbox.klaviyo("POST", "profile-subscription-bulk-create-jobs", Self.subscription(marketing: marketing))
        #expect(reply.status == 400)
    }

    @Test(arguments: ["SPAM_REPORT", "USER_SUPPRESSED", "HARD_BOUNCE"]) func aSubscriptionLiftsWhatItCan(_ reason: String) async throws {
        let sandbox = try await RunningSandbox()
        let settings: JSONValue = ["suppressed": ["grace@example.test": .string(reason)]]
        #expect(try sandbox.send("PUT", "/accounts/klaviyo/ada@shop.test", json: settings).status == 204)
        #expect(try sandbox.klaviyo("POST", "profile-subscription-bulk-create-jobs", Self.subscription(list: "Double")).status == 202)
        #expect(try Self.marketing(sandbox)?["suppression"]?.arrayValue?.count == 1)
        #expect(try sandbox.klaviyo("POST", "profile-subscription-bulk-create-jobs", Self.subscription()).status == 202)
        #expect(try Self.marketing(sandbox)?["suppression"]?.arrayValue?.count == (reason == "HARD_BOUNCE" ? 1 : 0))
    }

    @Test func anAccountsSettingsTakeScopesListsAndSuppressions() async throws {
        let sandbox = try await RunningSandbox()
        let settings: JSONValue = [
            "missing_scopes": ["subscriptions:write"], "lists": ["Mine": "single_opt_in"],
            "suppressed": ["grace@example.test": "SPAM_REPORT"],
        ]
        #expect(try sandbox.send("PUT", "/accounts/klaviyo/ada@shop.test", json: settings).status == 204)
        let refused = try sandbox.klaviyo("POST", "profile-subscription-bulk-create-jobs", Self.subscription(list: "Mine"))
        #expect(refused.status == 403)
        #expect(refused.error?["code"] == "permission_denied")
        let written = try sandbox.klaviyo("POST", "profile-import", KlaviyoBody.profile(["email": "grace@example.test"]))
        #expect(written.status == 201)
        #expect(try Self.marketing(sandbox)?["suppression"]?.arrayValue?.first?["reason"] == "SPAM_REPORT")
        #expect(try sandbox.send("PUT", "/accounts/klaviyo/ada@shop.test", json: ["plan": "free"]).status == 400)
        #expect(try sandbox.send("PUT", "/accounts/klaviyo/ada@shop.test", json: ["lists": ["Mine": "maybe"]]).status == 400)
    }
}
