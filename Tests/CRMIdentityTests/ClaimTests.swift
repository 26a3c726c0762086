import CRMCore
import CRMIdentity
import Testing

@Suite("V5 to V9, V12 to V14, V18: claims") struct ClaimTests {
    let rig: Rig

    init() throws { rig = try Rig() }

    // MARK: V5, V6, V18

    @Test(arguments: [nil, .null, "", "shop-2", "SHOP-1", "shop-1 ", ["shop-1"], 1] as [JSONValue?])
    func otherAudiences(value: JSONValue?) async throws {
        #expect(await rig.refusal(of: try rig.token(claim: "aud", value)) == .invalid(clause: "V5"))
    }

    @Test func audiencesAreComparedByteForByte() async throws {
        // U+212A, the Kelvin sign, equals K for `String`.
        let rig = try Rig(rules: FirebaseRules(projectID: "K"))
        var claims = rig.claims
        claims["iss"] = "https://securetoken.google.com/K"
        claims["aud"] = "K"
        #expect(await rig.refusal(of: try rig.token(claims: claims)) == nil)
        claims["aud"] = "\u{212A}"
        #expect(await rig.refusal(of: try rig.token(claims: claims)) == .invalid(clause: "V5"))
    }

    @Test(
        arguments: [
            nil, .null, "", "shop-1", "https://securetoken.google.com/shop-2", "https://securetoken.google.com/shop-1/",
            "http://securetoken.google.com/shop-1", "https://accounts.google.com", ["https://securetoken.google.com/shop-1"],
        ] as [JSONValue?])
    func otherIssuers(value: JSONValue?) async throws {
        #expect(await rig.refusal(of: try rig.token(claim: "iss", value)) == .invalid(clause: "V6"))
    }

    @Test func sessionCookiesAreRefused() async throws {
        let cookie = try rig.token(claim: "iss", "https://session.firebase.google.com/shop-1")
        #expect(await rig.refusal(of: cookie) == .invalid(clause: "V6"))
    }

    // MARK: V7

    @Test(
        arguments: [
            nil, .null, "", 7, ["uid-Ada"], "tab\there", "line\nfeed", "\u{7F}", "\u{85}", .string(String(repeating: "u", count: 129)),
            // 65 characters to `String`, 130 code points; Google counts code points.
            .string(String(repeating: "e\u{301}", count: 65)),
        ] as [JSONValue?])
    func subjectsOfAnotherForm(value: JSONValue?) async throws {
        var claims = rig.claims
        claims["sub"] = value
        claims["user_id"] = nil
        #expect(await rig.refusal(of: try rig.token(claims: claims)) == .invalid(clause: "V7 sub"))
    }

    @Test(arguments: ["u", String(repeating: "u", count: 128), String(repeating: "𝒰", count: 128), "Žofie Ölçü", "a b"])
    func subjectsOfTheRightForm(uid: String) async throws {
        var claims = rig.claims
        claims["sub"] = .string(uid)
        claims["user_id"] = nil
        #expect(try await rig.verifier.verify(bearer: try rig.token(claims: claims)).uid == uid)
    }

    @Test(arguments: ["user_id", "uid"])
    func copiesOfTheSubjectAgreeWithIt(name: String) async throws {
        #expect(await rig.refusal(of: try rig.token(claim: name, "uid-Ada")) == nil)
        for value: JSONValue in ["uid-Eve", "", .null, 1] {
            #expect(await rig.refusal(of: try rig.token(claim: name, value)) == .invalid(clause: "V7 \(name)"))
        }
    }

    @Test func copiesOfTheSubjectMayBeAbsent() async throws {
        #expect(await rig.refusal(of: try rig.token(claim: "user_id", nil)) == nil)
    }

    // MARK: V8, V9

