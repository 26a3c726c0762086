import CRMTransport
import Glibc
import TestSupport
import Testing

@Suite("The transport on real sockets")
struct HTTPTransportTests {
    @Test func carriesARequestAndItsAnswer() async throws {
        let server = LoopbackServer { _ in .answer(status: 201, headers: [("X-Twice", "a"), ("X-Twice", "b")], body: "made") }
        defer { server.stop() }
        let response = try await transport(for: server).send(
            HTTPRequest(
                method: "POST", url: "\(server.origin)/things?a=b%20c", headers: [HTTPHeader("X-Key", "k"), HTTPHeader("X-Empty", "")],
                body: Array("{\"a\":1}".utf8)))

        #expect(response.status == 201)
        #expect(response.body == Array("made".utf8))
        #expect(response.headers.filter { $0.name == "x-twice" }.map(\.value) == ["a", "b"])
        let request = try #require(server.requests.first)
        #expect(request.method == "POST")
        #expect(request.target == "/things?a=b%20c")
        #expect(request.headers["x-key"] == "k")
        #expect(request.headers["x-empty"] == "")
        #expect(request.headers["user-agent"] == "crm-host")
        #expect(request.headers["content-type"] == nil)
        #expect(request.headers["expect"] == nil)
        #expect(request.text == "{\"a\":1}")
    }

    @Test(arguments: ["GET", "DELETE", "PATCH", "PUT", "POST"])
    func sendsTheMethodAsItIs(method: String) async throws {
        let server = LoopbackServer { _ in .answer() }
        defer { server.stop() }
        #expect(try await transport(for: server).send(HTTPRequest(method: method, url: server.origin + "/")).status == 200)
        #expect(server.requests.map(\.method) == [method])
    }

    @Test(arguments: ["", "{}"]) func neverSendsAWriteTwice(body: String) async throws {
        let server = LoopbackServer { $0.target == "/cut" ? .reset : .answer(body: "x") }
        defer { server.stop() }
        let transport = try transport(for: server)
        // A connection that has served before: libcurl would try such a request again on a new one.
        _ = try await transport.send(HTTPRequest(url: server.origin + "/"))
        await expectFailure(.reset) {
            try await transport.send(HTTPRequest(method: "POST", url: server.origin + "/cut", body: Array(body.utf8)))
        }
        #expect(server.requests.count { $0.target == "/cut" } == 1)
        #expect(try await transport.send(HTTPRequest(url: server.origin + "/")).status == 200)
    }

    @Test func keepsItsConnection() async throws {
        let server = LoopbackServer { _ in .answer(body: "x") }
        defer { server.stop() }
        let transport = try transport(for: server)
        for _ in 0..<20 { _ = try await transport.send(HTTPRequest(url: server.origin + "/")) }
        #expect(server.requests.count == 20)
        #expect(server.connections == 1)
    }

