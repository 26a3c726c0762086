import CRMTransport
import TestSupport
import Testing

@Suite("What may be reached")
struct EgressPolicyTests {
    @Test(arguments: [
        ("a.klaviyo.com:443", "https://a.klaviyo.com/api/profiles/?filter=equals(email,%22a%22)", true),
        ("a.klaviyo.com", "https://a.klaviyo.com/", true), ("a.klaviyo.com:443", "https://A.Klaviyo.COM:443/", true),
        ("a.klaviyo.com:443", "https://b.klaviyo.com/", false), ("a.klaviyo.com:443", "https://a.klaviyo.com.evil.example/", false),
        ("a.klaviyo.com:443", "http://a.klaviyo.com/", false), ("a.klaviyo.com:443", "http://a.klaviyo.com:443/", false),
        ("a.klaviyo.com:443", "https://a.klaviyo.com:8443/", false), ("a.klaviyo.com:443", "https://a.klaviyo.com:444/", false),
        ("*.my.salesforce.com:443", "https://acme.my.salesforce.com/", true),
        ("*.my.salesforce.com:443", "https://acme--dev.sandbox.my.salesforce.com/", true),
        ("*.my.salesforce.com:443", "https://my.salesforce.com/", false),
        ("*.my.salesforce.com:443", "https://evilmy.salesforce.com/", false),
        ("*.my.salesforce.com:443", "https://acme.my.salesforce.com.evil.example/", false),
        ("crm.example.com:8443", "https://crm.example.com:8443/", true), ("crm.example.com:8443", "https://crm.example.com/", false),
    ])
    func decidesByName(rule: String, url: String, isAllowed: Bool) throws {
        #expect(try EgressPolicy(allow: [rule]).permits(url) == isAllowed)
    }

    @Test(arguments: [
        "https://user@a.example.com/", "https://user:secret@a.example.com/", "https://a.example.com@evil.example/",
        "https://a.example.com\\@evil.example/", "https://a.example.com\\.evil.example/", "https:///a.example.com/",
        "https:/a.example.com/",
        "https:a.example.com/", "//a.example.com/", "a.example.com", "https://a.example.com/#fragment",
        "https://a.example.com#@evil.example/",
        "https://%61.example.com/", "https://a%2eexample.com/", "https://a.example.com./", "https://a.example.com:/",
        "https://a.example.com:0443/x\u{0}",
        "https://a.example.com: 443/", " https://a.example.com/", "https://a.example.com/ x", "https://a.example.com/\n",
        "https://a.example.com/\u{7F}",
        "https://a。example.com/", "https://ａ.example.com/", "https://[::1]/", "https://127.0.0.1/", "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/", "https://0177.0.0.1/", "https://localhost/", "https://a.localhost/", "ftp://a.example.com/", "file:///etc/passwd",
        "gopher://a.example.com:443/", "javascript:alert(1)", "dict://a.example.com:443/", "https://a.example.com:443:443/",
        "https://?a.example.com/",
        "https://", "", "https://.example.com/", "https://a..example.com/", "https://-a.example.com/", "https://a_b.example.com/",
        "https://a.example.com:70000/", "https://a.example.com:-1/", "https://a.example.com:+443/",
        "https://a.example.com/" + String(repeating: "a", count: 2_048),
    ])
    func refusesUnusualSpellings(url: String) throws {
        #expect(try !EgressPolicy(allow: ["a.example.com:443", "*.example.com:443"]).permits(url))
    }

    @Test(arguments: [
        "127.0.0.1:443", "localhost:443", "*.localhost:443", "db.internal:443", "printer.local:443", "*.com:443", "*:443", "", ":443",
        "a.example.com:80", "a.example.com:abc", "a.example.com:443:443", "[::1]:443", "a.example.com/path", "*.*.example.com:443",
        "10.0.0.1",
        "http://127.0.0.1:8003", "https://a.example.com",
    ])
    func refusesRulesThatCannotBeMeant(rule: String) {
        #expect(throws: EgressRuleError.self) { try EgressPolicy(allow: [rule]) }
    }

    @Test func opensExactlyTheOriginThatWasWritten() throws {
        let policy = try EgressPolicy(allow: ["http://127.0.0.1:8003"], allowsLoopbackOrigins: true)
        #expect(policy.permits("http://127.0.0.1:8003/klaviyo/api/"))
        for url in [
            "https://127.0.0.1:8003/", "http://127.0.0.1:8004/", "http://127.0.0.1/", "http://127.0.0.2:8003/", "http://localhost:8003/",
            "http://127.1:8003/", "http://0x7f.0.0.1:8003/", "http://2130706433:8003/", "http://127.0.0.1:8003@evil.example/",
            "http://[::ffff:127.0.0.1]:8003/", "http://0:8003/", "http://[::1]:8003/",
        ] {
            #expect(!policy.permits(url), "\(url)")
        }
        #expect(throws: EgressRuleError.self) { try EgressPolicy(allow: ["http://127.0.0.1:8003/path"], allowsLoopbackOrigins: true) }
        #expect(throws: EgressRuleError.self) { try EgressPolicy(allow: ["ftp://127.0.0.1:8003"], allowsLoopbackOrigins: true) }
    }

    @Test func aRefusedTargetSeesNoPacket() async throws {
        let listener = LoopbackServer { _ in .answer() }
        defer { listener.stop() }
        let port = listener.port
        let transport = try HTTPTransport(
            policy: EgressPolicy(allow: ["a.example.com:443", "http://127.0.0.1:1"], allowsLoopbackOrigins: true))
        for host in [
            "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0",
            "localhost",
            "localhost.", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]", "[::127.0.0.1]", "a.example.com@127.0.0.1", "a.example.com\\@127.0.0.1", "%31%32%37.0.0.1",
            "127.0.0.1%00.example.com",
            "127。0。0。1", "①②⑦.0.0.1", "/127.0.0.1",
        ] {
            for scheme in ["http", "https", "ftp", "gopher", "telnet", "HTTP"] {
                await expectFailure(.blocked) {
                    try await transport.send(HTTPRequest(url: "\(scheme)://\(host):\(port)/", timeout: .seconds(2)))
                }
            }
        }
        #expect(listener.connections == 0)
    }

    /// `localhost` stands for any allowed name that resolves to a private address: the origin is allowed by name, and the addresses
    /// decide.
    @Test func loopbackBehindANameIsOpenOnlyForItsOrigin() async throws {
        let listener = LoopbackServer { _ in .answer() }
        defer { listener.stop() }
        let named = try HTTPTransport(
            policy: EgressPolicy(allow: ["http://localhost:\(listener.port)"], allowsLoopbackOrigins: true))
        #expect(try await named.send(HTTPRequest(url: "http://localhost:\(listener.port)/")).status == 200)
        await expectFailure(.blocked) { try await named.send(HTTPRequest(url: "\(listener.origin)/")) }
    }

    @Test(arguments: [
        "http://10.0.0.1:8003", "http://192.168.1.1:8003", "http://169.254.169.254:80", "http://[fd00:ec2::254]:80", "http://0.0.0.0:8003",
        "http://[fe80::1]:8003", "http://168.63.129.16:80",
    ])
    func anOriginOpensLoopbackAndNothingElsePrivate(origin: String) async throws {
        let transport = try HTTPTransport(policy: EgressPolicy(allow: [origin], allowsLoopbackOrigins: true))
        await expectFailure(.blocked) { try await transport.send(HTTPRequest(url: origin + "/", timeout: .seconds(2))) }
    }
}
