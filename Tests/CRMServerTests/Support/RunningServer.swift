import CRMCore
import CRMServer
import Hummingbird
import Logging
import Synchronization
import TestSupport

/// The real server on a port of its own, over ports in memory.
struct RunningServer: Sendable {
    let service: MemoryService
    let client: HTTPClient
    let log: LogLines

    /// Runs `body` against a started server and ends it.
    static func run(
        _ configuration: APIConfiguration = APIConfiguration(), listener: Listener = Listener(host: "127.0.0.1", port: 0),
        _ body: (RunningServer) async throws -> Void
    ) async throws {
        let service = MemoryService()
        let log = LogLines()
        let (ports, started) = AsyncStream.makeStream(of: Int.self)
        let application = APIServer(dependencies(service), configuration: configuration)
            .application(on: listener, logger: log.logger) { started.yield($0) }
        let running = Task { try await application.run() }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else { return }
        let server = RunningServer(service: service, client: HTTPClient(port: port), log: log)
        do {
            try await body(server)
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        _ = await running.result
    }

    static func dependencies(_ service: MemoryService) -> APIDependencies {
        var dependencies = APIDependencies(
            tokens: service, merchants: service, connections: service, deliveries: service, syncLogs: service, cursors: service,
            providers: service, now: { service.read(\.now) }, random: { service.random($0) }, readiness: { service.read(\.readiness) },
            didAccept: { service.change { $0.wakes += 1 } })
        dependencies.sleep = { pause in service.change { $0.pauses.append(pause) } }
        return dependencies
    }

    /// Sends JSON as a signed-in user, or as nobody.
    func send(
        _ method: String, _ target: String, as uid: String? = "anna", headers: [String: String] = [:], _ body: JSONValue? = nil
    ) async throws -> HTTPClient.Answer {
        var headers = headers
        if let uid { headers["Authorization"] = "Bearer token-\(uid)" }
        if body != nil, headers["Content-Type"] == nil { headers["Content-Type"] = "application/json" }
        return try await client.send(method, target, headers: headers, body: body?.text)
    }

    func signUp(_ uid: String = "anna") async throws { _ = try await send("POST", "/auth/bootstrap", as: uid) }
}

extension APIConfiguration {
    /// The defaults but for one choice.
    static func with<Value>(_ choice: WritableKeyPath<APIConfiguration, Value>, _ value: Value) -> APIConfiguration {
        var configuration = APIConfiguration()
        configuration[keyPath: choice] = value
        return configuration
    }
}

extension HTTPClient.Answer {
    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    var code: String? { json["code"]?.stringValue }
    /// `pointer code` of each violation.
    var violations: [String] {
        (json["errors"]?.arrayValue ?? []).map { "\($0["pointer"]?.stringValue ?? "?") \($0["code"]?.stringValue ?? "?")" }
    }
}

/// What the server logs, with its metadata, line by line.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            let line =
                "\(event.level) \(event.message) " + all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            lines.lines.withLock { $0.append(line) }
        }
    }
}
