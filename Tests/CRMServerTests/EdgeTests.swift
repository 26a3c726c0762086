import CRMCore
import CRMServer
import TestSupport
import Testing

@Suite struct EdgeTests {
    @Test func everyAnswerHasItsHeaders() async throws {
        try await RunningServer.run { server in
            for path in ["/healthz", "/nothing", "/auth/me"] {
                let answer = try await server.send("GET", path, as: nil)
                #expect(answer["Cache-Control"] == "no-store")
                #expect(answer["X-Content-Type-Options"] == "nosniff")
                #expect(answer["X-Request-Id"]?.count == 36)
                #expect(answer["Server"] == nil)
            }
        }
    }

    @Test func aWellFormedRequestIDIsKept() async throws {
        try await RunningServer.run { server in
            let kept = try await server.send("GET", "/nothing", headers: ["X-Request-Id": "order-1.a_B"])
            #expect(kept["X-Request-Id"] == "order-1.a_B")
            #expect(kept.json["request_id"] == "order-1.a_B")
            for bad in ["", "a b", "a;b", String(repeating: "a", count: 129)] {
                let made = try await server.send("GET", "/healthz", headers: ["X-Request-Id": bad])
                #expect(made["X-Request-Id"] != bad)
                #expect(made["X-Request-Id"]?.count == 36)
            }
        }
    }

    @Test func unknownPathsAndMethodsAreProblems() async throws {
        try await RunningServer.run { server in
            let missing = try await server.send("GET", "/v9/crm/list")
            #expect(missing.status == 404)
            #expect(missing.code == "route_not_found")
            #expect(missing["Content-Type"] == "application/problem+json")
            for (method, path, allow) in [
                ("PUT", "/crm/connect", "POST"), ("PATCH", "/crm/list", "GET, HEAD"), ("TRACE", "/healthz", "GET, HEAD"),
                ("PUT", "/crm/klaviyo", "PATCH"), ("DELETE", "/crm/klaviyo/contacts", "GET, HEAD, POST"),
            ] {
                let answer = try await server.send(method, path, headers: ["X-HTTP-Method-Override": "GET"])
                #expect(answer.status == 405, "\(method) \(path)")
                #expect(answer.code == "method_not_allowed")
                #expect(answer["Allow"] == allow)
            }
        }
    }

    @Test func headHasNoBodyAndTheSameAuthentication() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let refused = try await server.send("HEAD", "/auth/me", as: nil)
            #expect(refused.status == 401)
            let bytes = try await server.client.exchange(
                Array("HEAD /auth/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer token-anna\r\nConnection: close\r\n\r\n".utf8))
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.1 200"))
            #expect(text.hasSuffix("\r\n\r\n"))
            let missing = try await server.client.exchange(Array("HEAD /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8))
            #expect(String(decoding: missing, as: UTF8.self).hasSuffix("\r\n\r\n"))
        }
    }

    @Test(arguments: [
        ("GET /healthz HTTP/1.1\r\n", "no host"), ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n", "two hosts"),
        ("GET /healthz HTTP/1.1\r\nHost: user@a\r\n", "a user in the host"), ("GET * HTTP/1.1\r\nHost: a\r\n", "a target that is no path"),
        ("POST /auth/bootstrap HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n", "two lengths"),
    ])
    func ambiguousRequestsAreRefused(_ head: String, _ why: String) async throws {
        try await RunningServer.run { server in
            let received = try await server.client.exchange(Array((head + "Connection: close\r\n\r\n0\r\n\r\n").utf8))
            #expect(HTTPClientAnswers.statuses(received).first == 400, "\(why)")
        }
    }

    @Test(arguments: ["GET /healthz HTTP/1.0\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"])
    func anAmbiguousRequestIsTheLastOfItsConnection(_ request: String) async throws {
        try await RunningServer.run { server in
            // Less patience than the server has with a silent connection.
            let received = try await server.client.exchange(Array(request.utf8), patience: 5)
            let answer = try #require(HTTPClient.answers(in: received).first)
            #expect(answer.status == 400)
            #expect(answer["Connection"] == "close")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await RunningServer.run { server in
            let requests = (0..<50).map { "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: r\($0)\r\n\r\n" }.joined()
            let last = "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: last\r\nConnection: close\r\n\r\n"
            let answers = HTTPClient.answers(in: try await server.client.exchange(Array((requests + last).utf8)))
            #expect(answers.compactMap { $0["X-Request-Id"] } == (0..<50).map { "r\($0)" } + ["last"])
        }
    }

