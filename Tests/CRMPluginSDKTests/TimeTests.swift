import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct TimeTests {
    private static func call(_ name: JSONValue) -> FakeCall {
        FakeCall(CRM_OP_SEND_EVENT, ["event": ["name": name, "contact": ["email": "ada@example.test"]]])
    }

    private static func provider(_ host: FakeHost) throws -> ProviderUnderTest {
        try ProviderUnderTest({ CRMPlugin.factory($0, ScriptedProvider.self) }, host: host)
    }

    @Test(arguments: ["sleep", "sleep with a child"]) func aSleepLastsAsLongAsTheHostsClockSays(_ name: String) async throws {
        let host = FakeHost()
        let provider = try Self.provider(host)
        let running = provider.start(Self.call(.string(name)))
        await host.timer.waitUntilPending()
        host.timer.advance(by: 29_999_999_999)
        #expect(running.results.isEmpty)
        #expect(host.timer.pending == 1)
        host.timer.advance(by: 1)
        #expect(await running.result.status == CRM_STATUS_OK)
        #expect(await provider.close() == [1, 1])
    }

    @Test(arguments: ["sleep", "sleep with a child"]) func aCancelledSleepEndsAtOnce(_ name: String) async throws {
        let host = FakeHost()
        let provider = try Self.provider(host)
        let running = provider.start(Self.call(.string(name)))
        await host.timer.waitUntilPending()
        provider.cancel(running.id)
        let result = await running.result
        #expect(result.status == CRM_STATUS_CANCELLED)
        #expect(result.flags == CRM_RESULT_RETRYABLE)
        #expect(host.timer.pending == 0)
        #expect(await provider.close() == [1, 1])
    }

    /// The alarm goes off while the cancellation is on its way: either may win, neither may answer twice.
    @Test func anAlarmAndACancellationAtOnceEndTheSleepOnce() async throws {
        for _ in 0..<200 {
            let host = FakeHost()
            let provider = try Self.provider(host)
            let running = provider.start(Self.call("sleep"))
            await host.timer.waitUntilPending()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { host.timer.advance(by: 30_000_000_000) }
                group.addTask { provider.cancel(running.id) }
            }
            let status = await running.result.status
            #expect(status == CRM_STATUS_OK || status == CRM_STATUS_CANCELLED)
            #expect(await provider.close() == [1, 1])
        }
    }

    @Test(arguments: ["where", "where after a sleep"]) func codeStaysOnTheHostsThreads(_ name: String) async throws {
        let host = FakeHost()
        let provider = try Self.provider(host)
        let running = provider.start(Self.call(.string(name)))
        if name != "where" {
            await host.timer.waitUntilPending()
            host.timer.advance(by: 1_000_000_000)
        }
        #expect(await running.result.status == CRM_STATUS_OK)
    }
}
