import CRMCore
import CRMIdentity
import Testing

@Suite("V1: the Authorization header") struct BearerTokenTests {
    static let token = String(repeating: "a", count: 60) + ".-_9Z." + String(repeating: "b", count: 60)

    @Test(arguments: ["Bearer", "bearer", "BEARER", "bEaReR"])
    func theSchemeMayBeWrittenInAnyCase(scheme: String) throws {
        #expect(try BearerToken.parse(headers: ["\(scheme) \(Self.token)"]) == Self.token)
    }

    @Test func exactlyOneHeader() {
        #expect(throws: IdentityError.invalid(clause: "V1 one header")) { try BearerToken.parse(headers: []) }
        let header = "Bearer \(Self.token)"
        #expect(throws: IdentityError.invalid(clause: "V1 one header")) { try BearerToken.parse(headers: [header, header]) }
    }

    @Test(arguments: [
        "", "Bearer", "Basic \(token)", "Bearer\t\(token)", token, " Bearer \(token)", "BearerX \(token)",
    ])
    func otherSchemes(header: String) {
        #expect(throws: IdentityError.invalid(clause: "V1 scheme")) { try BearerToken.parse(headers: [header]) }
    }

    @Test(arguments: [
        "Bearer  \(token)", "Bearer \(token) ", "Bearer \(token)=", "Bearer \(token)+", "Bearer \(token)/", "Bearer \(token), x",
        "Bearer \(token)é", "Bearer \(token)\u{0}", "Bearer \(token)\n",
    ])
    func oneSpaceAndBase64URLOnly(header: String) {
        #expect(throws: IdentityError.invalid(clause: "V1 characters")) { try BearerToken.parse(headers: [header]) }
    }

    @Test(arguments: [0, 1, 3])
    func twoDots(dots: Int) {
        let token = String(repeating: "a", count: 120) + String(repeating: ".", count: dots)
        #expect(throws: IdentityError.invalid(clause: "V1 dots")) { try BearerToken.parse(headers: ["Bearer \(token)"]) }
    }

    @Test func lengths() throws {
        func header(_ length: Int) -> [String] { ["Bearer a.b." + String(repeating: "c", count: length - 4)] }
        for length in [100, 4_096] { #expect(try BearerToken.parse(headers: header(length)).utf8.count == length) }
        for length in [99, 4_097, 1_000_000] {
            #expect(throws: IdentityError.invalid(clause: "V1 length")) { try BearerToken.parse(headers: header(length)) }
        }
        #expect(throws: IdentityError.invalid(clause: "V1 length")) { try BearerToken.parse(headers: ["Bearer "]) }
    }

    @Test func theVerifierHoldsToTheSameForm() async throws {
        let rig = try Rig()
        #expect(await rig.refusal(of: "") == .invalid(clause: "V1 length"))
        #expect(await rig.refusal(of: try rig.token() + "=") == .invalid(clause: "V1 characters"))
        #expect(await rig.refusal(of: try rig.token() + String(repeating: "A", count: 4_000)) == .invalid(clause: "V1 length"))
        #expect(await rig.source.fetches == 0)
    }
}
