import CRMCore
import CRMProviders
import Glibc
import Logging
import TestSupport
import Testing

/// A provider as these tests meet it: its library, and what a merchant of the sandbox gives to connect.
struct TestedProvider: Sendable {
    /// Its `crm_type`, and the sandbox's name for the CRM.
    let crm: String
    /// The library's file name.
    let library: String
    /// The credentials of the sandbox's account with this e-mail address.
    let credentials: @Sendable (_ account: String) -> JSONValue
    var settings: JSONObject = [:]
}

/// One provider's library in the real host, in front of a sandbox of its own. `with` makes one and takes it away again.
struct ProviderGround: Sendable {
    let provider: TestedProvider
    private let sandbox: BuiltProgram
    private let port: Int
    private let installed: InstalledProviders
    private let crmType: CRMType

    /// Loads the library from `CRM_PROVIDER_LIBS`, or from beside the tests. Without `hasBaseURL` the real CRM's addresses are called.
    static func with(
        _ provider: TestedProvider, sandbox arguments: [String] = [], hasBaseURL: Bool = true,
        isolation: isolated (any Actor)? = #isolation, _ body: (ProviderGround) async throws -> Void
    ) async throws {
        let crmType = try #require(CRMType(provider.crm))
        let directories = try TemporaryDirectories()
        let sandbox = try BuiltProgram("crm-sandbox", arguments: ["--port", "0"] + arguments)
        let line = try await sandbox.line(startingWith: "crm-sandbox listening on http://127.0.0.1:")
        let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
        let library =
            try getenv("CRM_PROVIDER_LIBS").map { "\(String(cString: $0))/\(provider.library)" } ?? BuiltProgram.path(of: provider.library)
        let origin = "http://127.0.0.1:\(port)"
        try directories.writeEntry(
            """
            library: \(library)
            config:
              base_url: \(hasBaseURL ? "\(origin)/\(provider.crm)" : "\"\"")
            egress:
              allow: ["\(origin)"]
            limits:
              concurrency: 64

            """, named: provider.crm)
        let installed = try InstalledProviders(
            settings: ProviderSettings(
                entryDirectory: directories.entries, libraryDirectory: directories.root, stateDirectory: "\(directories.root)/state",
                allowsLoopbackOrigins: true,
                // The program that runs the tests knows no `providers probe`.
                probe: ProbeCommand(executable: try BuiltProgram.path(of: "crm-host"))),
            logger: Logger(label: "provider tests") { _ in SwiftLogNoOpLogHandler() })
        await installed.reload()
        let states = installed.snapshot()
        try #require(states.map(\.state) == [.inService], "\(states)")

        do {
            try await body(ProviderGround(provider: provider, sandbox: sandbox, port: port, installed: installed, crmType: crmType))
        } catch {
            await installed.shutdown()
            throw error
        }
        await installed.shutdown()
        try await sandbox.stop()
    }

    /// One attempt at one operation, as the host makes it. `credentials` and `settings` stand in for the provider's usual ones.
    func perform(
        _ operation: ProviderOperation, _ payload: JSONValue = [:], account: String = "ada@shop.test", credentials: JSONValue? = nil,
        settings: JSONObject? = nil, idempotencyKey: String = "key-1", attempt: Int = 1, lookBeforeWrite: Bool = false,
        timeout: Duration = .seconds(20)
    ) async throws -> ProviderOutcome {
        let request = ProviderRequest(
            operation: operation, credentials: Secret((credentials ?? provider.credentials(account)).text),
            settings: settings ?? provider.settings, payload: payload, idempotencyKey: idempotencyKey, account: "test/\(account)",
            attempt: attempt, lookBeforeWrite: lookBeforeWrite, timeout: timeout)
        return try #require(await installed.call(crmType, request))
    }

    /// Lays out answers for the next requests of this account; each is `"real"` or an object that `POST /script` takes.
    func script(
        _ answers: [JSONValue], account: String? = "ada@shop.test", method: String? = nil, path: String? = nil, repeating: Bool = false
    ) async throws {
        var script: JSONObject = ["crm": .string(provider.crm), "answers": .array(answers), "repeat": .bool(repeating)]
        script.set("account", account)
        script.set("method", method)
        script.set("path_prefix", path)
        let answer = try await send("POST", "/script", JSONValue.object(script).text)
        try #require(answer.status == 201, "\(answer.text)")
    }

