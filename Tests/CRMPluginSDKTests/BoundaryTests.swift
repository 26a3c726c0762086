import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct BoundaryTests {
    private static func call(_ name: JSONValue, credentials: JSONValue = [:]) -> FakeCall {
        FakeCall(
            CRM_OP_SEND_EVENT, ["event": ["name": name, "contact": ["email": "ada@example.test"]]], credentials: credentials)
    }

    private static func provider(_ host: FakeHost = FakeHost(), config: JSONValue = [:]) throws -> ProviderUnderTest {
        try ProviderUnderTest({ CRMPlugin.factory($0, ScriptedProvider.self) }, host: host, config: config)
    }

    @Test func theDescriptorIsTheManifest() throws {
        let provider = try Self.provider()
        let descriptor = provider.descriptor
        #expect(String(describing: descriptor.struct_size) == "80")
        #expect(
            descriptor.capabilities
                == CRM_CAPABILITY_VALIDATE_CREDENTIALS | CRM_CAPABILITY_SEND_EVENT | CRM_CAPABILITY_BATCH | CRM_CAPABILITY_DRY_RUN)
        #expect(
            try provider.manifest() == [
                "credential_schema": .emptyObjectSchema, "settings_schema": .emptyObjectSchema, "config_schema": .emptyObjectSchema,
                "egress": [], "vendor": "Tests",
            ])
    }

    @Test func allThatTheHostSaysReachesTheAuthor() async throws {
        let host = FakeHost()
        var call = Self.call("context", credentials: ["token": "t-1"])
        call.settings = ["list": "L"]
        call.attempt = 3
        call.flags = CRM_REQUEST_DRY_RUN | CRM_REQUEST_LOOK_BEFORE_WRITE
        call.deadline = host.timer.monotonic + 5_000_000_000
        let provider = try Self.provider(host)
        let result = await provider.run(call)
        #expect(result.payload["remote_id"] == "account-1 key-1 3 true true 5s t-1 L ada@example.test")
        #expect(await provider.close() == [1, 1])
    }

    @Test func notesTravelWithAFailureToo() async throws {
        let result = await (try Self.provider()).run(Self.call("notes"))
        #expect(result.status == CRM_STATUS_RATE_LIMITED)
        #expect(result.retryAfterMilliseconds == 2_000)
        #expect(result.flags == CRM_RESULT_RETRYABLE)
        #expect(
            result.payload == [
                "details": ["x": 1], "warnings": [["code": "odd", "field": "phone", "detail": "left out"]],
                "quota": [["class": "all", "window_s": 60, "limit": 10, "remaining": 8, "resets_in_s": 4]], "rate_class": "all",
                "credential_update": ["token": "new"],
            ])
    }

    @Test func anUnforeseenErrorShowsItsTypeOnly() async throws {
        let result = await (try Self.provider()).run(Self.call("unforeseen"))
        #expect(result.status == CRM_STATUS_INTERNAL)
        #expect(result.message == "the provider failed with Unforeseen")
        #expect(result.payloadText.isEmpty)
    }

    @Test func whatIsNotDeclaredOrUnknownIsUnsupported() async throws {
        let provider = try Self.provider()
        for operation in [CRM_OP_GET_CONTACT, CRM_OP_CREATE_OR_UPDATE_CONTACT, CRM_OP_DELETE_CONTACT, 99, CRM_OP_VENDOR_FIRST, 0] {
            #expect(await provider.run(FakeCall(operation)).status == CRM_STATUS_UNSUPPORTED)
        }
        // Declared, but not written.
        #expect(await provider.run(FakeCall(CRM_OP_VALIDATE_CREDENTIALS)).status == CRM_STATUS_UNSUPPORTED)
        #expect(await provider.close().allSatisfy { $0 == 1 })
    }

    @Test(arguments: [
        "", "null", "[]", "{", "{\"event\":1}", "{\"event\":{}}", "{\"event\":{\"name\":5,\"contact\":{}}}",
        "{\"event\":{\"name\":\"where\"}}", "{\"event\":{\"name\":\"where\",\"contact\":{\"email\":1}}}",
        "{\"event\":{\"name\":\"where\",\"contact\":{\"consent\":{\"sms_marketing\":{\"state\":\"maybe\"}}}}}",
        String(repeating: "[", count: 100_000), "{\"event\":\"\\ud800\"}",
    ])
    func aPayloadThatMakesNoSenseIsRefused(_ text: String) async throws {
        var call = FakeCall(CRM_OP_SEND_EVENT)
        call.payload = Array(text.utf8)
        #expect(await (try Self.provider()).run(call).status == CRM_STATUS_INVALID_ARGUMENT)
    }

    @Test func bytesThatAreNoTextAreRefused() async throws {
        var call = FakeCall(CRM_OP_SEND_EVENT)
        call.payload = Array("{\"event\":\"".utf8) + [0xFF, 0xFE] + Array("\"}".utf8)
        #expect(await (try Self.provider()).run(call).status == CRM_STATUS_INVALID_ARGUMENT)
    }

    @Test func anotherSizeOfTheRequestIsRefused() async throws {
        var call = Self.call("where")
        call.size = 136
        let result = await (try Self.provider()).run(call)
        #expect(result.status == CRM_STATUS_INTERNAL)
        #expect(result.code == "abi_mismatch")
    }

    @Test func aBatchEndsItemByItem() async throws {
        let items: JSONValue = [
            ["kind": "contact", "idempotency_key": "1", "contact": ["email": "ada@example.test"]],
            ["kind": "event", "idempotency_key": "2", "event": ["name": "e", "contact": ["email": "ada@example.test"]]],
        ]
        let result = await (try Self.provider()).run(FakeCall(CRM_OP_BATCH, ["items": items]))
        #expect(
            result.payload == [
                "items": [
                    [
                        "status": 0, "remote_id": "ada@example.test",
                        "warnings": [["code": "odd", "field": "phone", "detail": "left out"]],
                    ],
                    [
                        "status": 8, "code": "slow", "message": "slow down", "retry_after_ms": 1_500,
                        "flags": .integer(CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS), "warnings": [["code": "late", "detail": "x"]],
                    ],
                ], "job": "job-1",
            ])
        #expect(try Self.schemas.get().problems(result.payload, "batch.result.json") == [])
    }

    @Test func aRefusedConfigurationSaysWhy() throws {
        let refusal = { (config: JSONValue) -> OperationResult? in
            do {
                _ = try Self.provider(config: config)
            } catch ProviderUnderTest.Failure.notCreated(let result) {
                return result
            }
            return nil
        }
        #expect(try refusal(["fail": "with a reason"])?.code == "scripted.bad")
        #expect(try refusal(["fail": "with a reason"])?.status == CRM_STATUS_INVALID_ARGUMENT)
        #expect(try refusal(["fail": "without a reason"])?.status == CRM_STATUS_INTERNAL)
        #expect(try refusal([])?.code == "invalid_config")
    }

    @Test func linesCarryTheirOperation() async throws {
        let host = FakeHost()
        let call = Self.call("log")
        _ = await (try Self.provider(host)).run(call)
        #expect(host.log.lines.map(\.message) == ["created", "logged"])
        #expect(host.log.lines.map(\.operation) == [0, call.id])
        #expect(host.log.lines.map(\.fields) == ["", #"{"count":3}"#])
        #expect(host.log.lines.map(\.level) == [CRM_LOG_INFO, CRM_LOG_WARNING])
    }

    private static let schemas = Result {
        try SchemaDirectory(
            path: #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
                + "/Sources/CRMPluginAPI/schemas")
    }
}
