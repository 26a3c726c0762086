import CRMCore
import Testing

/// `klaviyo-api` as PyPI has it, against the imitation.
@Suite struct KlaviyoClientTests {
    @Test func profilesEventsAndRefusals() async throws {
        let ground = try await ClientGround()
        let profile = try await ground.journey("klaviyo_records")["profile"]?.stringValue
        #expect(profile?.utf8.count == 26)
        let summary = try await ground.summary("klaviyo", "ada@shop.test")
        #expect(summary?["contacts"] == 3 && summary?["events"] == 3 && summary?["duplicates"] == 1)
        #expect(summary?["refused"]?["409"] == 1 && summary?["refused"]?["429"] == 2 && summary?["refused"]?["503"] == 1)
    }
}