    func removeScripts() async throws {
        try #require(try await send("DELETE", "/script").status == 204)
    }

    /// Changes how the CRM treats this account: settings of the sandbox, such as missing scopes.
    func configure(_ settings: JSONValue, account: String = "ada@shop.test") async throws {
        let answer = try await send("PUT", "/accounts/\(provider.crm)/\(account)", settings.text)
        try #require(answer.status == 204, "\(answer.text)")
    }

    /// What the sandbox received from this account, oldest first: `method`, `path`, `status`, `effect`, `email`, `unique_id` …
    func journal(account: String? = "ada@shop.test") async throws -> [JSONValue] {
        let query = "limit=10000&crm=\(provider.crm)" + (account.map { "&account=\($0)" } ?? "")
        let answer = try await send("GET", "/journal?\(query)")
        return try #require(try JSONValue(parsing: answer.body)["entries"]?.arrayValue)
    }

    /// What the CRM holds for this account: `contacts`, `events`.
    func counts(account: String = "ada@shop.test") async throws -> JSONObject {
        let accounts = try JSONValue(parsing: try await send("GET", "/accounts").body)["accounts"]?.arrayValue ?? []
        let own = accounts.first { $0["crm"]?.stringValue == provider.crm && $0["account"]?.stringValue == account }
        return own?.objectValue ?? [:]
    }

    /// Any other request to the sandbox; `target` begins with `/`.
    func send(
        _ method: String, _ target: String, _ body: String? = nil, headers: [String: String] = [:]
    ) async throws -> HTTPClient.Answer {
        var headers = headers
        if body != nil, headers["Content-Type"] == nil { headers["Content-Type"] = "application/json" }
        return try await HTTPClient(port: port).send(method, target, headers: headers, body: body)
    }
}

extension ProviderGround {
    /// Many upserts of one contact at once. What the provider says may be tried again is tried again, as the host would.
    func expectOneContact(
        after count: Int = 50, account: String = "crowd@shop.test", contact: JSONObject,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let ids = try await withThrowingTaskGroup(of: String?.self) { group in
            for number in 0..<count {
                var own = contact
                own["first_name"] = .string("Ada \(number)")
                let payload: JSONValue = ["contact": .object(own)]
                group.addTask {
                    for attempt in 1...20 {
                        let outcome = try await perform(
                            .createOrUpdateContact, payload, account: account, idempotencyKey: "upsert-\(number)", attempt: attempt,
                            lookBeforeWrite: attempt > 1, timeout: .seconds(60))
                        if outcome.status == .ok { return outcome.remoteID }
                        guard outcome.isRetryable else {
                            Issue.record("\(outcome.status.name) \(outcome.code) \(outcome.message)", sourceLocation: sourceLocation)
                            return nil
                        }
                        try await Task.sleep(for: outcome.retryAfter ?? .milliseconds(20 * attempt))
                    }
                    Issue.record("never written", sourceLocation: sourceLocation)
                    return nil
                }
            }
            var ids: [String] = []
            for try await id in group { if let id { ids.append(id) } }
            return ids
        }
        #expect(ids.count == count, sourceLocation: sourceLocation)
        #expect(Set(ids).count == 1, sourceLocation: sourceLocation)
        #expect(try await counts(account: account)["contacts"] == 1, sourceLocation: sourceLocation)
    }
}

/// Where a ground keeps its files; they go with the value.
private final class TemporaryDirectories: Sendable {
    let root: String
    var entries: String { "\(root)/providers.d" }

    init() throws {
        var template = Array("/tmp/crm-provider-tests-XXXXXX".utf8CString)
        root = String(cString: try #require(mkdtemp(&template)))
        try #require(mkdir("\(root)/providers.d", 0o755) == 0)
    }

    deinit { Self.remove(root) }

    func writeEntry(_ text: String, named name: String) throws {
        let file = try #require(fopen("\(entries)/\(name).yaml", "w"))
        fputs(text, file)
        fclose(file)
    }

    private static func remove(_ path: String) {
        if let stream = opendir(path) {
            while let next = readdir(stream) {
                let name = withUnsafeBytes(of: next.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                var status = stat()
                guard name != ".", name != "..", lstat("\(path)/\(name)", &status) == 0 else { continue }
                if status.st_mode & S_IFMT == S_IFDIR { remove("\(path)/\(name)") } else { unlink("\(path)/\(name)") }
            }
            closedir(stream)
        }
        rmdir(path)
    }
}
