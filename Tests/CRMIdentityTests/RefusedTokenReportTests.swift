import CRMCore
import CRMCrypto
import CRMIdentity
import Testing

@Suite("What is said about a refused token") struct RefusedTokenReportTests {
    private func reported(_ rig: Rig) throws -> (trace: TokenTrace, error: IdentityError) {
        let refused = rig.events.events.compactMap { event -> (TokenTrace, IdentityError)? in
            if case .tokenRefused(let trace, let error) = event { (trace, error) } else { nil }
        }
        return try #require(refused.last)
    }

    @Test func theHashTheKeyIDAndWhetherTheAudienceMatched() async throws {
        let rig = try Rig()
        let token = try rig.token(claim: "iss", "https://evil.example")
        #expect(await rig.refusal(of: token) == .invalid(clause: "V6"))
        let (trace, error) = try reported(rig)
        let hash = SHA256.hash(Array(token.utf8)).prefix(4).map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
        #expect(trace.hash == hash && trace.keyID == rig.signer.id && trace.audienceMatches == true)
        #expect(error == .invalid(clause: "V6"))
    }

    @Test func anotherAudience() async throws {
        let rig = try Rig()
        #expect(await rig.refusal(of: try rig.token(claim: "aud", "other-project")) == .invalid(clause: "V5"))
        #expect(try reported(rig).trace.audienceMatches == false)
    }

    @Test func nothingThatWasNotUnderstood() async throws {
        let rig = try Rig()
        #expect(await rig.refusal(of: try rig.token(header: "kid", "line\nfeed")) == .invalid(clause: "V3 kid"))
        let trace = try reported(rig).trace
        #expect(trace.keyID == nil && trace.audienceMatches == nil)
    }

    @Test func neitherTheTokenNorAClaim() async throws {
        let rig = try Rig()
        let marker = "m4rk3r-5f1c"
        let names = ["iss", "sub", "user_id", "email", "name", "exp", "iat", "auth_time", "nbf", "firebase", "aud"]
        for name in names {
            let token = try rig.token(claim: name, .string(marker))
            _ = await rig.refusal(of: token)
            let forged = try rig.token(claim: name, .string(marker), signer: try SigningKey.second.get())
            _ = await rig.refusal(of: forged)
            let shown = rig.events.events.map { "\($0)\(String(reflecting: $0))" }.joined()
            #expect(!shown.contains(marker))
            for part in token.split(separator: ".") + forged.split(separator: ".") { #expect(!shown.contains(part)) }
        }
        #expect(rig.events.events.count > names.count)
    }

    @Test func anAcceptedTokenIsNotMentioned() async throws {
        let rig = try Rig()
        #expect(await rig.refusal(of: try rig.token()) == nil)
        #expect(rig.events.events == [.keysRefreshed(count: 1, lifetime: .seconds(3_600))])
    }
}