    @Test func hugeHeadersCloseTheConnectionAndNothingElse() async throws {
        try await RunningServer.run { server in
            let many = (0..<2_000).map { "X-\($0): 1\r\n" }.joined()
            let long = "X-Long: " + String(repeating: "a", count: 1_000_000) + "\r\n"
            let cookies = "Cookie: " + String(repeating: "a", count: 33 * 1_024) + "\r\n"
            for header in [many, long, cookies] {
                let received = try await server.client.exchange(Array("GET /healthz HTTP/1.1\r\nHost: a\r\n\(header)\r\n".utf8))
                let statuses = HTTPClientAnswers.statuses(received)
                #expect(statuses.isEmpty || statuses == [400])
            }
            #expect(try await server.send("GET", "/healthz").status == 200)
        }
    }

    @Test func aSilentConnectionIsClosed() async throws {
        var listener = Listener(host: "127.0.0.1", port: 0)
        listener.idleTimeout = .milliseconds(200)
        try await RunningServer.run(listener: listener) { server in
            let received = try await server.client.exchange(Array("GET /healthz HTTP/1.1\r\nHo".utf8))
            #expect(received.isEmpty)
        }
    }

    @Test func theAccessLogHasNoTokensAndNoQueries() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.connect("klaviyo", uid: "anna")
            _ = try await server.send("GET", "/crm/klaviyo/contacts?email=secret-person@example.com", headers: ["X-Request-Id": "logged-1"])
            let line = try #require(server.log.all.first { $0.contains("logged-1") && $0.contains("status=200") })
            #expect(line.contains("path=/crm/klaviyo/contacts"))
            #expect(!line.contains("hb.request.id"))
            #expect(!server.log.all.contains { $0.contains("secret-person") || $0.contains("token-anna") })
        }
    }

    @Test(
        arguments: [
            ("198.51.100.7", "127.0.0.1", []), ("198.51.100.7", "198.51.100.7", ["127.0.0.1"]),
            ("1.2.3.4, 198.51.100.7, 10.0.0.1", "198.51.100.7", ["127.0.0.1", "10.0.0.1"]),
            ("1.2.3.4, <script>", "127.0.0.1", ["127.0.0.1"]),
            ("1.2.3.4,", "127.0.0.1", ["127.0.0.1"]),
        ] as [(String, String, Set<String>)])
    func onlyATrustedProxySaysWhoTheClientIs(_ forwarded: String, _ expected: String, _ proxies: Set<String>) async throws {
        try await RunningServer.run(.with(\.trustedProxies, proxies)) { server in
            _ = try await server.send("GET", "/nothing", as: nil, headers: ["X-Forwarded-For": forwarded])
            let line = try #require(server.log.all.first { $0.contains("path=/nothing") })
            #expect(line.contains("client=\(expected) "))
        }
    }

    @Test func readinessNamesTheFailingPart() async throws {
        try await RunningServer.run { server in
            #expect(try await server.send("GET", "/readyz", as: nil).status == 200)
            server.service.change { $0.readiness = .failing(part: "database", detail: "It does not answer.") }
            let answer = try await server.send("GET", "/readyz", as: nil)
            #expect(answer.status == 503)
            #expect(answer.json["detail"] == "database: It does not answer.")
            #expect(answer["Retry-After"] != nil)
            #expect(try await server.send("GET", "/healthz", as: nil).json == ["status": "ok"])
        }
    }

    @Test func aStoreThatIsAwayIsA503() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            server.service.change { $0.storeError = .unavailable(retryAfter: .seconds(3)) }
            let answer = try await server.send("GET", "/crm/list")
            #expect(answer.status == 503)
            #expect(answer.code == "service_unavailable")
            #expect(answer["Retry-After"] == "3")
            server.service.change { $0.storeError = .refused(sqlState: "42501", constraint: "secret_name") }
            let refused = try await server.send("GET", "/crm/list")
            #expect(refused.status == 500)
            #expect(!refused.text.contains("42501") && !refused.text.contains("secret_name"))
        }
    }

    @Test func unknownParametersAreRefused() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let unknown = try await server.send("GET", "/crm/list?offset=5")
            #expect(unknown.status == 400)
            #expect(unknown.code == "unknown_parameter")
            for query in [
                "limit=1&limit=2", "limit=0", "limit=201", "limit=x", "since=yesterday", "crm_type=%zz", "contact=%00", "outcome=great",
            ] {
                let answer = try await server.send("GET", "/crm/sync-logs?\(query)")
                #expect(answer.status == 400, "\(query)")
                #expect(answer.code == "invalid_parameter", "\(query)")
            }
        }
    }
}
