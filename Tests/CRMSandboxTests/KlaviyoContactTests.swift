import CRMCore
import Testing

@Suite struct KlaviyoContactTests {
    private func profiles(_ sandbox: RunningSandbox, _ query: String) throws -> [JSONValue] {
        let reply = try sandbox.klaviyo("GET", "profiles?\(query)")
        try #require(reply.status == 200)
        return try #require(try reply.json["data"]?.arrayValue)
    }

    private func id(_ reply: RunningSandbox.Reply) throws -> String { try #require(try reply.json["data"]?["id"]?.stringValue) }

    @Test func importCreatesThenUpdates() async throws {
        let sandbox = try await RunningSandbox()
        let created = try sandbox.klaviyo(
            "POST", "profile-import",
            KlaviyoBody.profile([
                "email": "ada@example.test", "first_name": "Ada", "title": "Countess",
                "location": ["city": "Rome", "latitude": .decimal("41.9")],
                "properties": ["plan": "pro", "age": 36],
            ]))
        #expect(created.status == 201)
        #expect(created.headers["content-type"] == "application/vnd.api+json")
        let updated = try sandbox.klaviyo(
            "POST", "profile-import/",
            KlaviyoBody.profile([
                "email": "ADA@example.test", "phone_number": "+390612345678", "title": .null, "location": ["zip": "00100"],
                "properties": ["age": 37],
            ]))
        #expect(updated.status == 200)
        #expect(try id(updated) == id(created))
        let attributes = try #require(try updated.json["data"]?["attributes"])
        #expect(
            attributes["first_name"] == "Ada" && attributes["title"] == .null && attributes["location"]?["latitude"] == .decimal("41.9")
                && attributes["phone_number"] == "+390612345678")
        #expect(attributes["location"]?["city"] == "Rome" && attributes["location"]?["zip"] == "00100")
        #expect(attributes["properties"] == ["plan": "pro", "age": 37])
    }

    @Test func identifiersOfTwoProfilesAreAConflict() async throws {
        let sandbox = try await RunningSandbox()
        let first = try sandbox.klaviyo("POST", "profile-import", KlaviyoBody.profile(["email": "a@example.test"]))
        let second = try sandbox.klaviyo("POST", "profile-import", KlaviyoBody.profile(["phone_number": "+390612345678"]))
        let both = KlaviyoBody.profile(["email": "a@example.test", "phone_number": "+390612345678"])
        let conflict = try sandbox.klaviyo("POST", "profile-import", both)
        #expect(conflict.status == 409)
        #expect(conflict.error?["code"] == "duplicate_profile")
        #expect(conflict.error?["meta"]?["duplicate_profile_id"] == .string(try id(second)))
        let create = try sandbox.klaviyo("POST", "profiles", KlaviyoBody.profile(["email": "a@example.test"]))
        #expect(create.status == 409)
        #expect(create.error?["meta"]?["duplicate_profile_id"] == .string(try id(first)))
        let patch = try sandbox.klaviyo(
            "PATCH", "profiles/\(try id(first))", KlaviyoBody.profile(["phone_number": "+390612345678"], id: try id(first)))
        #expect(patch.status == 409)
    }

    @Test func aFreedIdentifierMayBeTaken() async throws {
        let sandbox = try await RunningSandbox()
        let first = try id(try sandbox.klaviyo("POST", "profiles", KlaviyoBody.profile(["email": "a@example.test", "external_id": "1"])))
        #expect(try sandbox.klaviyo("PATCH", "profiles/\(first)", KlaviyoBody.profile(["email": .null], id: first)).status == 200)
        #expect(try sandbox.klaviyo("POST", "profiles", KlaviyoBody.profile(["email": "a@example.test"])).status == 201)
        #expect(try profiles(sandbox, "filter=equals(external_id,%221%22)").first?["attributes"]?["email"] == .null)
    }

    @Test func findsByFilterAndByID() async throws {
        let sandbox = try await RunningSandbox()
        let odd = #"o"brien+\x@example.test"#
        #expect(try sandbox.klaviyo("POST", "profile-import", KlaviyoBody.profile(["external_id": .string(odd)])).status == 201)
        let known = try id(try sandbox.klaviyo("POST", "profile-import", KlaviyoBody.profile(["email": "grace+1@example.test"])))
        #expect(try profiles(sandbox, "filter=equals%28email%2C%22grace%2B1%40example.test%22%29").map { $0["id"] } == [.string(known)])
        #expect(try profiles(sandbox, "filter=any(email,[%22x@example.test%22,%22grace%2B1@example.test%22])").count == 1)
        #expect(try profiles(sandbox, "filter=equals(external_id,%22o%5C%22brien%2B%5C%5Cx@example.test%22)").count == 1)
        #expect(try profiles(sandbox, "filter=equals(email,%22nobody@example.test%22)").isEmpty)
        #expect(try sandbox.klaviyo("GET", "profiles/\(known)").status == 200)
        let missing = try sandbox.klaviyo("GET", "profiles/01HZX0000000000000000000AA")
        #expect(missing.status == 404)
        #expect(missing.error?["code"] == "not_found")
    }

