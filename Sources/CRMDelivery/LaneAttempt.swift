internal import CRMCore
internal import Logging

/// One call for one lane: it runs beside the lane's other calls, and stores at once what the provider learnt about its credentials.
struct LaneAttempt: Sendable {
    let crmType: CRMType
    let connection: OpenedConnection
    let request: ProviderRequest
    let catalog: any ProviderCatalog
    let connections: any ConnectionStore
    let logger: Logger

    /// `nil`: the provider is out of service.
    func run() async -> ProviderOutcome? {
        let outcome = await catalog.call(crmType, request)
        if let update = outcome?.payload["credential_update"]?.objectValue { await store(update) }
        return outcome
    }

    private func store(_ update: JSONObject) async {
        let read = connection.credentials.withBytes { try? JSONValue(parsing: $0) }
        guard var credentials = read?.objectValue else { return }
        for (key, value) in update { credentials[key] = value }
        do {
            try await connections.replaceCredentials(
                of: connection.integration, with: Secret(JSONValue.object(credentials).serialized()))
        } catch .conflict {
            // Newer credentials are there already.
        } catch {
            logger.warning("rotated credentials could not be stored", metadata: ["error": "\(error)"])
        }
    }
}
