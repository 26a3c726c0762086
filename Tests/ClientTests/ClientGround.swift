import CRMCore
import Foundation
import TestSupport

/// A sandbox behind TLS under the real services' names, and the unmodified clients from PyPI that talk to it.
///
/// Only name resolution is bent, and only inside the clients' process: every name leads to the TLS port on loopback.
final class ClientGround {
    let port: Int

    private let directory: URL
    private let sandbox: BuiltProgram
    private let tunnel: SystemProgram
    private let certificates: Certificates
    private let tlsPort: String
    private let python: String

    init(_ sandboxArguments: [String] = ["--rate-limits", "off"]) async throws {
        guard let python = ProcessInfo.processInfo.environment["CRM_CLIENT_PYTHON"], FileManager.default.isExecutableFile(atPath: python)
        else {
            throw SystemProgram.Failure(
                description: "CRM_CLIENT_PYTHON names no Python with the CRMs' clients. Run ./dev test: it prepares one.")
        }
        self.python = python
        directory = FileManager.default.temporaryDirectory.appending(path: "crm-clients-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        certificates = try await Certificates.make(in: directory)
        sandbox = try BuiltProgram("crm-sandbox", arguments: ["--port", "0"] + sandboxArguments)
        let line = try await sandbox.line(startingWith: "crm-sandbox listening on http://127.0.0.1:")
        guard let port = line.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw SystemProgram.Failure(description: "The sandbox does not say its port: \(line)")
        }
        self.port = port
        tunnel = try Self.tunnel(to: port, certificates, in: directory)
        tlsPort = try await tunnel.line(after: "bound to 127.0.0.1:")
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// Runs `Journeys/<name>.py`, which checks what the client makes of the answers and ends with a line of JSON.
    func journey(_ name: String, file: String = #filePath) async throws -> JSONValue {
        let journeys = URL(filePath: file).deletingLastPathComponent().appending(path: "Journeys")
        let program = try SystemProgram(
            python, ["-B", journeys.appending(path: "\(name).py").path],
            environment: [
                "CRM_TLS_PORT": tlsPort, "CRM_SANDBOX": "http://127.0.0.1:\(port)", "REQUESTS_CA_BUNDLE": certificates.authority.path,
                "SSL_CERT_FILE": certificates.authority.path, "NO_PROXY": "*", "PYTHONUNBUFFERED": "1",
            ], in: directory)
        let output = try await program.finish()
        guard let last = output.split(separator: "\n").last, let result = try? JSONValue(parsing: String(last)) else {
            throw SystemProgram.Failure(description: "\(name).py did not end with a line of JSON. It printed:\n\(output.suffix(4_000))")
        }
        return result
    }

    /// What the sandbox saw of one account, counted.
    func summary(_ crm: String, _ account: String) async throws -> JSONValue? {
        try await get("/journal/summary")[crm]?[account]
    }

    func get(_ path: String) async throws -> JSONValue {
        try JSONValue(parsing: try await HTTPClient(port: port).send("GET", path).body)
    }

    private static func tunnel(to port: Int, _ certificates: Certificates, in directory: URL) throws -> SystemProgram {
        let settings = """
            foreground = yes
            pid =
            debug = info
            [https]
            accept = 127.0.0.1:0
            connect = 127.0.0.1:\(port)
            cert = \(certificates.certificate.path)
            key = \(certificates.key.path)
            """
        let file = directory.appending(path: "stunnel.conf")
        try (settings + "\n").write(to: file, atomically: true, encoding: .utf8)
        // Debian puts the program where users' paths do not look.
        let path = ["/usr/bin/stunnel4", "/usr/sbin/stunnel4"].first { FileManager.default.isExecutableFile(atPath: $0) }
        return try SystemProgram(path ?? "stunnel4", [file.path], in: directory)
    }
}
