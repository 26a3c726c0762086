import CRMCore
import Testing

/// `simple-salesforce` as PyPI has it, against the imitation.
@Suite struct SalesforceClientTests {
    @Test func recordsQueriesAndRefusals() async throws {
        let ground = try await ClientGround()
        let result = try await ground.journey("salesforce_records")
        #expect(result["instance"] == "ada-shop-test.my.salesforce.com")
        let summary = try await ground.summary("salesforce", "ada@shop.test")
        // Of three single ones and 250 in collections.
        #expect(summary?["contacts"] == 253)
        #expect(summary?["events"] == 3 && summary?["duplicates"] == 1)
        #expect(summary?["refused"]?["401"] == 1)
    }

    @Test func clientCredentials() async throws {
        let ground = try await ClientGround()
        #expect(try await ground.journey("salesforce_client_credentials")["instance"] == "ada-shop-test.my.salesforce.com")
        #expect(try await ground.summary("salesforce", "ada@shop.test")?["contacts"] == 1)
    }
}
