import ArgumentParser
import CRMCore
import CRMProviders
import Logging

struct Providers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Provider libraries: making, trying, enabling them, and how they fare.",
        subcommands: [
            ProvidersList.self, ProvidersNew.self, ProvidersCheck.self, ProvidersDescribe.self, ProvidersCall.self,
            ProvidersConformance.self,
            ProvidersEnable.self, ProvidersDisable.self, ProvidersPause.self, ProvidersResume.self, ProvidersProbe.self,
        ])
}

struct ProvidersList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists every provider entry with its state, and why one is not in service.",
        discussion: """
            Asks the host that runs with this configuration. Where none runs, it judges the files itself and says so. `configured` is the
            hash of the file that should serve, `running` of the one that does.
            """)

    @Flag(help: "One JSON document instead of a table.")
    var json = false

    func run() async throws {
        let configuration = try loadConfiguration()
        var source = "the running host"
        var states = try await RunningHost(configuration)?.allProviders()
        if states == nil {
            source = "the files; no host runs here"
            let logger = Logger(label: "crm-host") { _ in SwiftLogNoOpLogHandler() }
            states = try await InstalledProviders.inspect(ProviderSettings(configuration), logger: logger).map(\.json)
        }
        let rows = states ?? []
        print(json ? JSONValue.object(["source": .string(source), "data": .array(rows)]).text : Self.table(rows, source))
    }

    private static func table(_ rows: [JSONValue], _ source: String) -> String {
        let columns = ["file", "crm_type", "version", "state", "configured", "running", "connections", "reason"]
        let cells = [columns] + rows.map { row in columns.map { cell(row, $0) } }
        let widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        let lines = cells.map { row in
            row.enumerated().map { index, cell in
                index == columns.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
            }.joined(separator: "  ")
        }
        return (lines + ["from \(source)"]).joined(separator: "\n")
    }

    private static func cell(_ row: JSONValue, _ column: String) -> String {
        let text: String? =
            switch column {
            case "configured", "running": (row["\(column)_sha256"]?.stringValue).map { String($0.prefix(12)) }
            case "connections": row[column]?.intValue.map(String.init)
            case "reason": row[column]?.stringValue ?? row["warning"]?.stringValue
            default: row[column]?.stringValue
            }
        return text ?? "-"
    }
}
