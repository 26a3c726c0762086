import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct ConsentTests {
    private static let granted: JSONValue = ["email_marketing": ["state": "granted", "at": "2026-11-01T10:00:00Z", "source": "shop"]]
    private static let withdrawn: JSONValue = ["email_marketing": ["state": "withdrawn", "at": "2026-11-01T10:00:00Z"]]

    /// A Klaviyo that knows this of the e-mail channel, and takes any job.
    private static func bench(
        _ marketing: JSONValue, settings: JSONValue = [:], job: FakeHTTP.Reply = .status(202)
    ) throws -> KlaviyoBench {
        try KlaviyoBench(settings: settings) { request in
            guard request.url.contains("/api/profile-import") else { return job }
            let attributes: JSONValue = ["email": "ada@example.test", "subscriptions": ["email": ["marketing": marketing]]]
            return .json(200, ["data": ["type": "profile", "id": "01AA", "attributes": attributes]])
        }
    }

    private static func jobs(_ bench: KlaviyoBench) -> [FakeHTTP.Request] { Array(bench.host.http.requests.dropFirst()) }

    @Test func aFirstGrantSubscribesAfterTheProfileIsWritten() async throws {
        let bench = try Self.bench(["consent": "NEVER_SUBSCRIBED"], settings: ["list_id": "Y6nRLr"])
        let result = try await bench.contact(["email": "ada@example.test", "consent": Self.granted])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings == [])
        #expect(
            bench.host.http.requests.map(\.route) == ["POST /api/profile-import", "POST /api/profile-subscription-bulk-create-jobs"])
        #expect(bench.host.http.requests[0].url.hasSuffix("?additional-fields%5Bprofile%5D=subscriptions"))
        #expect(
            bench.host.http.requests[1].json == [
                "data": [
                    "type": "profile-subscription-bulk-create-job",
                    "attributes": [
                        "custom_source": "shop",
                        "profiles": [
                            "data": [
                                [
                                    "type": "profile", "id": "01AA",
                                    "attributes": [
                                        "email": "ada@example.test", "subscriptions": ["email": ["marketing": ["consent": "SUBSCRIBED"]]],
                                    ],
                                ]
                            ]
                        ],
                    ],
                    "relationships": ["list": ["data": ["type": "list", "id": "Y6nRLr"]]],
                ]
            ])
    }

    @Test func whoIsSubscribedIsNotSubscribedAgain() async throws {
        let bench = try Self.bench(["consent": "SUBSCRIBED", "consent_timestamp": "2026-01-01T00:00:00+00:00"])
        #expect(try await bench.contact(["email": "ada@example.test", "consent": Self.granted]).warnings == [])
        #expect(Self.jobs(bench).isEmpty)
    }

    @Test(arguments: [
        ("2026-11-01T10:00:00+00:00", false), ("2026-11-05T00:00:00+00:00", false), ("2026-10-31T00:00:00+00:00", true),
    ])
    func aWithdrawalGivesWayOnlyToAYoungerGrant(_ withdrawal: (at: String, givesWay: Bool)) async throws {
        let bench = try Self.bench([
            "consent": "UNSUBSCRIBED", "last_updated": .string(withdrawal.at),
            "suppression": [["reason": "UNSUBSCRIBE", "timestamp": .string(withdrawal.at)]],
        ])
        let result = try await bench.contact(["email": "ada@example.test", "consent": Self.granted])
        #expect(result.status == CRM_STATUS_OK)
        #expect(Self.jobs(bench).count == (withdrawal.givesWay ? 1 : 0))
        #expect(result.warnings.map { $0["code"] } == (withdrawal.givesWay ? [] : ["klaviyo.withdrawal_kept"]))
    }

    @Test func aGrantWithoutATimeUndoesNoWithdrawal() async throws {
        let bench = try Self.bench(["consent": "UNSUBSCRIBED", "last_updated": "2020-01-01T00:00:00+00:00"])
        let result = try await bench.contact(["email": "ada@example.test", "consent": ["email_marketing": ["state": "granted"]]])
        #expect(result.warnings.map { $0["code"] } == ["klaviyo.withdrawal_kept"])
        #expect(Self.jobs(bench).isEmpty)
    }

    @Test(arguments: ["SPAM_REPORT", "USER_SUPPRESSED", "HARD_BOUNCE"]) func aBanIsNeverUndone(_ reason: String) async throws {
        let bench = try Self.bench([
            "consent": "NEVER_SUBSCRIBED", "suppression": [["reason": .string(reason), "timestamp": "2020-01-01T00:00:00+00:00"]],
        ])
        let result = try await bench.contact(["email": "ada@example.test", "consent": Self.granted])
        #expect(result.warnings.map { $0["code"] } == ["klaviyo.suppression_kept"])
        #expect(Self.jobs(bench).isEmpty)
    }

    @Test func aWithdrawalHoldsForAllLists() async throws {
        let bench = try Self.bench(["consent": "SUBSCRIBED"], settings: ["list_id": "Y6nRLr", "granted_consent": "ignore"])
        let result = try await bench.contact(["email": "ada@example.test", "consent": Self.withdrawn])
        #expect(result.warnings == [])
        #expect(
            Self.jobs(bench).map(\.json) == [
                [
                    "data": [
                        "type": "profile-subscription-bulk-delete-job",
                        "attributes": [
                            "profiles": [
                                "data": [
                                    [
                                        "type": "profile",
                                        "attributes": [
                                            "email": "ada@example.test",
                                            "subscriptions": ["email": ["marketing": ["consent": "UNSUBSCRIBED"]]],
                                        ],
                                    ]
                                ]
                            ]
                        ],
                    ]
                ]
            ])
    }

    @Test func aWithdrawalThatKlaviyoKnowsIsNotRepeated() async throws {
        let bench = try Self.bench(["consent": "UNSUBSCRIBED"])
        _ = try await bench.contact(["email": "ada@example.test", "consent": Self.withdrawn])
        #expect(Self.jobs(bench).isEmpty)
    }

    @Test func consentThatWasCollectedBeforeKeepsItsTime() async throws {
        let bench = try Self.bench(["consent": "NEVER_SUBSCRIBED"], settings: ["granted_consent": "collected"])
        _ = try await bench.contact(["email": "ada@example.test", "consent": Self.granted])
        let attributes = Self.jobs(bench).first?.json["data"]?["attributes"]
        #expect(attributes?["historical_import"] == true)
        let profile = attributes?["profiles"]?["data"]?.arrayValue?.first?["attributes"]
        #expect(
            profile?["subscriptions"]?["email"]?["marketing"] == ["consent": "SUBSCRIBED", "consented_at": "2026-11-01T10:00:00+00:00"])
    }

    @Test func withoutATimeItIsANewSubscription() async throws {
        let bench = try Self.bench(["consent": "NEVER_SUBSCRIBED"], settings: ["granted_consent": "collected"])
        let result = try await bench.contact(["email": "ada@example.test", "consent": ["email_marketing": ["state": "granted"]]])
        #expect(result.warnings.map { $0["code"] } == ["klaviyo.consent_without_time"])
        #expect(Self.jobs(bench).first?.json["data"]?["attributes"]?["historical_import"] == nil)
    }

    @Test func grantsCanBeSwitchedOff() async throws {
        let bench = try Self.bench(["consent": "NEVER_SUBSCRIBED"], settings: ["granted_consent": "ignore"])
        let result = try await bench.contact(["email": "ada@example.test", "consent": Self.granted])
        #expect(result.warnings.map { $0["code"] } == ["klaviyo.consent_not_written"])
        #expect(Self.jobs(bench).isEmpty)
    }

    @Test func aNumberThatWasLeftOutIsNotSubscribed() async throws {
        let bench = try KlaviyoBench { request in
            request.json["data"]?["attributes"]?["phone_number"] == nil ? Answer.profile(200) : Answer.duplicate
        }
        let result = try await bench.contact([
            "email": "ada@example.test", "phone": "+390612345678", "consent": ["sms_marketing": ["state": "granted"]],
        ])
        #expect(result.warnings.map { $0["code"] } == ["klaviyo.duplicate_profile", "klaviyo.consent_not_written"])
        #expect(bench.host.http.requests.count == 2)
    }

    /// The address belongs to another profile, so the profile is written without it. What the person withdrew is theirs all the same.
    private static func benchOfTwoProfiles(job: FakeHTTP.Reply) throws -> KlaviyoBench {
        try KlaviyoBench { request in
            guard request.route == "POST /api/profile-import" else { return job }
            if request.json["data"]?["attributes"]?["email"] != nil { return Answer.duplicate }
            let attributes: JSONValue = [
                "external_id": "user-1", "email": "old@example.test",
                "subscriptions": ["email": ["marketing": ["consent": "UNSUBSCRIBED"]]],
            ]
            return .json(200, ["data": ["type": "profile", "id": "01AA", "attributes": attributes]])
        }
    }

    @Test func aWithdrawalReachesAnAddressThatWasLeftOut() async throws {
        let bench = try Self.benchOfTwoProfiles(job: .status(202))
        let result = try await bench.contact(["external_id": "user-1", "email": "ada@example.test", "consent": Self.withdrawn])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["code"] } == ["klaviyo.duplicate_profile"])
        let job = try #require(bench.host.http.requests.last)
        #expect(job.route == "POST /api/profile-subscription-bulk-delete-jobs")
        let profile = job.json["data"]?["attributes"]?["profiles"]?["data"]?.arrayValue?.first
        #expect(profile?["attributes"]?["email"] == "ada@example.test")
    }

    @Test func aWithdrawalOfAnAddressThatWasLeftOutIsAFailureWhenItIsRefused() async throws {
        let bench = try Self.benchOfTwoProfiles(job: Answer.error(400, "invalid"))
        let result = try await bench.contact(["external_id": "user-1", "email": "ada@example.test", "consent": Self.withdrawn])
        #expect(result.status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(result.payload["details"]?["step"] == "consent")
    }

    /// The answer to the write says nothing about consent.
    private static func silentBench(_ status: Int, read: FakeHTTP.Reply) throws -> KlaviyoBench {
        try KlaviyoBench { request in
            switch request.route {
            case "POST /api/profile-import": Answer.profile(status)
            case "GET /api/profiles/{id}": read
            default: .status(202)
            }
        }
    }

    private static func profile(_ consent: String) -> FakeHTTP.Reply {
        let subscriptions: JSONValue = ["email": ["marketing": ["consent": .string(consent)]]]
        return .json(
            200, ["data": ["type": "profile", "id": "01AA", "attributes": ["email": "ada@example.test", "subscriptions": subscriptions]]])
    }

    @Test(arguments: [
        (profile("UNSUBSCRIBED"), "klaviyo.withdrawal_kept"), (Answer.profile(), "klaviyo.consent_unknown"),
        (Answer.error(403, "permission_denied"), "klaviyo.consent_unknown"),
    ]) func nothingIsGrantedInTheDark(_ read: (reply: FakeHTTP.Reply, code: String)) async throws {
        let bench = try Self.silentBench(200, read: read.reply)
        let result = try await bench.contact(["email": "ada@example.test", "consent": ["email_marketing": ["state": "granted"]]])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["code"] } == [.string(read.code)])
        #expect(bench.host.http.requests.map(\.route) == ["POST /api/profile-import", "GET /api/profiles/{id}"])
    }

    @Test func whatASecondLookShowsDecides() async throws {
        let bench = try Self.silentBench(200, read: Self.profile("NEVER_SUBSCRIBED"))
        #expect(try await bench.contact(["email": "ada@example.test", "consent": Self.granted]).warnings == [])
        #expect(bench.host.http.requests.last?.route == "POST /api/profile-subscription-bulk-create-jobs")
        #expect(bench.host.http.requests.count == 3)
    }

    @Test func aSecondLookThatFailsIsTriedAgain() async throws {
        let bench = try Self.silentBench(200, read: .status(503))
        let result = try await bench.contact(["email": "ada@example.test", "consent": Self.granted])
        #expect(result.status == CRM_STATUS_UPSTREAM)
        #expect(result.payload["details"]?["step"] == "consent")
    }

    @Test func aNewProfileHasNothingToLookFor() async throws {
        let bench = try Self.silentBench(201, read: .status(503))
        #expect(try await bench.contact(["email": "ada@example.test", "consent": Self.granted]).warnings == [])
        #expect(
            bench.host.http.requests.map(\.route) == ["POST /api/profile-import", "POST /api/profile-subscription-bulk-create-jobs"])
    }

    @Test func theNewestOfSeveralWithdrawalsCounts() async throws {
        let bench = try Self.bench([
            "consent": "NEVER_SUBSCRIBED",
            "suppression": [
                ["reason": "UNSUBSCRIBE", "timestamp": "2026-11-05T00:00:00+00:00"],
                ["reason": "UNSUBSCRIBE", "timestamp": "2026-01-01T00:00:00+00:00"],
            ],
        ])
        let result = try await bench.contact(["email": "ada@example.test", "consent": Self.granted])
        #expect(result.warnings.map { $0["code"] } == ["klaviyo.withdrawal_kept"])
        #expect(Self.jobs(bench).isEmpty)
    }

    @Test func whatMayPassLaterIsTriedAgainAsAWhole() async throws {
        let bench = try Self.bench(["consent": "NEVER_SUBSCRIBED"], job: Answer.error(429, "throttled", [("retry-after", "3")]))
        let result = try await bench.contact(["email": "ada@example.test", "consent": Self.granted])
        #expect(result.status == CRM_STATUS_RATE_LIMITED)
        #expect(result.retryAfterMilliseconds == 3_000)
        #expect(result.payload["rate_class"] == "subscriptions")
        #expect(result.payload["details"]?["remote_id"] == "01AA")
        #expect(result.message.hasPrefix("the profile was written"))
    }

    @Test func aMissingScopeKeepsTheConsentWaiting() async throws {
        let bench = try Self.bench(["consent": "NEVER_SUBSCRIBED"], job: Answer.error(403, "permission_denied"))
        let result = try await bench.contact(["email": "ada@example.test", "consent": Self.granted])
        #expect(result.status == CRM_STATUS_PERMISSION_DENIED)
        #expect(result.payload["details"]?["scope"] == "subscriptions:write profiles:write lists:write")
    }

    @Test func aGrantThatKlaviyoRefusesDoesNotCostTheContact() async throws {
        let bench = try Self.bench(["consent": "NEVER_SUBSCRIBED"], job: Answer.error(404, "not_found"))
        let result = try await bench.contact(["email": "ada@example.test", "consent": Self.granted])
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.warnings.map { $0["code"] } == ["klaviyo.consent_refused"])
    }

    @Test func aWithdrawalThatKlaviyoRefusesIsAFailure() async throws {
        let bench = try Self.bench(["consent": "SUBSCRIBED"], job: Answer.error(400, "invalid"))
        let result = try await bench.contact(["email": "ada@example.test", "consent": Self.withdrawn])
        #expect(result.status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(result.payload["details"]?["step"] == "consent")
    }
}
