import CRMCore
import CRMProviders
import CRMStore

/// What the administration's listener says of every provider library, with the number of connections that depend on it.
struct ProviderReport: Sendable {
    private let providers: InstalledProviders
    private let connections: PostgresConnectionStore

    init(_ providers: InstalledProviders, _ connections: PostgresConnectionStore) {
        self.providers = providers
        self.connections = connections
    }

    var json: JSONValue {
        get async {
            // Without a database the report still says how the libraries fare; the numbers are then `null`.
            let counts = try? await connections.connectionCounts()
            let rows = providers.snapshot().map { state -> JSONValue in
                guard case .object(var members) = state.json else { return state.json }
                let type = members["crm_type"]?.stringValue.flatMap(CRMType.init)
                members["connections"] = counts.flatMap { counts in type.map { .integer(counts[$0] ?? 0) } } ?? .null
                return .object(members)
            }
            return ["data": .array(rows)]
        }
    }
}
