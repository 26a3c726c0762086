import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct ValidationTests {
    private static let limits = Answer.json(200, ["DailyApiRequests": ["Max": 100_000, "Remaining": 89_982], "Other": ["Max": 1]])
    private static let script: SalesforceBench.Script = { $0.url.hasSuffix("/limits") ? limits : nil }

    private static func states(_ result: OperationResult) -> [String: String] {
        var states: [String: String] = [:]
        for permission in result.payload["permissions"]?.arrayValue ?? [] {
            states[permission["capability"]?.stringValue ?? ""] = permission["state"]?.stringValue
        }
        return states
    }

    private static func detail(_ capability: String, _ result: OperationResult) -> String? {
        result.payload["permissions"]?.arrayValue?.first { $0["capability"]?.stringValue == capability }?["detail"]?.stringValue
    }

    private static let all = ["validate_credentials", "create_or_update_contact", "send_event", "get_contact", "batch"]

    @Test func aWellPreparedOrgHasNothingToMend() async throws {
        let bench = try SalesforceBench(Self.script)
        let result = try await bench.validate()
        #expect(
            result.payload["account"] == [
                "id": "00D000000000001AAA", "name": "Acme & Söhne", "url": "https://acme.my.salesforce.com",
            ])
        #expect(
            result.payload["permissions"]?.arrayValue == Self.all.map { ["capability": .string($0), "state": "proven"] })
        #expect(result.payload["limits"] == ["DailyApiRequests": ["Max": 100_000, "Remaining": 89_982]])
        #expect(bench.host.http.requests.filter { !$0.isLogin }.allSatisfy { $0.method == "GET" })
        #expect(bench.host.http.requests.count == 4)
        await bench.expectEachEndedOnce()
    }

    @Test func aSecondCheckAsksAgainWithTheSameSession() async throws {
        let bench = try SalesforceBench(Self.script)
        _ = try await bench.validate()
        _ = try await bench.validate()
        #expect(bench.logins.count == 1)
        #expect(bench.host.http.requests.filter(\.isDescribe).count == 4)
    }

    @Test func clientCredentialsLearnTheNameByAQuery() async throws {
        let bench = try SalesforceBench(credentials: SalesforceBench.clientCredentials) { request in
            request.url.contains("/query?") ? Answer.rows(["Id": "00D000000000001", "Name": "Acme"]) : Self.script(request)
        }
        #expect(try await bench.validate().payload["account"]?["name"] == "Acme")
        #expect(bench.sent.contains { $0.line == "GET /query?q=SELECT%20Id%2CName%20FROM%20Organization%20LIMIT%201" })
        let silent = try SalesforceBench(credentials: SalesforceBench.clientCredentials) { request in
            request.url.contains("/query?") ? Answer.error(400, "INVALID_TYPE") : Self.script(request)
        }
        #expect(
            try await silent.validate().payload["account"] == [
                "id": "00D000000000001AAA", "name": "00D000000000001AAA", "url": "https://acme.my.salesforce.com",
            ])
    }

    @Test func anOrgWithNothingSetUpIsToldWhatItGains() async throws {
        let result = try await SalesforceBench(org: .plain, Self.script).validate()
        #expect(Self.states(result) == Dictionary(uniqueKeysWithValues: Self.all.map { ($0, "proven") }))
        #expect(Self.detail("create_or_update_contact", result)?.contains("External_Id__c, External ID and Unique") == true)
        #expect(Self.detail("send_event", result)?.contains("Events become tasks") == true)
    }

    @Test(arguments: [
        (true, false, "Make External_Id__c of Contact unique"), (false, false, "Make External_Id__c of Contact an External ID"),
    ])
    func aFieldThatIsNotQuiteRightIsNamed(_ isKey: Bool, _ isUnique: Bool, _ advice: String) async throws {
        let field = Org.field("External_Id__c", key: isKey, unique: isUnique)
        let result = try await SalesforceBench(org: Org(objects: ["Contact": Org.contact(custom: [field])]), Self.script).validate()
        #expect(Self.detail("create_or_update_contact", result)?.hasPrefix(advice) == true)
    }

    @Test func aUserWhoMayOnlyReadIsToldSo() async throws {
        let contact = Org.object("Contact", [Org.field("Email")], createable: false)
        let task = Org.object("Task", [], createable: false)
        let result = try await SalesforceBench(org: Org(objects: ["Contact": contact, "Task": task]), Self.script).validate()
        #expect(
            Self.states(result) == [
                "validate_credentials": "proven", "create_or_update_contact": "missing", "send_event": "missing", "get_contact": "proven",
                "batch": "missing",
            ])
        #expect(Self.detail("batch", result) == "Grant the user Create, Read and Edit on Contact.")
        #expect(Self.detail("send_event", result) == "Grant the user Create on Task.")
    }

    @Test func anObjectThatWasChosenAndIsNotThereIsNamed() async throws {
        let result = try await SalesforceBench(settings: ["event_target": "platform_event"], org: .plain, Self.script).validate()
        #expect(Self.states(result)["send_event"] == "missing")
        #expect(Self.detail("send_event", result)?.contains("CRM_Event__e") == true)
    }

    @Test func aLoginWithoutTheAPIIsGoodForNothing() async throws {
        let bench = try SalesforceBench { $0.isLogin ? nil : Answer.error(403, "API_DISABLED_FOR_ORG") }
        let result = try await bench.validate()
        #expect(result.status == CRM_STATUS_OK)
        #expect(Self.states(result).filter { $0.value == "missing" }.count == 4)
        #expect(Self.detail("get_contact", result)?.contains("API Enabled") == true)
        #expect(bench.host.http.requests.count == 2)
    }

    @Test func limitsThatAreHiddenCostNothing() async throws {
        let bench = try SalesforceBench { $0.url.hasSuffix("/limits") ? Answer.error(403, "INSUFFICIENT_ACCESS") : nil }
        let result = try await bench.validate()
        #expect(result.status == CRM_STATUS_OK)
        #expect(result.payload["limits"] == nil)
        #expect(Self.states(result).values.allSatisfy { $0 == "proven" })
    }

    /// The administrator adds the field and checks again: the description that was remembered does not hide it.
    @Test func aFieldThatIsAddedIsSeenAtOnce() async throws {
        let bench = try SalesforceBench(org: .plain) { request in
            request.url.hasSuffix("/Contact/describe") && request.id > 4 ? Answer.json(200, Org.contact()) : Self.script(request)
        }
        #expect(Self.detail("create_or_update_contact", try await bench.validate()) != nil)
        #expect(Self.detail("create_or_update_contact", try await bench.validate()) == nil)
    }

    @Test func anOrgThatIsDownSaysNothingAboutTheCredentials() async throws {
        let bench = try SalesforceBench { $0.isDescribe ? .status(503) : nil }
        let result = try await bench.validate()
        #expect(result.status == CRM_STATUS_UPSTREAM)
        #expect(result.flags == CRM_RESULT_RETRYABLE)
    }
}
