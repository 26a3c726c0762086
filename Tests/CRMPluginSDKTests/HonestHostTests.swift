import CRMPluginAPI
import CRMPluginTestKit
import Testing

/// What the fake host does with libraries that break their promises: it notices, and lives on.
@Suite(.timeLimit(.minutes(1))) struct HonestHostTests {
    @Test func anOperationThatEndsTwiceIsNoticed() async throws {
        let host = FakeHost()
        let provider = try ProviderUnderTest(FaultyModule.factory, host: host, config: [])
        let running = provider.start(FakeCall(FaultyModule.endsTwice))
        #expect(running.results.map(\.status) == [CRM_STATUS_OK, CRM_STATUS_OK])
        #expect(host.violations == [.endedAgain(running.id)])
        #expect(await provider.close() == [2, 1])
    }

    @Test func anOperationThatNeverEndsIsNotWaitedFor() async throws {
        let host = FakeHost()
        let provider = try ProviderUnderTest(FaultyModule.factory, host: host, config: [])
        #expect(await provider.start(FakeCall(FaultyModule.neverEnds)).result(within: 0.05) == nil)
        #expect(provider.completionCounts == [0])
    }

    @Test func anEndAfterEverybodyLeftHarmsNothing() throws {
        let before = RunningOperation.strayCompletionCount
        do {
            let host = FakeHost()
            let provider = try ProviderUnderTest(FaultyModule.factory, host: host, config: [])
            _ = provider.start(FakeCall(FaultyModule.keepsContext))
        }
        FaultyModule.endKept()
        #expect(RunningOperation.strayCompletionCount > before)
    }

    @Test func callsAfterCloseAreNoticed() async throws {
        let host = FakeHost()
        let provider = try ProviderUnderTest(FaultyModule.factory, host: host, config: [])
        _ = await provider.close()
        FaultyModule.callTheHost(host.table)
        #expect(host.violations == [.calledAfterClose("host.log")])
        #expect(host.log.lines.isEmpty)
    }

    @Test func callsToAHostThatHasGoneAreCounted() throws {
        let before = FakeHost.lateCallCount
        let table = FakeHost().table
        FaultyModule.callTheHost(table)
        #expect(FakeHost.lateCallCount > before)
    }

    @Test func whatIsNoTextAndOfAnotherSizeIsNoticed() async throws {
        let host = FakeHost()
        let provider = try ProviderUnderTest(FaultyModule.factory, host: host, config: [])
        let noText = await provider.run(FakeCall(FaultyModule.answersNoText))
        #expect(!noText.isText)
        #expect(noText.messageBytes == [0xFF, 0xFE])
        let otherSize = await provider.run(FakeCall(FaultyModule.answersInAnotherSize))
        #expect(otherSize.size == 72)
        #expect(otherSize.codeBytes.isEmpty)
        #expect(await provider.close() == [1, 1, 1])
    }

    @Test func aRefusalWithoutAReasonOrWithTwoIsNoticed() throws {
        #expect(throws: ProviderUnderTest.Failure.self) {
            try ProviderUnderTest(FaultyModule.factory, host: FakeHost(), config: Array("silent".utf8))
        }
        do {
            _ = try ProviderUnderTest(FaultyModule.factory, host: FakeHost(), config: Array("twice".utf8))
            Issue.record("was made")
        } catch ProviderUnderTest.Failure.refusedRepeatedly(let count) {
            #expect(count == 2)
        }
        #expect(throws: ProviderUnderTest.Failure.self) { try ProviderUnderTest({ _ in nil }, host: FakeHost(), config: []) }
    }
}
