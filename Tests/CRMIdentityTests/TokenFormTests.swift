import CRMCore
import CRMCrypto
import CRMIdentity
import Testing

@Suite("V2 to V4: parts, header, payload") struct TokenFormTests {
    let rig: Rig

    init() throws { rig = try Rig() }

    @Test func aGoodTokenSaysWhoItIs() async throws {
        let identity = try await rig.verifier.verify(bearer: try rig.token())
        #expect(
            identity
                == VerifiedIdentity(
                    uid: "uid-Ada", email: "ada@example.test", emailVerified: true, name: "Ada", signInProvider: "password",
                    authenticatedAt: Timestamp(seconds: rig.seconds - 600), expiresAt: Timestamp(seconds: rig.seconds + 3_300)))
    }

    // MARK: V2

    @Test func threePartsThatAreNotEmpty() async throws {
        let parts = try rig.token().split(separator: ".")
        let tokens = ["\(parts[0]).\(parts[1]).", "\(parts[0])..\(parts[2])", ".\(parts[1]).\(parts[2])"]
        for token in tokens { #expect(await rig.refusal(of: token) == .invalid(clause: "V2 parts")) }
    }

    @Test func trailingBitsAreZero() async throws {
        // A signature of 256 bytes leaves four unused bits in its last character.
        let token = try rig.token()
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let last = try #require(token.last.flatMap { alphabet.firstIndex(of: $0) })
        for loose in 1...15 {
            #expect(await rig.refusal(of: token.dropLast() + String(alphabet[last + loose])) == .invalid(clause: "V2 base64url"))
        }
    }

    @Test func aLengthThatNoBytesHave() async throws {
        let token = try rig.token()
        #expect(await rig.refusal(of: token + "AAA") == .invalid(clause: "V2 base64url"))
    }

    // MARK: V3

    @Test(arguments: ["none", "None", "NONE", "", "HS256", "RS384", "RS512", "PS256", "ES256", "rs256", "RS256 "])
    func otherAlgorithms(name: String) async throws {
        #expect(await rig.refusal(of: try rig.token(header: "alg", .string(name))) == .invalid(clause: "V3 alg"))
    }

    @Test(arguments: [nil, .null, 256, true, ["RS256"]] as [JSONValue?])
    func algorithmsThatAreNoText(value: JSONValue?) async throws {
        let clause = value?.arrayValue == nil ? "V3 alg" : "V3 JSON"
        #expect(await rig.refusal(of: try rig.token(header: "alg", value)) == .invalid(clause: clause))
    }

    @Test func anUnsignedTokenIsNobodys() async throws {
        let payload = Base64URL.encode(JSONValue.object(rig.claims).serialized())
        for algorithm in ["none", "RS256"] {
            let header: JSONValue = ["alg": .string(algorithm), "kid": .string(rig.signer.id), "typ": "JWT"]
            let unsigned = "\(Base64URL.encode(header.serialized())).\(payload)."
            #expect(await rig.refusal(of: unsigned) == .invalid(clause: "V2 parts"))
            let refusal = await rig.refusal(of: unsigned + "AAAA")
            #expect(refusal == .invalid(clause: algorithm == "none" ? "V3 alg" : "V11"))
        }
    }

    @Test func aTokenSignedWithThePublicKeyAsSharedSecret() async throws {
        let header: JSONValue = ["alg": "HS256", "kid": .string(rig.signer.id), "typ": "JWT"]
        let signed = "\(Base64URL.encode(header.serialized())).\(Base64URL.encode(JSONValue.object(rig.claims).serialized()))"
        let code = hmacSHA256(key: rig.signer.key.publicKey.modulus, Array(signed.utf8))
        #expect(await rig.refusal(of: "\(signed).\(Base64URL.encode(code))") == .invalid(clause: "V3 alg"))
    }

    @Test func typeIsAbsentOrJWT() async throws {
        #expect(await rig.refusal(of: try rig.token(header: "typ", nil)) == nil)
        for value: JSONValue in ["jwt", "at+jwt", "", .null, 1] {
            #expect(await rig.refusal(of: try rig.token(header: "typ", value)) == .invalid(clause: "V3 typ"))
        }
    }

    @Test(arguments: ["crit", "jwk", "jku", "x5u", "x5c", "b64", "zip"])
    func membersThatSteerAVerifier(name: String) async throws {
        for value: JSONValue in ["x", .null, false] {
            #expect(await rig.refusal(of: try rig.token(header: name, value)) == .invalid(clause: "V3 member"))
        }
    }

    @Test(arguments: [nil, .null, 7, "", "a b", "../etc/passwd", "kid\n", "é", .string(String(repeating: "k", count: 65))] as [JSONValue?])
    func keyIDsOfAnotherForm(value: JSONValue?) async throws {
        #expect(await rig.refusal(of: try rig.token(header: "kid", value)) == .invalid(clause: "V3 kid"))
        #expect(await rig.source.fetches == 0)
    }

    @Test(arguments: [
        #"{"alg":"RS256","kid":"first_key-1","alg":"RS256"}"#, #"{"alg":"RS256","kid":"first_key-1","kid":"first_key-1"}"#,
        #"{"alg":"RS256","kid":"first_key-1","x":{}}"#, #"{"alg":"RS256","kid":"first_key-1",}"#,
        "{\"alg\":\"RS256\",\"kid\":\"first_key-1\"}\u{0}}",
    ])
    func headersThatAreNotStrictJSON(header: String) async throws {
        let token = try rig.signer.token(header: header, payload: JSONValue.object(rig.claims).text)
        #expect(await rig.refusal(of: token) == .invalid(clause: "V3 JSON"))
    }

    @Test(arguments: [
        "[]", "\"RS256\"", "\u{FEFF}{\"alg\":\"RS256\",\"kid\":\"first_key-1\"}", "{\"alg\":\"RS256\",\"kid\":\"first_key-1\"} ",
    ])
    func headersThatAreNoObjectAlone(header: String) async throws {
        let token = try rig.signer.token(header: header, payload: JSONValue.object(rig.claims).text)
        #expect(await rig.refusal(of: token) == .invalid(clause: "V3 object"))
    }

    @Test func headersAreShort() async throws {
        let bare = JSONValue.object(rig.header).text.utf8.count + #","x":"""#.utf8.count
        let fits = JSONValue.string(String(repeating: "x", count: 1_024 - bare))
        #expect(await rig.refusal(of: try rig.token(header: "x", fits)) == nil)
        let tooLong = JSONValue.string(String(repeating: "x", count: 1_025 - bare))
        #expect(await rig.refusal(of: try rig.token(header: "x", tooLong)) == .invalid(clause: "V3 size"))
    }

    @Test func headersAreUTF8() async throws {
        let header = Array(#"{"alg":"RS256","kid":"first_key-1","x":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)
        let signed = "\(Base64URL.encode(header)).\(Base64URL.encode(JSONValue.object(rig.claims).serialized()))"
        let signature = try rig.signer.key.signRS256(Array(signed.utf8))
        #expect(await rig.refusal(of: "\(signed).\(Base64URL.encode(signature))") == .invalid(clause: "V3 JSON"))
    }

    // MARK: V4

    @Test func payloadsAreStrictJSON() async throws {
        let good = JSONValue.object(rig.claims).text
        let open = good.dropLast()
        let deep = String(repeating: "[", count: 8) + String(repeating: "]", count: 8)
        let payloads = [
            "\(open),\"sub\":\"uid-Eve\"}", "\(open),\"x\":1e999}", "\(open),\"x\":NaN}", "\(open),\"x\":\(deep)}", "\(open),}",
            "\(open),\"x\":\"\\u0000\"}", "\(good){}",
        ]
        for payload in payloads {
            let token = try rig.signer.token(header: JSONValue.object(rig.header).text, payload: payload)
            #expect(await rig.refusal(of: token) == .invalid(clause: "V4 JSON"))
        }
    }

    @Test func payloadsAreOneObjectAndNothingElse() async throws {
        let good = JSONValue.object(rig.claims).text
        for payload in ["[\(good)]", "\(good) ", " \(good)", "\(good)\u{0}", "\u{FEFF}\(good)"] {
            let token = try rig.signer.token(header: JSONValue.object(rig.header).text, payload: payload)
            #expect(await rig.refusal(of: token) == .invalid(clause: "V4 object"))
        }
    }

    @Test func sevenLevelsBelowThePayloadAreFine() async throws {
        let nested = try JSONValue(parsing: String(repeating: "[", count: 7) + String(repeating: "]", count: 7))
        #expect(await rig.refusal(of: try rig.token(claim: "x", nested)) == nil)
    }
}
