import ArgumentParser
import CRMCore
import CRMProviders
import CRMTransport
import Logging

struct Providers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Provider libraries: which there are, and how they fare.", subcommands: [ProvidersList.self])
}

struct ProvidersList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists every provider entry with its state, and why one is not in service.",
        discussion: "Asks the host that runs with this configuration. Where none runs, it judges the files itself and says so.")

    @Flag(help: "One JSON document instead of a table.")
    var json = false

    func run() async throws {
        let configuration = try loadConfiguration()
        var source = "the running host"
        var states = try await Self.ask(configuration)
        if states == nil {
            source = "the files; no host runs here"
            let logger = Logger(label: "crm-host") { _ in SwiftLogNoOpLogHandler() }
            states = try await InstalledProviders.inspect(ProviderSettings(configuration), logger: logger).map(\.json)
        }
        let rows = states ?? []
        print(json ? JSONValue.object(["source": .string(source), "data": .array(rows)]).text : Self.table(rows, source))
    }

    /// `nil`: nobody listens.
    private static func ask(_ configuration: HostConfiguration) async throws -> [JSONValue]? {
        guard configuration.admin.port != 0 else { return nil }
        let host = configuration.admin.host.contains(":") ? "[\(configuration.admin.host)]" : configuration.admin.host
        let origin = "http://\(host):\(configuration.admin.port)"
        let transport = try HTTPTransport(policy: try EgressPolicy(allow: [origin], allowsLoopbackOrigins: true))
        defer { transport.shutdown() }
        guard let answer = try? await transport.send(HTTPRequest(url: origin + "/providers", timeout: .seconds(3))), answer.status == 200
        else {
            return nil
        }
        return try JSONValue(parsing: answer.body)["data"]?.arrayValue
    }

    private static func table(_ rows: [JSONValue], _ source: String) -> String {
        let columns = ["file", "crm_type", "version", "state", "reason"]
        let cells = [columns] + rows.map { row in columns.map { row[$0]?.stringValue ?? "-" } }
        let widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        let lines = cells.map { row in
            row.enumerated().map { index, cell in
                index == columns.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
            }.joined(separator: "  ")
        }
        return (lines + ["from \(source)"]).joined(separator: "\n")
    }
}
