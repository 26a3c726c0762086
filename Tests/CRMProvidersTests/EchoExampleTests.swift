import CRMCore
import CRMProviders
import TestSupport
import Testing

@Suite("The example in C")
struct EchoExampleTests {
    private static let echo = CRMType("echo")

    @Test func speaksToItsCRM() async throws {
        let server = LoopbackServer(respond: Self.crm)
        defer { server.stop() }
        let (directories, call) = try await example(server)
        defer { withExtendedLifetime(directories) {} }

        let validated = try await call(.validateCredentials, [:], "echo_sandbox")
        #expect(validated.status == .ok)
        #expect(validated.payload["account"] == ["id": "echo", "name": "Echo"])
        #expect(validated.payload["permissions"]?.arrayValue?.count == 3)

        let contact = try await call(
            .createOrUpdateContact, ["contact": ["email": "zoë@example.com", "properties": ["a": ["}", "\"", 2]]]], "echo_sandbox")
        #expect(contact.payload == ["remote_id": "c-1", "created": true, "warnings": []])
        let event = try await call(.sendEvent, ["event": ["name": "Placed Order", "contact": ["email": "a@b.c"]]], "echo_sandbox")
        #expect(event.payload == ["remote_id": "e-1", "accepted_only": false, "warnings": []])
        let read = try await call(.getContact, ["email": "zoë+1@example.com"], "echo_sandbox")
        #expect(read.payload["remote_id"] == "c-1")
        #expect(read.payload["contact"]?["first_name"] == "Zoë")

        let seen = server.requests
        #expect(
            seen.map { "\($0.method) \($0.target)" } == [
                "POST /echo/validate", "POST /echo/contacts", "POST /echo/events", "GET /echo/contacts?email=zo%C3%AB%2B1%40example.com",
            ])
        #expect(seen.allSatisfy { $0.headers["x-echo-key"] == "echo_sandbox" && $0.headers["idempotency-key"] == "key-1" })
        #expect(try JSONValue(parsing: seen[1].body) == ["email": "zoë@example.com", "properties": ["a": ["}", "\"", 2]]])
    }

    @Test(arguments: [
        (400, ProviderStatus.invalidArgument, false), (401, .invalidCredentials, false), (403, .permissionDenied, false),
        (404, .notFound, false), (409, .conflict, false), (422, .invalidArgument, false), (429, .rateLimited, true), (500, .upstream, true),
        (503, .upstream, true), (302, .upstream, true),
    ])
    func mapsStatuses(status: Int, expected: ProviderStatus, isRetryable: Bool) async throws {
        let server = LoopbackServer { _ in .answer(status: status, headers: [("Retry-After", "7")], body: "{}") }
        defer { server.stop() }
        let (directories, call) = try await example(server)
        defer { withExtendedLifetime(directories) {} }
        let outcome = try await call(.sendEvent, ["event": ["name": "x"]], "k")
        #expect(outcome.status == expected)
        #expect(outcome.isRetryable == isRetryable)
        #expect(outcome.httpStatus == status)
        #expect(outcome.code.hasPrefix("echo."))
        #expect((outcome.retryAfter == .seconds(7)) == (status == 429 || isRetryable))
    }

    @Test(arguments: [
        "", "{", "[]", "null", "{}", "{\"id\":7}", "{\"id\":\"\"}", "{\"id\"", "{\"id\":", "{\"id\":\"", "{\"id\":\"a", "{\"id\":\"a\\",
        "{\"i\\", "{\"a\":[[[[",
        "{\"a\":}", "{\"a\":1 \"id\":\"x\"}", "{\"nested\":{\"id\":\"x\"}}", "{\"id\":\"x\\q\"}", "x\"id\":\"x\"",
    ])
    func survivesStrangeAnswers(body: String) async throws {
        let server = LoopbackServer { _ in .answer(body: body) }
        defer { server.stop() }
        let (directories, call) = try await example(server)
        defer { withExtendedLifetime(directories) {} }
        let outcome = try await call(.sendEvent, ["event": ["name": "x"]], "k")
        #expect(outcome.status == .upstream || outcome.status == .internal)
    }

    @Test func saysWhenAWriteMayHaveHappened() async throws {
        let server = LoopbackServer { _ in .reset }
        defer { server.stop() }
        let (directories, call) = try await example(server)
        defer { withExtendedLifetime(directories) {} }
        let write = try await call(.sendEvent, ["event": ["name": "x"]], "k")
        #expect(write.status == .upstream)
        #expect(write.isAmbiguous)
        #expect(try await call(.getContact, ["email": "a@b.c"], "k").isAmbiguous == false)
    }

    @Test func refusesWhatItCannotDo() async throws {
        let server = LoopbackServer { _ in .answer() }
        defer { server.stop() }
        let (directories, call) = try await example(server)
        defer { withExtendedLifetime(directories) {} }
        #expect(try await call(.batch, ["items": []], "k").status == .unsupported)
        #expect(try await call(.getContact, ["remote_id": "1"], "k").status == .invalidArgument)
        #expect(try await call(.sendEvent, [:], "k").status == .invalidArgument)
        #expect(try await call(.sendEvent, ["event": [:]], "a\"b").status == .invalidArgument)
        #expect(server.connections == 0)
    }

    private typealias Call = (ProviderOperation, JSONValue, String) async throws -> ProviderOutcome

    private func example(_ server: LoopbackServer) async throws -> (ProviderDirectories, Call) {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(
            "Examples/c-echo/echo.c", to: directories.library("libEchoProvider.so"), "-O2", "-Wall", "-Wextra", "-Werror")
        try directories.write(
            """
            library: libEchoProvider.so
            config: {base_url: "\(server.origin)/echo"}
            egress: {allow: ["\(server.origin)"]}
            """, to: "providers.d/echo.yaml")
        let providers = try directories.providers()
        await providers.reload()
        let type = try #require(Self.echo)
        try #require(providers.provider(type) != nil, "\(providers.snapshot())")
        return (
            directories,
            { operation, payload, key in
                let credentials: JSONValue = ["api_key": .string(key)]
                return try #require(
                    await providers.call(
                        type,
                        ProviderRequest(
                            operation: operation, credentials: Secret(credentials.text), payload: payload, idempotencyKey: "key-1",
                            account: "a")))
            }
        )
    }

    /// Echo, as the sandbox plays it.
    @Sendable private static func crm(_ request: LoopbackServer.Request) -> LoopbackServer.Reply {
        switch (request.method, request.target) {
        case ("POST", "/echo/validate"): .answer(body: "{\"id\":\"sandbox\"}")
        case ("POST", "/echo/contacts"): .answer(status: 201, body: "{ \"other\" : [1, {\"id\": \"no\"}] , \"id\" : \"c-1\" }")
        case ("POST", "/echo/events"): .answer(status: 201, body: "{\"id\":\"e-1\"}")
        default: .answer(body: "{\"id\":\"c-1\",\"first_name\":\"Zoë\",\"tags\":[]}")
        }
    }
}
