import CRMCore
import Foundation
import TestSupport

/// Sandbox, database and host, started as their users start them, each test with its own.
final class RunningService {
    let directory: URL
    let database: TestDatabase
    let sandbox: BuiltProgram
    let sandboxBase: String
    private(set) var host: BuiltProgram
    private(set) var base: String
    private(set) var adminBase: String
    let environment: [String: String]

    /// The libraries of these CRMs are in service, each led to the sandbox. `databaseDSN` takes a DSN of the test database and gives the one that the host uses, such as one through a proxy. The sandbox's rate
    /// limits are off unless a test asks for them.
    init(
        crms: [String] = ["klaviyo"], databaseDSN: (String) throws -> String = { $0 },
        sandboxArguments: [String] = ["--rate-limits", "off"],
        settings: [String: String] = [:]
    ) async throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("crm-journey-\(UUID().uuidString)")
        for part in ["config/providers.d", "providers", "state"] {
            try FileManager.default.createDirectory(at: directory.appendingPathComponent(part), withIntermediateDirectories: true)
        }
        database = try await TestDatabase.make()
        sandbox = try BuiltProgram("crm-sandbox", arguments: ["--port", "0"] + sandboxArguments)
        sandboxBase = try await Self.address(of: sandbox, "crm-sandbox listening on ")
        environment = [
            "CRM_ENV": "development", "DB_DSN": try databaseDSN(database.dsn(.app)),
            "DB_WORKER_DSN": try databaseDSN(database.dsn(.worker)),
            "DB_MIGRATE_DSN": try databaseDSN(database.dsn(.owner)), "GCP_PROJECT_ID": "crm-sandbox",
            "CRM_ENCRYPTION_KEY": "0123456789abcdefghijklmnopqrstuv", "PORT": "0", "CRM_ADMIN_PORT": "0",
            "FIREBASE_JWKS_URL": sandboxBase + "/google/jwks", "CRM_CONFIG_DIR": directory.appendingPathComponent("config").path,
            "CRM_PROVIDER_DIR": directory.appendingPathComponent("providers").path,
            "CRM_STATE_DIR": directory.appendingPathComponent("state").path,
            "CRM_SQL_DIR": Self.checkout.appendingPathComponent("sql").path,
        ].merging(settings) { $1 }
        for crm in crms {
            let library = "lib\(crm.capitalized)Provider.so"
            try Self.copy(try BuiltProgram.path(of: library), to: directory.appendingPathComponent("providers/\(library)"))
            try Self.entry(library: library, base: "\(sandboxBase)/\(crm)", origin: sandboxBase)
                .write(to: directory.appendingPathComponent("config/providers.d/\(crm).yaml"), atomically: true, encoding: .utf8)
        }
        host = try BuiltProgram("crm-host", arguments: ["serve"], environment: environment, workingDirectory: directory.path)
        base = try await Self.address(of: host, "crm-host listening on ")
        adminBase = try await Self.address(of: host, "crm-host administration on ")
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// The checkout that these tests were built from.
    static let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func entry(library: String, base: String, origin: String) -> String {
        """
        library: \(library)
        enabled: true
        config:
          base_url: \(base)
        egress:
          allow: ["\(origin)"]

        """
    }

    /// By rename, so that no reader ever sees half a file.
    static func copy(_ source: String, to target: URL) throws {
        let draft = target.appendingPathExtension("new")
        try FileManager.default.copyItem(atPath: source, toPath: draft.path)
        guard rename(draft.path, target.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    private static func address(of program: BuiltProgram, _ prefix: String) async throws -> String {
        String(try await program.line(startingWith: prefix).dropFirst(prefix.count))
    }

    /// Starts the host again after it ended.
    func restartHost() async throws {
        host = try BuiltProgram("crm-host", arguments: ["serve"], environment: environment, workingDirectory: directory.path)
        base = try await Self.address(of: host, "crm-host listening on ")
        adminBase = try await Self.address(of: host, "crm-host administration on ")
    }

    /// Runs another command of the host to its end.
    func command(_ arguments: [String]) async throws -> (ending: BuiltProgram.Ending, output: String, errors: String) {
        let program = try BuiltProgram("crm-host", arguments: arguments, environment: environment, workingDirectory: directory.path)
        let ending = try await program.waitForEnd()
        return (ending, program.output, program.errorOutput)
    }

    var sandboxClient: JSONClient { JSONClient(base: sandboxBase) }

    /// A client of a signed-in user.
    func client(_ email: String) async throws -> JSONClient {
        let answer = try await sandboxClient.post("/google/token", ["email": .string(email)])
        return JSONClient(base: base, token: answer.body["id_token"]?.stringValue)
    }

    /// A merchant with Klaviyo connected.
    func merchant(_ email: String) async throws -> JSONClient {
        let client = try await client(email)
        let made = try await client.post("/auth/bootstrap", [:])
        guard made.status == 201 || made.status == 200 else { throw UnexpectedAnswer(made) }
        let connected = try await client.post(
            "/crm/connect", ["crm_type": "klaviyo", "credentials": ["api_key": .string("pk_sandbox_" + email)]])
        guard connected.status == 201 || connected.status == 200 else { throw UnexpectedAnswer(connected) }
        return client
    }

    /// What arrived at the sandbox, oldest first.
    func journal(_ crm: String) async throws -> [JSONValue] {
        var entries: [JSONValue] = []
        var since = 0
        while true {
            let answer = try await sandboxClient.get("/journal?crm=\(crm)&since=\(since)&limit=1000")
            let page = answer.body["entries"]?.arrayValue ?? []
            entries += page
            guard !page.isEmpty, let next = answer.body["next"]?.intValue else { return entries }
            since = next
        }
    }
}

/// An answer that the test did not ask for.
struct UnexpectedAnswer: Error, CustomStringConvertible {
    let description: String

    init(_ answer: JSONClient.Answer) { description = "\(answer.status) \(answer.text)" }
}
