import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Foundation
import Klaviyo
import Testing

/// Klaviyo's provider between a fake host and a scripted Klaviyo. What it returns is held against the schemas of the boundary.
struct KlaviyoBench {
    static let credentials: JSONValue = ["api_key": "pk_0123456789abcdefghijklmnopqrstuvwx"]
    static let schemas = Result { try SchemaDirectory(path: directory(of: #filePath, up: 3) + "/Sources/CRMPluginAPI/schemas") }

    let host: FakeHost
    let settings: JSONValue
    let provider: ProviderUnderTest

    init(
        config: JSONValue = [:], services: Set<FakeHost.Service> = Set(FakeHost.Service.allCases), settings: JSONValue = [:],
        timers: FakeTimer.Mode = .held, _ script: @escaping FakeHTTP.Script
    ) throws {
        self.settings = settings
        host = FakeHost(services: services, timers: timers, answer: script)
        provider = try ProviderUnderTest({ CRMPlugin.factory($0, KlaviyoProvider.self) }, host: host, config: config)
    }

    func contact(_ contact: JSONValue) async throws -> OperationResult {
        try await run(CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": contact])
    }

    func event(_ event: JSONValue) async throws -> OperationResult { try await run(CRM_OP_SEND_EVENT, ["event": event]) }
    func lookUp(_ query: JSONValue) async throws -> OperationResult { try await run(CRM_OP_GET_CONTACT, query) }
    func validate() async throws -> OperationResult { try await run(CRM_OP_VALIDATE_CREDENTIALS, [:]) }

    func batch(_ items: [JSONValue], flags: UInt32 = 0) async throws -> OperationResult {
        try await run(CRM_OP_BATCH, ["items": .array(items)], flags: flags)
    }

    func run(_ operation: UInt32, _ payload: JSONValue, flags: UInt32 = 0) async throws -> OperationResult {
        var call = FakeCall(operation, payload, credentials: Self.credentials)
        call.settings = settings
        call.flags = flags
        let result = await provider.run(call)
        let name = try #require(ProviderOperation(rawValue: operation)).name
        let schema = result.status == CRM_STATUS_OK ? "\(name).result.json" : "failure.json"
        if result.status == CRM_STATUS_OK || !result.payloadText.isEmpty {
            #expect(try Self.schemas.get().problems(result.payload, schema) == [])
        }
        #expect(!result.message.contains("pk_") && !result.payloadText.contains("pk_"))
        return result
    }

    /// The whole life of an instance: each operation ended once, and so did the instance.
    func expectEachEndedOnce() async {
        let counts = await provider.close()
        #expect(counts.allSatisfy { $0 == 1 })
    }

    static func directory(of file: String, up levels: Int) -> String {
        file.split(separator: "/", omittingEmptySubsequences: false).dropLast(levels).joined(separator: "/")
    }
}

/// Klaviyo's answers.
enum Answer {
    static func error(
        _ status: Int, _ code: String, pointer: String? = nil, detail: String = "Something is wrong.", meta: JSONValue? = nil,
        _ headers: [(String, String)] = []
    ) -> FakeHTTP.Reply {
        var error: JSONObject = [
            "id": "b3f1c2d4", "status": .integer(status), "code": .string(code), "title": "An error.", "detail": .string(detail),
        ]
        error.set("source", pointer.map { ["pointer": .string($0)] })
        error.set("meta", meta)
        return .json(status, ["errors": [.object(error)]], headers)
    }

    static func profile(_ status: Int = 200, id: String = "01HZX0000000000000000000AA") -> FakeHTTP.Reply {
        .json(status, ["data": ["type": "profile", "id": .string(id), "attributes": ["email": "ada@example.test"]]])
    }

    static let challenge = FakeHTTP.Reply.response(
        403, [("content-type", "text/html; charset=UTF-8"), ("cf-mitigated", "challenge")], Array("<html>Just a moment</html>".utf8))

    static let duplicate = error(
        409, "duplicate_profile", pointer: "/data/attributes", detail: "A profile already exists with one of these identifiers.",
        meta: ["duplicate_profile_id": "01HZX0000000000000000000BB"])
}
