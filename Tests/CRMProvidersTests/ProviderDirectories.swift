import CRMCore
import CRMProviders
import Glibc
import Logging
import Synchronization
import TestSupport
import Testing

/// A configuration of its own for each test, in a temporary directory that goes with it.
final class ProviderDirectories: Sendable {
    let root: String
    let settings: ProviderSettings

    init(drainTimeout: Duration = .seconds(30)) throws {
        var template = Array("/tmp/crm-providers-XXXXXX".utf8CString)
        root = String(cString: try #require(mkdtemp(&template)))
        for directory in ["providers.d", "lib"] { mkdir("\(root)/\(directory)", 0o755) }
        settings = ProviderSettings(
            entryDirectory: "\(root)/providers.d", libraryDirectory: "\(root)/lib", stateDirectory: "\(root)/state",
            allowsLoopbackOrigins: true, drainTimeout: drainTimeout,
            probe: ProbeCommand(executable: try BuiltProgram.path(of: "crm-host")))
    }

    deinit { removeTree(root) }

    func library(_ name: String) -> String { "\(root)/lib/\(name)" }

    func write(_ text: String, to path: String) throws {
        let file = try #require(fopen("\(root)/\(path).part", "w"))
        fputs(text, file)
        fclose(file)
        try #require(rename("\(root)/\(path).part", "\(root)/\(path)") == 0)
    }

    func remove(_ path: String) { unlink("\(root)/\(path)") }

    /// An entry in the usual form.
    func writeEntry(_ name: String, library: String, egress: String = "", extra: String = "") throws {
        try write(
            """
            library: \(library)
            config:
              base_url: http://127.0.0.1:1
            egress:
              allow: [\(egress.isEmpty ? "" : "\"\(egress)\"")]
            \(extra)

            """, to: "providers.d/\(name).yaml")
    }

    func providers(_ log: LogRecorder = LogRecorder()) throws -> InstalledProviders {
        try InstalledProviders(settings: settings, logger: log.logger)
    }
}

private func removeTree(_ path: String) {
    if let stream = opendir(path) {
        while let next = readdir(stream) {
            let name = withUnsafeBytes(of: next.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            var status = stat()
            guard name != ".", name != "..", lstat("\(path)/\(name)", &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { removeTree("\(path)/\(name)") } else { unlink("\(path)/\(name)") }
        }
        closedir(stream)
    }
    rmdir(path)
}

/// Keeps what is logged.
final class LogRecorder: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: Logger.Metadata
    }

    private let recorded = Mutex<[Line]>([])
    var lines: [Line] { recorded.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let merged = metadata.merging(event.metadata ?? [:]) { $1 }
            recorder.recorded.withLock { $0.append(Line(level: event.level, message: "\(event.message)", metadata: merged)) }
        }
    }
}

extension CRMType {
    static let fixture = CRMType("fixture")
}

func request(
    _ behaviour: String, url: String = "", operation: ProviderOperation = .sendEvent, timeout: Duration = .seconds(300)
) -> ProviderRequest {
    ProviderRequest(
        operation: operation, credentials: Secret("{\"api_key\":\"k\"}"), settings: ["a": 1],
        payload: ["do": .string(behaviour), "url": .string(url)], idempotencyKey: "key-1", account: "account-1", attempt: 2,
        lookBeforeWrite: true, traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", timeout: timeout)
}

/// Looks until a condition holds; a test that waits in vain fails by itself.
func eventually(_ location: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(300)
    while try await !condition() {
        if ContinuousClock.now > end {
            Issue.record("did not happen", sourceLocation: location)
            return
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}
