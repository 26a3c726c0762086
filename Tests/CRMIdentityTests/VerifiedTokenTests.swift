import CRMCore
import CRMCrypto
import CRMIdentity
import Testing

@Suite("V19: remembered results") struct VerifiedTokenTests {
    @Test func aTokenIsRememberedForAMinute() async throws {
        // Once Google has withdrawn the key, only memory can answer.
        let rig = try Rig()
        let token = try rig.token()
        #expect(await rig.refusal(of: token) == nil)
        rig.clock.advance(by: .seconds(59))
        try await rig.withdrawFirstKey()
        rig.clock.advance(by: .seconds(1) - .microseconds(1))
        #expect(await rig.refusal(of: token) == nil)
        rig.clock.advance(by: .microseconds(1))
        #expect(await rig.refusal(of: token) == .invalid(clause: "V10"))
    }

    @Test func memoryEndsWithTheToken() async throws {
        let rig = try Rig(rules: FirebaseRules(projectID: "shop-1", skew: .zero))
        let token = try rig.token(claim: "exp", .integer(rig.seconds + 20))
        #expect(await rig.refusal(of: token) == nil)
        rig.clock.advance(by: .seconds(20) - .microseconds(1))
        #expect(await rig.refusal(of: token) == nil)
        rig.clock.advance(by: .microseconds(1))
        #expect(await rig.refusal(of: token) == .expired)
    }

    @Test func aBadSignatureIsRememberedForFiveSeconds() async throws {
        let rig = try Rig()
        let forged = try rig.token(signer: try SigningKey.second.get())
        #expect(await rig.refusal(of: forged) == .invalid(clause: "V11"))
        rig.clock.advance(by: .seconds(5) - .microseconds(1))
        #expect(await rig.refusal(of: forged) == .invalid(clause: "V11 remembered"))
        rig.clock.advance(by: .microseconds(1))
        #expect(await rig.refusal(of: forged) == .invalid(clause: "V11"))
    }

    @Test func noOtherFailureIsRemembered() async throws {
        let rig = try Rig()
        let early = try rig.token(claim: "iat", .integer(rig.seconds + 31))
        #expect(await rig.refusal(of: early) == .invalid(clause: "V8 iat in the future"))
        rig.clock.advance(by: .seconds(1))
        #expect(await rig.refusal(of: early) == nil)
    }

    @Test func missingKeysAreNotRemembered() async throws {
        let signer = try SigningKey.first.get()
        let rig = try Rig(source: ScriptedSource(.failure, .document(KeyDocument(signer.jwk))))
        let token = try rig.token()
        #expect(await rig.refusal(of: token) == .keysUnavailable(retryAfter: .seconds(10)))
        rig.clock.advance(by: .seconds(10))
        #expect(await rig.refusal(of: token) == nil)
    }

    @Test func aForgeryBesideARememberedTokenStaysAForgery() async throws {
        let rig = try Rig()
        let token = try rig.token()
        #expect(await rig.refusal(of: token) == nil)
        let parts = token.split(separator: ".")
        let flipped = try #require(Base64URL.decode(parts[2])).enumerated().map { $0 == 9 ? $1 ^ 1 : $1 }
        #expect(await rig.refusal(of: "\(parts[0]).\(parts[1]).\(Base64URL.encode(flipped))") == .invalid(clause: "V11"))
    }

    @Test func moreForgeriesThanAreRememberedLeaveTheGenuineTokenAlone() async throws {
        let rig = try Rig()
        let token = try rig.token()
        let identity = try await rig.verifier.verify(bearer: token)
        let parts = token.split(separator: ".")
        for number in 0..<1_500 {
            let noise = SHA256.hash([UInt8(truncatingIfNeeded: number), UInt8(number >> 8)])
            #expect(await rig.refusal(of: "\(parts[0]).\(parts[1]).\(Base64URL.encode(noise))") == .invalid(clause: "V11"))
        }
        rig.clock.advance(by: .seconds(10))
        try await rig.withdrawFirstKey()
        #expect(try await rig.verifier.verify(bearer: token) == identity)
    }
}

extension Rig {
    /// Google publishes another key in its place, and the cache learns it.
    fileprivate func withdrawFirstKey() async throws {
        let second = try SigningKey.second.get()
        await source.answer(.document(KeyDocument(second.jwk)))
        #expect(try await keys.key(second.id) != nil)
        #expect(try await keys.key(signer.id) == nil)
    }
}
