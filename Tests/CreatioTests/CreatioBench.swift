import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Creatio
import Testing

/// Creatio's provider between a fake host and a fake site. What it returns is held against the schemas of the boundary.
struct CreatioBench {
    static let user: JSONValue = ["instance_url": "https://acme.creatio.com", "username": "Supervisor", "password": "hunter-22"]
    static let client: JSONValue = ["instance_url": "https://acme.creatio.com", "client_id": "app-1", "client_secret": "hunter-22"]
    static let schemas = Result { try SchemaDirectory(path: directory(of: #filePath, up: 3) + "/Sources/CRMPluginAPI/schemas") }
    static let secrets = ["hunter-22", "csrf-S", "loader-S", "S1;"]

    let host: FakeHost
    let provider: ProviderUnderTest
    let site: FakeSite

    init(
        _ site: FakeSite = FakeSite(), config: JSONValue = [:], services: Set<FakeHost.Service> = Set(FakeHost.Service.allCases)
    ) throws {
        self.site = site
        host = FakeHost(services: services, answer: site.answer)
        provider = try ProviderUnderTest({ CRMPlugin.factory($0, CreatioProvider.self) }, host: host, config: config)
    }

    init(interrupting: @escaping FakeSite.Interruption) throws { try self.init(FakeSite(interrupting)) }

    func contact(_ contact: JSONValue, settings: JSONValue = [:]) async throws -> OperationResult {
        try await run(CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": contact], settings: settings)
    }

    func event(_ event: JSONValue, settings: JSONValue = [:]) async throws -> OperationResult {
        try await run(CRM_OP_SEND_EVENT, ["event": event], settings: settings)
    }

    func lookUp(_ query: JSONValue, settings: JSONValue = [:]) async throws -> OperationResult {
        try await run(CRM_OP_GET_CONTACT, query, settings: settings)
    }

    func validate(_ credentials: JSONValue = user, settings: JSONValue = [:]) async throws -> OperationResult {
        try await run(CRM_OP_VALIDATE_CREDENTIALS, [:], credentials, settings: settings)
    }

    func batch(_ items: [JSONValue], settings: JSONValue = [:]) async throws -> OperationResult {
        try await run(CRM_OP_BATCH, ["items": .array(items)], settings: settings)
    }

    func run(
        _ operation: UInt32, _ payload: JSONValue, _ credentials: JSONValue = user, settings: JSONValue = [:], attempt: UInt32 = 1
    ) async throws -> OperationResult {
        var call = FakeCall(operation, payload, credentials: credentials)
        call.settings = settings
        call.attempt = attempt
        return try checked(await provider.run(call), of: operation)
    }

    func checked(_ result: OperationResult, of operation: UInt32) throws -> OperationResult {
        let name = try #require(ProviderOperation(rawValue: operation)).name
        let schema = result.status == CRM_STATUS_OK ? "\(name).result.json" : "failure.json"
        if result.status == CRM_STATUS_OK || !result.payloadText.isEmpty {
            #expect(try Self.schemas.get().problems(result.payload, schema) == [])
        }
        for secret in Self.secrets { #expect(!result.message.contains(secret) && !result.payloadText.contains(secret)) }
        return result
    }

    /// Those of OData that are no search for the service's place.
    var calls: [FakeHTTP.Request] { host.http.requests.filter { $0.isData && $0.query != "$top=1&$select=Id" } }

    /// The whole life of an instance: each operation ended once, and so did the instance.
    func expectEachEndedOnce() async {
        let counts = await provider.close()
        #expect(counts.allSatisfy { $0 == 1 })
    }

    static func directory(of file: String, up levels: Int) -> String {
        file.split(separator: "/", omittingEmptySubsequences: false).dropLast(levels).joined(separator: "/")
    }

    static let adaID = "c4ed336c-3e9b-40fe-8b82-5632476472b4"
    static let ada: JSONObject = [
        "Id": .string(adaID), "Name": "Ada Lovelace", "Email": "ada@example.test", "UsrExternalId": "user-1",
        "ModifiedOn": "2026-11-01T10:00:00Z",
    ]
}
