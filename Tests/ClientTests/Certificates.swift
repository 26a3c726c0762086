import Foundation

/// An authority of the test's own and a certificate by it for the names that the clients have built in.
struct Certificates {
    let authority: URL
    let certificate: URL
    let key: URL

    private static let names = [
        "login.salesforce.com", "test.salesforce.com", "*.my.salesforce.com", "*.creatio.com", "a.klaviyo.com",
    ]

    static func make(in directory: URL) async throws -> Certificates {
        let configuration = """
            [req]
            distinguished_name = name
            prompt = no
            [name]
            CN = crm-sandbox
            [authority]
            basicConstraints = critical, CA:TRUE
            keyUsage = critical, keyCertSign
            subjectKeyIdentifier = hash
            [server]
            basicConstraints = critical, CA:FALSE
            keyUsage = critical, digitalSignature
            extendedKeyUsage = serverAuth
            subjectKeyIdentifier = hash
            authorityKeyIdentifier = keyid
            subjectAltName = \(names.map { "DNS:\($0)" }.joined(separator: ", "))
            """
        try (configuration + "\n").write(to: directory.appending(path: "openssl.cnf"), atomically: true, encoding: .utf8)
        let made = Certificates(
            authority: directory.appending(path: "authority.pem"), certificate: directory.appending(path: "server.pem"),
            key: directory.appending(path: "server.key"))
        try await request(["-extensions", "authority", "-subj", "/CN=crm-sandbox authority"], "authority", in: directory)
        try await request(["-extensions", "server", "-CA", "authority.pem", "-CAkey", "authority.key"], "server", in: directory)
        return made
    }

    /// A new key and a certificate for it, valid for two days.
    private static func request(_ arguments: [String], _ name: String, in directory: URL) async throws {
        let common = [
            "req", "-x509", "-config", "openssl.cnf", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-keyout", "\(name).key", "-out", "\(name).pem",
        ]
        _ = try await SystemProgram("openssl", common + arguments, in: directory).finish()
    }
}
