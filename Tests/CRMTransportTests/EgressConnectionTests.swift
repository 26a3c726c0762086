import CRMTransport
import Synchronization
import TestSupport
import Testing

/// Every address that libcurl was about to connect to, in order, and whether it was let.
private final class Attempts: Sendable {
    struct Attempt: Hashable, Sendable {
        let address: IPAddress
        let isAllowed: Bool
    }

    private let seen = Mutex<[Attempt]>([])
    var all: [Attempt] { seen.withLock { $0 } }
    var allowed: [IPAddress] { all.filter(\.isAllowed).map(\.address) }
    var watcher: HTTPTransport.Watcher {
        { address, isAllowed in self.seen.withLock { $0.append(Attempt(address: address, isAllowed: isAllowed)) } }
    }
}

@Suite("What is connected to")
struct EgressConnectionTests {
    private static let privateAddresses = [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "168.63.129.16", "169.254.169.254",
        "172.16.0.1", "192.168.1.1", "192.0.0.8", "198.18.0.1", "203.0.113.7", "224.0.0.1", "255.255.255.255", "::", "::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2001::7f00:1", "2002:7f00:1::",
        "2001:db8::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1",
    ]

    /// A name that a merchant may well own, and that resolves to where nobody may go.
    @Test(arguments: privateAddresses)
    func aCreatioURLThatPointsAnywherePrivateSeesNoPacket(address: String) async throws {
        let attempts = Attempts()
        let transport = try HTTPTransport(
            policy: EgressPolicy(allow: ["*.creatio.com"]), names: ["acme.creatio.com": [address]], watcher: attempts.watcher)
        await expectFailure(.blocked) {
            try await transport.send(
                HTTPRequest(method: "POST", url: "https://acme.creatio.com/ServiceModel/AuthService.svc/Login", timeout: .seconds(20)))
        }
        #expect(attempts.allowed.isEmpty)
        #expect(attempts.all.map(\.address) == [try #require(IPAddress(address))])
    }

    @Test func aCreatioURLIsJudgedByItsNameFirst() async throws {
        let listener = LoopbackServer { _ in .answer() }
        defer { listener.stop() }
        let attempts = Attempts()
        let policy = try EgressPolicy(allow: ["*.creatio.com"])
        let port = listener.port
        let spellings = [
            "https://127.0.0.1/0/odata", "https://127.0.0.1:\(port)/0/odata", "http://acme.creatio.com/", "https://creatio.com/",
            "https://evilcreatio.com/", "https://acme.creatio.com.evil.example/", "https://acme.creatio.com:\(port)/",
            "https://acme.creatio.com@127.0.0.1:\(port)/", "https://127.0.0.1:\(port)\\@acme.creatio.com/",
            "https://127.0.0.1:\(port)#.creatio.com", "https://127.0.0.1:\(port)?.creatio.com", "https://127.0.0.1%2F.creatio.com/",
            "https://127.0.0.1\u{0}.creatio.com/", "https:///127.0.0.1:\(port)/.creatio.com", "https://[::1]:\(port)/.creatio.com",
            "https://2130706433:\(port)/", "https://0x7f.1:\(port)/", "https://localhost:\(port)/", "https://acme.creatio.com./",
            "https://.creatio.com/", "https://acme..creatio.com/", "gopher://acme.creatio.com:443/", "//acme.creatio.com/",
            "https://acme.creatio.com\t.evil.example/", "https://acme。creatio.com/", "https://acme.cre\u{AD}atio.com/",
        ]
        let transport = try HTTPTransport(
            policy: policy, names: ["acme.creatio.com": ["127.0.0.1"], "creatio.com": ["127.0.0.1"]], watcher: attempts.watcher)
        for url in spellings {
            #expect(!policy.permits(url), "\(url)")
            await expectFailure(.blocked) { try await transport.send(HTTPRequest(url: url, timeout: .seconds(20))) }
        }
        #expect(attempts.all.isEmpty)
        #expect(listener.connections == 0)
        for url in ["https://acme.creatio.com/0/odata", "https://ACME.Creatio.COM/", "https://a.b.creatio.com:443/"] {
            #expect(policy.permits(url), "\(url)")
        }
    }