    @Test func pagesThroughAllProfiles() async throws {
        let sandbox = try await RunningSandbox()
        for number in 0..<7 {
            #expect(
                try sandbox.klaviyo("POST", "profiles", KlaviyoBody.profile(["email": .string("c\(number)@example.test")])).status == 201)
        }
        var emails: [String] = []
        var target: String? = "/klaviyo/api/profiles?page%5Bsize%5D=3&sort=-email"
        var pages = 0
        while let next = target {
            let page = try sandbox.send("GET", next, headers: RunningSandbox.klaviyoHeaders()).json
            emails += page["data"]?.arrayValue?.compactMap { $0["attributes"]?["email"]?.stringValue } ?? []
            target = page["links"]?["next"]?.stringValue.map { String($0.drop { $0 != "k" }) }.map { "/\($0)" }
            pages += 1
            try #require(pages < 5)
        }
        #expect(pages == 3)
        #expect(emails == (0..<7).reversed().map { "c\($0)@example.test" })
    }

    @Test func patchesSingleProperties() async throws {
        let sandbox = try await RunningSandbox()
        let start = KlaviyoBody.profile(["email": "a@example.test", "properties": ["tags": ["a", "b"], "old": 1]])
        #expect(try sandbox.klaviyo("POST", "profile-import", start).status == 201)
        let patch: JSONValue = ["patch_properties": ["append": ["tags": "c"], "unappend": ["tags": "a"], "unset": ["old"]]]
        let reply = try sandbox.klaviyo("POST", "profile-import", KlaviyoBody.profile(["email": "a@example.test"], meta: patch))
        #expect(try reply.json["data"]?["attributes"]?["properties"] == ["tags": ["b", "c"]])
    }

    @Test func accountsAreStrangersToEachOther() async throws {
        let sandbox = try await RunningSandbox()
        #expect(
            try sandbox.klaviyo("POST", "profile-import", KlaviyoBody.profile(["email": "a@example.test"]), account: "x@shop.test").status
                == 201)
        #expect(try profiles(sandbox, "filter=equals(email,%22a@example.test%22)").isEmpty)
        let ids = try ["x@shop.test", "y@shop.test"].map {
            try sandbox.klaviyo("GET", "accounts", account: $0).json["data"]?.arrayValue?.first?["id"]
        }
        #expect(ids[0] != nil && ids[0] != ids[1])
    }

    @Test func consentIsWrittenByItsOwnCall() async throws {
        let sandbox = try await RunningSandbox()
        func change(_ job: String, _ consent: String) throws -> RunningSandbox.Reply {
            let profile: JSONValue = [
                "type": "profile",
                "attributes": ["email": "a@example.test", "subscriptions": ["email": ["marketing": ["consent": .string(consent)]]]],
            ]
            return try sandbox.klaviyo(
                "POST", "profile-subscription-bulk-\(job)-jobs",
                ["data": ["type": .string("profile-subscription-bulk-\(job)-job"), "attributes": ["profiles": ["data": [profile]]]]])
        }
        func consent() throws -> JSONValue? {
            let query = "additional-fields%5Bprofile%5D=subscriptions&filter=equals(email,%22a@example.test%22)"
            return try profiles(sandbox, query).first?["attributes"]?["subscriptions"]?["email"]?["marketing"]
        }
        #expect(try change("create", "SUBSCRIBED").status == 202)
        #expect(try consent()?["consent"] == "SUBSCRIBED")
        #expect(try change("delete", "UNSUBSCRIBED").status == 202)
        #expect(try consent()?["consent"] == "UNSUBSCRIBED")
        #expect(try consent()?["can_receive_email_marketing"] == false)
        #expect(try change("create", "UNSUBSCRIBED").status == 400)
        let direct = KlaviyoBody.profile(["email": "a@example.test", "subscriptions": ["email": ["marketing": ["consent": "SUBSCRIBED"]]]])
        #expect(try sandbox.klaviyo("POST", "profile-import", direct).status == 400)
    }
}
