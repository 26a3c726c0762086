import CRMCore
import CRMCrypto
import Testing

@Suite struct GoogleTests {
    /// A token taken apart, and whether the published key made its signature.
    private struct ReadToken {
        let header: JSONValue
        let payload: JSONValue
        let isSigned: Bool

        init(_ token: String, keys: JSONValue) throws {
            let parts = token.split(separator: ".", omittingEmptySubsequences: false)
            #expect(parts.count == 3)
            header = try JSONValue(parsing: try #require(Base64URL.decode(parts[0])))
            payload = try JSONValue(parsing: try #require(Base64URL.decode(parts[1])))
            let kid = header["kid"]
            guard let jwk = keys["keys"]?.arrayValue?.first(where: { $0["kid"] == kid }) else {
                isSigned = false
                return
            }
            func number(_ name: String) throws -> [UInt8] { try #require(jwk[name]?.stringValue.flatMap { Base64URL.decode($0) }) }
            let key = try RSAPublicKey(modulus: try number("n"), exponent: try number("e"))
            let signature = try #require(Base64URL.decode(parts[2]))
            isSigned = key.isValidRS256(signature: signature, message: Array("\(parts[0]).\(parts[1])".utf8))
        }
    }

    private func token(_ sandbox: RunningSandbox, _ wanted: JSONValue) throws -> ReadToken {
        let reply = try sandbox.send("POST", "/google/token", json: wanted)
        try #require(reply.status == 200)
        let keys = try sandbox.send("GET", "/google/jwks").json
        return try ReadToken(try #require(try reply.json["id_token"]?.stringValue), keys: keys)
    }

    @Test func publishesOneKeyThatMayBeCached() async throws {
        let sandbox = try await RunningSandbox()
        let reply = try sandbox.send("GET", "/google/jwks")
        #expect(reply.status == 200)
        #expect(reply.headers["cache-control"]?.contains("max-age=") == true)
        let keys = try #require(try reply.json["keys"]?.arrayValue)
        #expect(keys.count == 1)
        #expect(keys[0]["kty"] == "RSA" && keys[0]["alg"] == "RS256" && keys[0]["use"] == "sig")
        #expect(Base64URL.decode(keys[0]["n"]?.stringValue ?? "")?.count == 256)
    }

    @Test func issuesWhatFirebaseIssues() async throws {
        let sandbox = try await RunningSandbox(["--project", "shop-7"])
        try sandbox.stopClock(at: "2026-11-22T10:00:00Z")
        let now = try #require(Timestamp(rfc3339: "2026-11-22T10:00:00Z")).seconds
        let token = try token(sandbox, ["email": "ada@shop.test", "name": "Ada", "auth_time_offset": -60])
        #expect(token.isSigned)
        #expect(token.header["alg"] == "RS256")
        let payload = token.payload
        #expect(payload["iss"] == "https://securetoken.google.com/shop-7" && payload["aud"] == "shop-7")
        #expect(payload["iat"]?.intValue == Int(now) && payload["exp"]?.intValue == Int(now) + 3_600)
        #expect(payload["auth_time"]?.intValue == Int(now) - 60)
        #expect(payload["sub"] == payload["user_id"] && payload["sub"]?.stringValue?.count == 28)
        #expect(payload["email"] == "ada@shop.test" && payload["email_verified"] == true && payload["name"] == "Ada")
        #expect(payload["firebase"] == ["identities": ["email": ["ada@shop.test"]], "sign_in_provider": "password"])
    }

    @Test func anAddressHasTheSameIDEverywhere() async throws {
        let first = try await RunningSandbox()
        let second = try await RunningSandbox()
        let ids = try [first, second].map { try $0.send("POST", "/google/token", json: ["email": "ada@shop.test"]).json["uid"] }
        #expect(ids[0] != nil && ids[0] == ids[1])
        #expect(try first.send("POST", "/google/token", json: ["email": "eve@shop.test"]).json["uid"] != ids[0])
    }

    @Test(arguments: ["other_key", "unknown_key", "tampered", "unsigned"])
    func signaturesCanBeSpoilt(defect: String) async throws {
        let sandbox = try await RunningSandbox()
        let spoilt = try token(sandbox, ["email": "ada@shop.test", "defect": .string(defect)])
        #expect(!spoilt.isSigned)
        #expect(spoilt.header["alg"] == (defect == "unsigned" ? "none" : "RS256"))
        #expect(try token(sandbox, ["email": "ada@shop.test"]).isSigned)
    }

    @Test func claimsCanBeSpoilt() async throws {
        let sandbox = try await RunningSandbox()
        try sandbox.stopClock(at: "2026-11-22T10:00:00Z")
        let now = Int(try #require(Timestamp(rfc3339: "2026-11-22T10:00:00Z")).seconds)
        func payload(_ defect: String) throws -> JSONValue {
            let token = try token(sandbox, ["email": "ada@shop.test", "defect": .string(defect)])
            #expect(token.isSigned)
            return token.payload
        }
        #expect(try payload("wrong_audience")["aud"] == "crm-sandbox-other")
        #expect(try payload("wrong_issuer")["iss"] == "https://securetoken.google.com/crm-sandbox-other")
        #expect(try #require(try payload("expired")["exp"]?.intValue) < now)
        #expect(try #require(try payload("issued_in_future")["iat"]?.intValue) > now)
        let changed = try token(sandbox, ["email": "ada@shop.test", "claims": ["sub": .null, "admin": true]]).payload
        #expect(changed["sub"] == nil && changed["admin"] == true)
    }

    @Test(
        arguments: [
            ["email": "nobody"], ["name": "Ada"], ["email": "a@b.test", "defect": "odd"], ["email": "a@b.test", "mail": "x"],
        ] as [JSONValue])
    func refusesWhatItDoesNotUnderstand(wanted: JSONValue) async throws {
        let sandbox = try await RunningSandbox()
        let reply = try sandbox.send("POST", "/google/token", json: wanted)
        #expect(reply.status == 400)
        #expect(try reply.json["code"] == "invalid_request")
    }
}