    @Test func runsManyAtOnce() async throws {
        let server = LoopbackServer { .answer(body: $0.target) }
        defer { server.stop() }
        let transport = try transport(for: server)
        let bodies = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<100 {
                group.addTask {
                    String(decoding: try await transport.send(HTTPRequest(url: "\(server.origin)/\(number)")).body, as: UTF8.self)
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(bodies == Set((0..<100).map { "/\($0)" }))
    }

    @Test func doesNotFollowRedirects() async throws {
        let elsewhere = LoopbackServer { _ in .answer() }
        let server = LoopbackServer { [origin = elsewhere.origin] _ in .answer(status: 302, headers: [("Location", origin + "/")]) }
        defer {
            elsewhere.stop()
            server.stop()
        }
        #expect(try await transport(for: server, elsewhere).send(HTTPRequest(url: server.origin + "/")).status == 302)
        #expect(elsewhere.connections == 0)
    }

    @Test func ignoresAProxyInTheEnvironment() async throws {
        let proxy = LoopbackServer { _ in .answer(status: 418) }
        let server = LoopbackServer { _ in .answer() }
        defer {
            proxy.stop()
            server.stop()
        }
        setenv("http_proxy", proxy.origin, 1)
        setenv("ALL_PROXY", proxy.origin, 1)
        defer {
            unsetenv("http_proxy")
            unsetenv("ALL_PROXY")
        }
        #expect(try await transport(for: server).send(HTTPRequest(url: server.origin + "/")).status == 200)
        #expect(proxy.connections == 0)
    }

    @Test func endsAtItsDeadline() async throws {
        let server = LoopbackServer { $0.target == "/" ? .answer() : .silence }
        defer { server.stop() }
        let transport = try transport(for: server)
        // With the connection made, the time goes into waiting for the answer.
        _ = try await transport.send(HTTPRequest(url: server.origin + "/"))
        await expectFailure(.timeout) {
            try await transport.send(HTTPRequest(url: server.origin + "/silent", timeout: .milliseconds(200)))
        }
    }

    @Test func saysWhenTheConnectionBroke() async throws {
        let server = LoopbackServer { request in
            request.target == "/reset" ? .reset : .raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this")
        }
        defer { server.stop() }
        let transport = try transport(for: server)
        await expectFailure(.reset) { try await transport.send(HTTPRequest(url: server.origin + "/reset")) }
        await expectFailure(.reset) { try await transport.send(HTTPRequest(url: server.origin + "/truncated")) }
    }

    @Test func saysWhenTheAnswerIsNotHTTP() async throws {
        let server = LoopbackServer { _ in .raw("220 mail.example ESMTP\r\n") }
        defer { server.stop() }
        let transport = try transport(for: server)
        await expectFailure(.reset) { try await transport.send(HTTPRequest(url: server.origin + "/")) }
    }

    @Test func saysWhenNobodyListens() async throws {
        let server = LoopbackServer { _ in .answer() }
        let transport = try transport(for: server)
        _ = try await transport.send(HTTPRequest(url: server.origin + "/"))
        let silent = LoopbackServer { _ in .answer() }
        let other = try HTTPTransport(policy: EgressPolicy(allow: [silent.origin], allowsLoopbackOrigins: true))
        silent.stop()
        server.stop()
        // The listener closes on its own thread: until then the kernel still takes connections.
        for _ in 0..<200 {
            do throws(HTTPFailure) {
                _ = try await other.send(HTTPRequest(url: silent.origin + "/"))
            } catch {
                if error.code == .connect { return }
            }
        }
        Issue.record("no connection failure")
    }

    @Test(arguments: [true, false])
    func stopsAtTheLimitOfTheBody(isAnnounced: Bool) async throws {
        let server = LoopbackServer { _ in isAnnounced ? .answer(body: String(repeating: "x", count: 65_536)) : .chunked(65_536) }
        defer { server.stop() }
        let transport = try transport(for: server)
        let fits = try await transport.send(HTTPRequest(url: server.origin + "/", maximumResponseBytes: 65_536))
        #expect(fits.body.count == 65_536)
        await expectFailure(.tooLarge) {
            try await transport.send(HTTPRequest(url: server.origin + "/", maximumResponseBytes: 65_535))
        }
    }

    @Test func stopsAtTheLimitOfTheHeaders() async throws {
        let server = LoopbackServer { _ in .answer(headers: (0..<40).map { ("X-\($0)", String(repeating: "h", count: 1_000)) }) }
        defer { server.stop() }
        let transport = try transport(for: server)
        await expectFailure(.tooLarge) { try await transport.send(HTTPRequest(url: server.origin + "/")) }
    }

    @Test func keepsNoBodyThatIsNotWanted() async throws {
        let server = LoopbackServer { _ in .answer(body: "unwanted") }
        defer { server.stop() }
        let response = try await transport(for: server).send(HTTPRequest(url: server.origin + "/", discardsBody: true))
        #expect(response.status == 200)
        #expect(response.body.isEmpty)
    }

    @Test func isCancelledWithItsTask() async throws {
        let server = LoopbackServer { _ in .silence }
        defer { server.stop() }
        let transport = try transport(for: server)
        let call = Task { try await transport.send(HTTPRequest(url: server.origin + "/", timeout: .seconds(60))) }
        while server.requests.isEmpty { await Task.yield() }
        call.cancel()
        await expectFailure(.cancelled) { try await call.value }

        let early = Task { try await transport.send(HTTPRequest(url: server.origin + "/", timeout: .seconds(60))) }
        early.cancel()
        await expectFailure(.cancelled) { try await early.value }
    }

    @Test func failsWhatIsUnderWayWhenItEnds() async throws {
        let server = LoopbackServer { _ in .silence }
        defer { server.stop() }
        let transport = try transport(for: server)
        let call = Task { try await transport.send(HTTPRequest(url: server.origin + "/", timeout: .seconds(60))) }
        while server.requests.isEmpty { await Task.yield() }
        transport.shutdown()
        await expectFailure(.cancelled) { try await call.value }
        await expectFailure(.cancelled) { try await transport.send(HTTPRequest(url: server.origin + "/")) }
        // Whoever starts a call may hold a lock that the completion needs.
        #expect(!transport.start(HTTPRequest(url: server.origin + "/"), id: transport.makeID()) { _ in Issue.record("completed") })
        #expect(!transport.refuse(.blockedTarget, id: transport.makeID()) { _ in Issue.record("completed") })
    }

    @Test(arguments: [
        HTTPRequest(method: "GET / HTTP/1.1\r\nX: y", url: "/"), HTTPRequest(url: "/", headers: [HTTPHeader("X", "a\r\nY: b")]),
        HTTPRequest(url: "/", headers: [HTTPHeader("X: a\r\nY", "b")]), HTTPRequest(url: "/", headers: [HTTPHeader("Host", "other")]),
        HTTPRequest(url: "/", headers: [HTTPHeader("Content-Length", "0")]),
        HTTPRequest(url: "/", headers: [HTTPHeader("Transfer-Encoding", "chunked")]),
        HTTPRequest(url: "/", headers: [HTTPHeader("X", "a\u{0}b")]), HTTPRequest(method: "", url: "/"),
    ])
    func refusesWhatCouldSmuggle(request: HTTPRequest) async throws {
        let server = LoopbackServer { _ in .answer() }
        defer { server.stop() }
        let transport = try transport(for: server)
        var request = request
        request.url = server.origin + request.url
        await expectFailure(.blocked) { [request] in try await transport.send(request) }
        #expect(server.connections == 0)
    }

    private func transport(for servers: LoopbackServer...) throws -> HTTPTransport {
        try HTTPTransport(policy: EgressPolicy(allow: servers.map(\.origin), allowsLoopbackOrigins: true))
    }
}

func expectFailure(
    _ code: HTTPFailure.Code, _ location: SourceLocation = #_sourceLocation, _ call: () async throws -> HTTPResponse
) async {
    do {
        let response = try await call()
        Issue.record("answered \(response.status)", sourceLocation: location)
    } catch let failure as HTTPFailure {
        #expect(failure.code == code, sourceLocation: location)
        #expect(!failure.message.contains("127."), sourceLocation: location)
    } catch {
        Issue.record(error, sourceLocation: location)
    }
}
