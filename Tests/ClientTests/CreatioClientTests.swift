import CRMCore
import Testing

/// `sl-creatio-connector` as PyPI has it, against the imitation.
@Suite struct CreatioClientTests {
    @Test func recordsAndRefusalsOnBothPlatforms() async throws {
        let ground = try await ClientGround()
        let core = try await ground.journey("creatio_records")["core"]?.stringValue
        #expect(core?.utf8.count == 36)
        let summary = try await ground.summary("creatio", "ada@shop.test")
        // Two contacts; an activity, an activity without its link, an integration event.
        #expect(summary?["contacts"] == 2 && summary?["events"] == 3 && summary?["duplicates"] == 0)
        #expect(summary?["refused"]?["500"] == 1 && summary?["refused"]?["401"] == 1)
        #expect(try await ground.summary("creatio", "core.ada@shop.test")?["contacts"] == 1)
    }
}