    /// Whatever the order of a name's addresses, those that are not allowed are passed over, and get nothing.
    @Test(arguments: [
        ["10.0.0.1", "127.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["fd00::1", "127.0.0.1"], ["::ffff:10.0.0.1", "64:ff9b::a00:1", "127.0.0.1"],
        ["169.254.169.254", "fe80::1", "192.168.0.1", "127.0.0.1", "10.0.0.2"],
    ])
    func mixedAnswersReachOnlyWhatIsAllowed(addresses: [String]) async throws {
        let listener = LoopbackServer { _ in .answer(body: "here") }
        defer { listener.stop() }
        let attempts = Attempts()
        let transport = try HTTPTransport(
            policy: EgressPolicy(allow: ["http://crm.example.com:\(listener.port)"], allowsLoopbackOrigins: true),
            names: ["crm.example.com": addresses], watcher: attempts.watcher)
        let response = try await transport.send(HTTPRequest(url: "http://crm.example.com:\(listener.port)/", timeout: .seconds(20)))
        #expect(response.body == Array("here".utf8))
        #expect(attempts.allowed == [try #require(IPAddress("127.0.0.1"))])
        #expect(listener.connections == 1)
    }

    /// None is allowed: the answer is the policy's, not the network's.
    @Test func mixedAnswersOfPrivateAddressesAreRefused() async throws {
        let attempts = Attempts()
        let transport = try HTTPTransport(
            policy: EgressPolicy(allow: ["crm.example.com"]), names: ["crm.example.com": ["10.0.0.1", "::1", "127.0.0.1", "fd00::1"]],
            watcher: attempts.watcher)
        await expectFailure(.blocked) { try await transport.send(HTTPRequest(url: "https://crm.example.com/", timeout: .seconds(20))) }
        #expect(attempts.allowed.isEmpty)
        #expect(Set(attempts.all.map(\.address)).count == 4)
    }

    @Test func addressesOfOursAreRefusedThoughPublic() async throws {
        let database = try #require(IPAddress("1.2.3.4"))
        let attempts = Attempts()
        let transport = try HTTPTransport(
            policy: EgressPolicy(allow: ["crm.example.com"], refusing: [database]), names: ["crm.example.com": ["1.2.3.4"]],
            watcher: attempts.watcher)
        await expectFailure(.blocked) { try await transport.send(HTTPRequest(url: "https://crm.example.com/", timeout: .seconds(20))) }
        #expect(attempts.all == [.init(address: database, isAllowed: false)])
    }

    /// A name that is asked again may have moved: each connection is judged by what it is then.
    @Test func everyConnectionIsJudgedAnew() async throws {
        let listener = LoopbackServer { _ in .raw("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n") }
        defer { listener.stop() }
        let attempts = Attempts()
        let transport = try HTTPTransport(
            policy: EgressPolicy(allow: ["http://crm.example.com:\(listener.port)"], allowsLoopbackOrigins: true),
            names: ["crm.example.com": ["127.0.0.1"]], watcher: attempts.watcher)
        for _ in 0..<3 {
            #expect(try await transport.send(HTTPRequest(url: "http://crm.example.com:\(listener.port)/")).status == 200)
        }
        #expect(attempts.allowed.count == 3)
        #expect(listener.connections == 3)
    }

    @Test func headersDoNotChangeTheWayOfTheNextCall() async throws {
        let elsewhere = LoopbackServer { _ in .answer(status: 418) }
        let server = LoopbackServer { [port = elsewhere.port] _ in
            .answer(headers: [
                ("Set-Cookie", "a=b; Path=/"), ("Strict-Transport-Security", "max-age=31536000"),
                ("Alt-Svc", "h2=\"127.0.0.1:\(port)\"; ma=3600"), ("Refresh", "0; url=http://127.0.0.1:\(port)/"),
                ("Content-Location", "http://127.0.0.1:\(port)/"),
            ])
        }
        defer {
            elsewhere.stop()
            server.stop()
        }
        let transport = try HTTPTransport(policy: EgressPolicy(allow: [server.origin, elsewhere.origin], allowsLoopbackOrigins: true))
        for _ in 0..<3 { #expect(try await transport.send(HTTPRequest(url: server.origin + "/")).status == 200) }
        #expect(server.requests.allSatisfy { $0.headers["cookie"] == nil && $0.headers["accept-encoding"] == nil })
        #expect(server.requests.count == 3)
        #expect(elsewhere.connections == 0)
    }

    /// Compressed answers are handed on as they are: a small one never becomes a large one here.
    @Test func answersAreNotInflated() async throws {
        let server = LoopbackServer { _ in .answer(headers: [("Content-Encoding", "gzip")], body: "not really gzip") }
        defer { server.stop() }
        let transport = try HTTPTransport(policy: EgressPolicy(allow: [server.origin], allowsLoopbackOrigins: true))
        let response = try await transport.send(HTTPRequest(url: server.origin + "/"))
        #expect(response.body == Array("not really gzip".utf8))
    }
}
