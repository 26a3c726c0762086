import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Foundation
import Testing

/// The library as it ships. `CRM_PROVIDER_LIBS` names another folder than the products of this build, such as the release build's.
@Suite(.timeLimit(.minutes(1))) struct LibraryTests {
    private static let path = "\(SharedLibrary.directory)/libSalesforceProvider.so"

    private static func output(of tool: String, _ arguments: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [tool] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(tool) failed")
        return String(decoding: data, as: UTF8.self)
    }

    @Test func exportsTheFactoryAndNothingElse() throws {
        let symbols = try Self.output(of: "nm", "-gD", "--defined-only", Self.path).split(separator: "\n")
        #expect(symbols.compactMap { $0.split(separator: " ").last } == ["crm_plugin_factory"])
    }

    @Test func needsTheCLibraryAndNothingElse() throws {
        let dynamic = try Self.output(of: "readelf", "--wide", "--dynamic", Self.path).split(separator: "\n")
        let needed = dynamic.filter { $0.contains("(NEEDED)") }.compactMap { $0.split(separator: "[").last?.dropLast() }
        let allowed: Set<Substring> = [
            "libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
        ]
        #expect(needed.contains("libc.so.6"))
        #expect(Set(needed).subtracting(allowed) == [])
        #expect(dynamic.contains { $0.contains("FLAGS_1") && $0.contains("NODELETE") })
    }

    @Test func logsInAndWritesThroughTheRealBoundary() async throws {
        let library = try SharedLibrary(path: Self.path)
        let host = FakeHost { request in request.method == "PATCH" ? Answer.upserted() : Org.full.answer(request) }
        let provider = try ProviderUnderTest(library.factory, host: host)
        #expect(try SalesforceBench.schemas.get().problems(provider.manifest(), "manifest.json") == [])
        let call = FakeCall(
            CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": ["external_id": "user-1", "last_name": "L"]],
            credentials: SalesforceBench.credentials)
        let result = await provider.run(call)
        #expect(result.payload == ["remote_id": "003000000000001AAA", "created": true])
        #expect(host.http.requests.count == 3)
        #expect(await provider.close() == [1, 1])
        #expect(host.violations.isEmpty)
    }
}

@Suite struct ManifestTests {
    private static func manifest() throws -> JSONValue { try SalesforceBench().provider.manifest() }

    @Test func itFitsItsSchema() throws {
        #expect(try SalesforceBench.schemas.get().problems(Self.manifest(), "manifest.json") == [])
    }

    @Test func secretsSayThatTheyAre() throws {
        let forms = try #require(Self.manifest()["credential_schema"]?["oneOf"]?.arrayValue)
        #expect(forms.map { $0["required"] } == [["client_id", "client_secret", "domain"], ["username", "password"]])
        let secrets = forms.flatMap { form in
            (form["properties"]?.objectValue ?? [:]).filter { $0.value["writeOnly"] == true }.map(\.key)
        }
        #expect(secrets == ["client_secret", "password", "security_token"])
    }

    @Test func itNamesWhereItGoesAndHowMuchItTakes() throws {
        let manifest = try Self.manifest()
        #expect(
            manifest["egress"] == [
                "login.salesforce.com:443", "test.salesforce.com:443", "*.my.salesforce.com:443", "*.salesforce.com:443",
            ])
        #expect(manifest["batch"] == ["contact": 200, "event": 200])
    }

    /// The examples are what the provider takes: each is run.
    @Test func itsExamplesWork() async throws {
        let examples = try #require(Self.manifest()["examples"]?.objectValue)
        #expect(examples.keys == ["create_or_update_contact", "send_event", "get_contact"])
        let bench = try SalesforceBench(settings: ["properties": ["plan": "Plan__c"]]) { request in
            request.method == "PATCH"
                ? Answer.upserted(200) : request.url.contains("/query?") ? Answer.rows(["Id": "003000000000001AAA"]) : nil
        }
        for (name, payload) in examples {
            let operation = try #require(ProviderOperation.allCases.first { $0.name == name })
            let result = try await bench.run(operation.rawValue, payload)
            #expect(result.status == CRM_STATUS_OK)
            #expect(result.warnings.isEmpty)
        }
    }

    @Test func aDryRunWritesNothing() async throws {
        let bench = try SalesforceBench()
        let result = try await bench.run(
            CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": ["external_id": "user-1"]], flags: CRM_REQUEST_DRY_RUN)
        #expect(result.status == CRM_STATUS_UNSUPPORTED)
        #expect(bench.host.http.requests.isEmpty)
    }
}

@Suite struct CancellationTests {
    @Test func aCancelledOperationGivesItsRequestUp() async throws {
        let bench = try SalesforceBench { $0.method == "PATCH" ? .silence : nil }
        let running = bench.provider.start(bench.call(CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": ["external_id": "user-1"]]))
        await bench.host.http.waitForRequests(3)
        bench.provider.cancel(running.id)
        #expect(await running.result.status == CRM_STATUS_CANCELLED)
        #expect(bench.host.http.pendingCount == 0)
        await bench.expectEachEndedOnce()
    }

    /// Of many that wait for a session the one that makes it is cancelled: another makes it.
    @Test func aLoginThatIsGivenUpIsDoneByTheNext() async throws {
        let bench = try SalesforceBench { request in
            request.isLogin && request.id == 1 ? .silence : request.method == "PATCH" ? Answer.upserted() : nil
        }
        let payload: JSONValue = ["contact": ["external_id": "user-1"]]
        let first = bench.provider.start(bench.call(CRM_OP_CREATE_OR_UPDATE_CONTACT, payload))
        await bench.host.http.waitForRequests(1)
        let others = (0..<10).map { _ in bench.provider.start(bench.call(CRM_OP_CREATE_OR_UPDATE_CONTACT, payload)) }
        bench.provider.cancel(first.id)
        #expect(await first.result.status == CRM_STATUS_CANCELLED)
        for other in others { #expect(await other.result.status == CRM_STATUS_OK) }
        #expect(bench.logins.count == 2)
        await bench.expectEachEndedOnce()
    }
}
