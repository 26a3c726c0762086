import CRMCore
import CRMServer
import TestSupport
import Testing

@Suite struct CORSTests {
    private static let shop = "https://shop.example"

    @Test func aListedOriginReadsEveryAnswer() async throws {
        try await RunningServer.run(.with(\.allowedOrigins, [Self.shop])) { server in
            let tooLarge = String(repeating: " ", count: 300_000)
            let answers = [
                try await server.send("GET", "/healthz", as: nil, headers: ["Origin": Self.shop]),
                try await server.send("GET", "/auth/me", as: nil, headers: ["Origin": Self.shop]),
                try await server.send("GET", "/nothing", as: nil, headers: ["Origin": Self.shop]),
                try await server.send("POST", "/auth/bootstrap", headers: ["Origin": Self.shop], .string(tooLarge)),
            ]
            #expect(answers.map(\.status) == [200, 401, 404, 413])
            for answer in answers {
                #expect(answer["Access-Control-Allow-Origin"] == Self.shop)
                #expect(answer["Vary"] == "Origin")
                #expect(answer["Access-Control-Allow-Credentials"] == nil)
                #expect(answer["Access-Control-Expose-Headers"]?.contains("X-Request-Id") == true)
            }
        }
    }

    @Test(arguments: [
        "https://shop.example.evil.com", "http://shop.example", "https://shop.example:444", "https://SHOP.example", "null",
        "https://evil.com",
        "https://shop.example/",
    ])
    func anyOtherOriginIsToldNothing(_ origin: String) async throws {
        try await RunningServer.run(.with(\.allowedOrigins, [Self.shop])) { server in
            let answer = try await server.send("GET", "/healthz", as: nil, headers: ["Origin": origin])
            #expect(answer.status == 200)
            #expect(answer["Access-Control-Allow-Origin"] == nil)
            let preflight = try await server.send(
                "OPTIONS", "/crm/connect", as: nil, headers: ["Origin": origin, "Access-Control-Request-Method": "POST"])
            #expect(preflight.status == 405)
            #expect(preflight["Access-Control-Allow-Origin"] == nil)
        }
    }

    @Test func withoutOriginsThereIsNoCORS() async throws {
        try await RunningServer.run { server in
            let answer = try await server.send("GET", "/healthz", as: nil, headers: ["Origin": Self.shop])
            #expect(answer["Access-Control-Allow-Origin"] == nil)
            #expect(answer["Vary"] == nil)
        }
    }

    @Test func aPreflightNeedsNoTokenAndCarriesNothing() async throws {
        try await RunningServer.run(.with(\.allowedOrigins, [Self.shop])) { server in
            let answer = try await server.send(
                "OPTIONS", "/auth/profile", as: nil, headers: ["Origin": Self.shop, "Access-Control-Request-Method": "PATCH"])
            #expect(answer.status == 204)
            #expect(answer["Access-Control-Allow-Methods"] == "PATCH")
            #expect(answer["Access-Control-Allow-Headers"]?.contains("Idempotency-Key") == true)
            #expect(answer.body.isEmpty)
        }
    }
}
