import CRMTransport
import Glibc
import Testing

@Suite("TLS")
struct TLSTests {
    @Test func acceptsOnlyCertificatesOfKnownAuthorities() async throws {
        let server = try TLSServer(names: "IP:127.0.0.1")
        defer { server.stop() }
        let policy = try EgressPolicy(allow: [server.origin], allowsLoopbackOrigins: true)
        try await server.untilReady(HTTPTransport(policy: policy, caFile: server.certificate))

        let trusting = try HTTPTransport(policy: policy, caFile: server.certificate)
        #expect(try await trusting.send(HTTPRequest(url: server.origin + "/")).status == 200)
        let plain = try HTTPTransport(policy: policy)
        await expectFailure(.tls) { try await plain.send(HTTPRequest(url: server.origin + "/")) }
        let misled = try HTTPTransport(policy: policy, caFile: "/nowhere/ca.pem")
        await expectFailure(.tls) { try await misled.send(HTTPRequest(url: server.origin + "/")) }
    }

    @Test func refusesACertificateOfAnotherName() async throws {
        let server = try TLSServer(names: "DNS:a.example.com")
        defer { server.stop() }
        let transport = try HTTPTransport(
            policy: EgressPolicy(allow: [server.origin], allowsLoopbackOrigins: true), caFile: server.certificate)
        try await server.untilReady(transport)
        await expectFailure(.tls) { try await transport.send(HTTPRequest(url: server.origin + "/")) }
    }

    @Test func refusesAnOldProtocol() async throws {
        let server = try TLSServer(names: "IP:127.0.0.1", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        defer { server.stop() }
        let transport = try HTTPTransport(
            policy: EgressPolicy(allow: [server.origin], allowsLoopbackOrigins: true), caFile: server.certificate)
        try await server.untilReady(transport)
        await expectFailure(.tls) { try await transport.send(HTTPRequest(url: server.origin + "/")) }
    }
}

/// OpenSSL's own test server, with a certificate that it made for itself.
private final class TLSServer: Sendable {
    let origin: String
    let certificate: String
    private let directory: String
    private let process: pid_t

    init(names: String, _ options: String...) throws {
        var template = Array("/tmp/crm-tls-XXXXXX".utf8CString)
        directory = String(cString: try #require(mkdtemp(&template)))
        certificate = directory + "/certificate.pem"
        let key = directory + "/key.pem"
        let port = try Self.freePort()
        origin = "https://127.0.0.1:\(port)"
        let maker = try Self.spawn([
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj",
            "/CN=test",
            "-addext", "subjectAltName=\(names)",
        ])
        var status: Int32 = -1
        waitpid(maker, &status, 0)
        try #require(status == 0, "openssl made no certificate")
        process = try Self.spawn(
            ["openssl", "s_server", "-quiet", "-www", "-accept", "127.0.0.1:\(port)", "-cert", certificate, "-key", key] + options)
    }

    func stop() {
        // A thread of Swift's pool starts its children with all other signals blocked.
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        for name in ["certificate.pem", "key.pem"] { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }

    /// Until then nobody listens.
    func untilReady(_ transport: HTTPTransport) async throws {
        for _ in 0..<500 {
            do throws(HTTPFailure) {
                _ = try await transport.send(HTTPRequest(url: origin + "/"))
                return
            } catch {
                if error.code != .connect { return }
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("openssl s_server did not start")
    }

    private static func spawn(_ words: [String]) throws -> pid_t {
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor: Int32 in 0...2 { posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0) }
        var process = pid_t()
        try #require(posix_spawnp(&process, words[0], &actions, nil, &arguments, environ) == 0, "no openssl")
        return process
    }

    private static func freePort() throws -> Int {
        let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(probe) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(probe, $0, length) == 0 && getsockname(probe, $0, &length) == 0
            }
        }
        try #require(isBound)
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
