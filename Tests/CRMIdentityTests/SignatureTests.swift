import CRMCore
import CRMCrypto
import CRMIdentity
import Testing

@Suite("V10, V11: key and signature") struct SignatureTests {
    // MARK: V10

    @Test func aKeyThatNobodyPublishes() async throws {
        let rig = try Rig()
        #expect(await rig.refusal(of: try rig.token(header: "kid", "unheard-of")) == .invalid(clause: "V10"))
    }

    static let unfit: [(name: String, value: JSONValue?)] = [
        ("kty", "EC"), ("kty", nil), ("alg", "RS512"), ("alg", "none"), ("use", "enc"), ("kid", nil), ("kid", ""), ("kid", "a b"),
        ("e", "Aw"), ("e", "AAEAAQ"), ("e", nil), ("n", nil), ("n", "!"), ("n", "AQAB"), ("n", 65_537),
        // 255 bytes, 513 bytes, an even number of 256 bytes.
        ("n", .string(Base64URL.encode(.init(repeating: 0xFF, count: 255)))),
        ("n", .string(Base64URL.encode(.init(repeating: 0xFF, count: 513)))),
        ("n", .string(Base64URL.encode(.init(repeating: 0xFE, count: 256)))),
        // 2,047 bits.
        ("n", .string(Base64URL.encode([0x7F] + .init(repeating: 0xFF, count: 255)))),
    ]

    @Test(arguments: unfit.indices)
    func keysThatAreNotFit(index: Int) async throws {
        let (name, value) = Self.unfit[index]
        let signer = try SigningKey.first.get()
        let other = try SigningKey.second.get()
        let document = KeyDocument(other.jwk, signer.jwk(changing: name, to: value))
        let rig = try Rig(source: ScriptedSource(.document(document)))
        #expect(await rig.refusal(of: try rig.token()) == .invalid(clause: "V10"))
        var header = rig.header
        header["kid"] = .string(other.id)
        #expect(await rig.refusal(of: try rig.token(header: header, signer: other)) == nil)
    }

    @Test func aWeakKeyIsNotUsedThoughPublished() async throws {
        let weak = try SigningKey("weak", bits: 1_024)
        let rig = try Rig(source: ScriptedSource(.document(KeyDocument(weak.jwk, try SigningKey.first.get().jwk))))
        var header = rig.header
        header["kid"] = "weak"
        #expect(await rig.refusal(of: try rig.token(header: header, signer: weak)) == .invalid(clause: "V10"))
    }

    @Test(arguments: [3_072, 4_096])
    func longerKeysAreFine(bits: Int) async throws {
        let long = try SigningKey("long", bits: bits)
        let rig = try Rig(source: ScriptedSource(.document(KeyDocument(long.jwk))))
        var header = rig.header
        header["kid"] = "long"
        #expect(await rig.refusal(of: try rig.token(header: header, signer: long)) == nil)
    }

    @Test(arguments: ["alg", "use"])
    func whatAKeyIsForMayBeLeftOut(name: String) async throws {
        let jwk = try SigningKey.first.get().jwk(changing: name, to: nil)
        let rig = try Rig(source: ScriptedSource(.document(KeyDocument(jwk))))
        #expect(await rig.refusal(of: try rig.token()) == nil)
    }

    // MARK: V11

    @Test func anotherKeyUnderAPublishedID() async throws {
        let rig = try Rig()
        #expect(await rig.refusal(of: try rig.token(signer: try SigningKey.second.get())) == .invalid(clause: "V11"))
    }

    @Test func eachKeyUnderItsOwnID() async throws {
        let second = try SigningKey.second.get()
        let rig = try Rig(source: ScriptedSource(.document(KeyDocument(try SigningKey.first.get().jwk, second.jwk))))
        var header = rig.header
        header["kid"] = .string(second.id)
        #expect(await rig.refusal(of: try rig.token(header: header, signer: second)) == nil)
        #expect(await rig.refusal(of: try rig.token(header: header)) == .invalid(clause: "V11"))
    }

    @Test func anotherPayloadUnderTheSignature() async throws {
        let rig = try Rig()
        let genuine = try rig.token().split(separator: ".")
        let wanted = try rig.token(claim: "name", "Eve").split(separator: ".")
        #expect(await rig.refusal(of: "\(genuine[0]).\(wanted[1]).\(genuine[2])") == .invalid(clause: "V11"))
    }

    @Test func theReceivedBytesAreWhatIsSigned() async throws {
        // The same claims in another spelling: spaces, another order, an escape.
        let rig = try Rig()
        let claims = rig.claims.reversed().map { "\(JSONValue.string($0.key).text) : \($0.value.text)" }.joined(separator: " ,\n ")
        let payload = "{ \(claims.replacing("uid-Ada", with: "\\u0075id-Ada")) }"
        let token = try rig.signer.token(header: JSONValue.object(rig.header).text, payload: payload)
        #expect(try await rig.verifier.verify(bearer: token).uid == "uid-Ada")
        let parts = token.split(separator: ".")
        let respelt = Base64URL.encode(JSONValue.object(rig.claims).serialized())
        #expect(await rig.refusal(of: "\(parts[0]).\(respelt).\(parts[2])") == .invalid(clause: "V11"))
    }

    @Test func signaturesHaveTheLengthOfTheModulus() async throws {
        let rig = try Rig()
        let token = try rig.token()
        let parts = token.split(separator: ".")
        let signature = try #require(Base64URL.decode(parts[2]))
        let others = [Array(signature.dropLast()), signature + [0], [0] + signature, [0], .init(repeating: 0, count: 256)]
        for other in others {
            #expect(await rig.refusal(of: "\(parts[0]).\(parts[1]).\(Base64URL.encode(other))") == .invalid(clause: "V11"))
        }
        #expect(await rig.refusal(of: token) == nil)
    }

    @Test func theCheapClausesComeBeforeTheNetwork() async throws {
        let rig = try Rig(source: ScriptedSource(.failure))
        #expect(await rig.refusal(of: try rig.token(claim: "aud", "shop-2")) == .invalid(clause: "V5"))
        #expect(await rig.refusal(of: try rig.token(claim: "exp", 1)) == .expired)
        #expect(await rig.source.fetches == 0)
        #expect(await rig.refusal(of: try rig.token()) == .keysUnavailable(retryAfter: .seconds(10)))
        #expect(await rig.source.fetches == 1)
    }
}