    @Test(arguments: ["exp", "iat", "auth_time"])
    func timesAreWholeSeconds(name: String) async throws {
        let wrong: [JSONValue?] = [nil, .null, "1800000000", 0, -1, true, .number(try #require(JSONNumber(literal: "1800000000.5")))]
        for value in wrong { #expect(await rig.refusal(of: try rig.token(claim: name, value)) == .invalid(clause: "V8 \(name)")) }
        for literal in ["9007199254740993", "1e300", "9223372036854775808"] {
            let huge = JSONValue.number(try #require(JSONNumber(literal: literal)))
            #expect(await rig.refusal(of: try rig.token(claim: name, huge)) == .invalid(clause: "V8 \(name)"))
        }
    }

    @Test func integralDoublesAreWholeSeconds() async throws {
        let expiry = JSONValue.number(try #require(JSONNumber(literal: "\(rig.seconds + 3_300).0")))
        let issue = JSONValue.number(try #require(JSONNumber(literal: "1.7999997e9")))
        var claims = rig.claims
        claims["exp"] = expiry
        claims["iat"] = issue
        #expect(await rig.refusal(of: try rig.token(claims: claims)) == nil)
    }

    @Test func theLargestTimesOverflowNothing() async throws {
        let largest: JSONValue = 9_007_199_254_740_992
        #expect(await rig.refusal(of: try rig.token(claim: "exp", largest)) == .invalid(clause: "V8 lifetime"))
        #expect(await rig.refusal(of: try rig.token(claim: "iat", largest)) == .invalid(clause: "V8 iat in the future"))
        #expect(await rig.refusal(of: try rig.token(claim: "auth_time", largest)) == .invalid(clause: "V8 auth_time in the future"))
        #expect(await rig.refusal(of: try rig.token(claim: "nbf", largest)) == .invalid(clause: "V9 nbf in the future"))
    }

    @Test func expiryWithinTheSkew() async throws {
        #expect(await rig.refusal(of: try rig.token(claim: "exp", .integer(rig.seconds - 29))) == nil)
        #expect(await rig.refusal(of: try rig.token(claim: "exp", .integer(rig.seconds - 30))) == .expired)
        #expect(await rig.refusal(of: try rig.token(claim: "exp", .integer(rig.seconds - 86_400))) == .expired)
    }

    @Test func expiryToTheMicrosecond() async throws {
        let token = try rig.token(claim: "exp", .integer(rig.seconds))
        rig.clock.advance(by: .seconds(30) - .microseconds(1))
        #expect(await rig.refusal(of: token) == nil)
        rig.clock.advance(by: .microseconds(1))
        #expect(await rig.refusal(of: token) == .expired)
    }

    @Test func issueWithinTheSkew() async throws {
        #expect(await rig.refusal(of: try rig.token(claim: "iat", .integer(rig.seconds + 30))) == nil)
        #expect(await rig.refusal(of: try rig.token(claim: "iat", .integer(rig.seconds + 31))) == .invalid(clause: "V8 iat in the future"))
    }

    @Test func signInWithinTheSkew() async throws {
        var claims = rig.claims
        claims["iat"] = .integer(rig.seconds + 1)
        claims["auth_time"] = .integer(rig.seconds + 30)
        #expect(await rig.refusal(of: try rig.token(claims: claims)) == nil)
        claims["auth_time"] = .integer(rig.seconds + 31)
        #expect(await rig.refusal(of: try rig.token(claims: claims)) == .invalid(clause: "V8 auth_time in the future"))
    }

    @Test func signInComesBeforeTheToken() async throws {
        let issued = rig.seconds - 300
        #expect(await rig.refusal(of: try rig.token(claim: "auth_time", .integer(issued + 30))) == nil)
        #expect(
            await rig.refusal(of: try rig.token(claim: "auth_time", .integer(issued + 31))) == .invalid(clause: "V8 auth_time after iat"))
        #expect(await rig.refusal(of: try rig.token(claim: "auth_time", 1)) == nil)
    }

    @Test func tokensLiveForAnHour() async throws {
        let issued = rig.seconds - 300
        #expect(await rig.refusal(of: try rig.token(claim: "exp", .integer(issued + 3_660))) == nil)
        #expect(await rig.refusal(of: try rig.token(claim: "exp", .integer(issued + 3_661))) == .invalid(clause: "V8 lifetime"))
    }

    @Test func theSkewIsConfigurable() async throws {
        for skew in [0, 60] as [Int64] {
            let rig = try Rig(rules: FirebaseRules(projectID: "shop-1", skew: .seconds(skew)))
            #expect(await rig.refusal(of: try rig.token(claim: "exp", .integer(rig.seconds - skew + 1))) == nil)
            #expect(await rig.refusal(of: try rig.token(claim: "exp", .integer(rig.seconds - skew))) == .expired)
        }
    }

    @Test func notBefore() async throws {
        #expect(await rig.refusal(of: try rig.token(claim: "nbf", .integer(rig.seconds + 30))) == nil)
        #expect(await rig.refusal(of: try rig.token(claim: "nbf", .integer(rig.seconds + 31))) == .invalid(clause: "V9 nbf in the future"))
        for value: JSONValue in ["soon", .null, 0] {
            #expect(await rig.refusal(of: try rig.token(claim: "nbf", value)) == .invalid(clause: "V9 nbf"))
        }
    }

    // MARK: V12

    @Test func withoutATenantConfiguredNoneIsAdmitted() async throws {
        for tenant: JSONValue in ["blue", "", .null] {
            let token = try rig.token(claim: "firebase", ["sign_in_provider": "password", "tenant": tenant])
            #expect(await rig.refusal(of: token) == .refused(code: "tenant_not_admitted"))
        }
    }

    @Test func theConfiguredTenantAlone() async throws {
        let rig = try Rig(rules: FirebaseRules(projectID: "shop-1", tenant: "blue"))
        func refusal(_ tenant: JSONValue?) async throws -> IdentityError? {
            var firebase: JSONObject = ["sign_in_provider": "password"]
            firebase["tenant"] = tenant
            return await rig.refusal(of: try rig.token(claim: "firebase", .object(firebase)))
        }
        #expect(try await refusal("blue") == nil)
        for tenant: JSONValue? in [nil, .null, "", "Blue", "red", ["blue"]] {
            #expect(try await refusal(tenant) == .refused(code: "tenant_not_admitted"))
        }
    }

    // MARK: V13

    @Test(arguments: ["password", "google.com", "custom", "phone", "oidc.shop", "saml.shop"])
    func everyKindOfSignInUnlessConfigured(provider: String) async throws {
        let token = try rig.token(claim: "firebase", ["sign_in_provider": .string(provider)])
        #expect(try await rig.verifier.verify(bearer: token).signInProvider == provider)
    }

    @Test func anonymousIsNobody() async throws {
        let admitting = try Rig(rules: FirebaseRules(projectID: "shop-1", signInProviders: ["anonymous", "password"]))
        for rig in [rig, admitting] {
            let token = try rig.token(claim: "firebase", ["sign_in_provider": "anonymous"])
            #expect(await rig.refusal(of: token) == .refused(code: "anonymous_not_admitted"))
        }
    }

    @Test(arguments: [nil, .null, "password", [:], ["sign_in_provider": ""], ["sign_in_provider": 1]] as [JSONValue?])
    func theKindOfSignInIsPresent(firebase: JSONValue?) async throws {
        #expect(await rig.refusal(of: try rig.token(claim: "firebase", firebase)) == .refused(code: "sign_in_provider_not_admitted"))
    }

    @Test func fewerKindsOfSignInWhereConfigured() async throws {
        let rig = try Rig(rules: FirebaseRules(projectID: "shop-1", signInProviders: ["google.com"]))
        let google = try rig.token(claim: "firebase", ["sign_in_provider": "google.com"])
        #expect(await rig.refusal(of: google) == nil)
        #expect(await rig.refusal(of: try rig.token()) == .refused(code: "sign_in_provider_not_admitted"))
    }

    @Test func whoIsNotAdmittedLearnsItOnlyWithAGenuineToken() async throws {
        let stranger = try SigningKey.second.get()
        let forged = try rig.token(claim: "firebase", ["sign_in_provider": "anonymous"], signer: stranger)
        #expect(await rig.refusal(of: forged) == .invalid(clause: "V11"))
    }

    // MARK: V14

    @Test func theAddressIsForDisplay() async throws {
        let unverified = try await rig.verifier.verify(bearer: try rig.token(claim: "email_verified", false))
        #expect(unverified.uid == "uid-Ada" && unverified.email == "ada@example.test" && !unverified.emailVerified)
        let silent = try await rig.verifier.verify(bearer: try rig.token(claim: "email_verified", nil))
        #expect(!silent.emailVerified)
        let text = try await rig.verifier.verify(bearer: try rig.token(claim: "email_verified", "true"))
        #expect(!text.emailVerified)
        let without = try await rig.verifier.verify(bearer: try rig.token(claim: "email", nil))
        #expect(without.email == nil)
    }
}
