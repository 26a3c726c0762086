import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Synchronization
import Testing

/// The cache through the real boundary: provider and host meet in C tables only.
@Suite(.timeLimit(.minutes(1))) struct SessionCacheTests {
    /// A CRM whose logins are answered when the test says so.
    private struct Bench: Sendable {
        let host: FakeHost
        let provider: ProviderUnderTest

        init(services: Set<FakeHost.Service> = Set(FakeHost.Service.allCases), _ script: @escaping FakeHTTP.Script) throws {
            host = FakeHost(services: services, answer: script)
            provider = try ProviderUnderTest({ CRMPlugin.factory($0, SessionProvider.self) }, host: host)
        }

        func start(_ name: JSONValue = "order", account: String = "account-1", password: JSONValue = "p-1") -> RunningOperation {
            var call = FakeCall(
                CRM_OP_SEND_EVENT, ["event": ["name": name, "contact": ["email": "ada@example.test"]]],
                credentials: ["password": password])
            call.account = account
            return provider.start(call)
        }

        var logins: [FakeHTTP.Request] { host.http.requests.filter { $0.url == "https://crm.test/login" } }

        /// Polls, because nothing tells a test that an operation has begun to wait for another one.
        func wait(_ condition: () -> Bool) async throws {
            let limit = ContinuousClock.now + .seconds(20)
            while !condition() {
                try #require(ContinuousClock.now < limit)
                try await Task.sleep(for: .milliseconds(1))
            }
        }

        func expectAllIsDone() async {
            #expect(host.cache.ticketCount == 0)
            #expect(host.cache.waitingCount == 0)
            #expect(await provider.close().allSatisfy { $0 == 1 })
            #expect(host.violations == [])
        }
    }

    private static func session(_ name: String) -> FakeHTTP.Reply { .response(200, [], Array(name.utf8)) }

    @Test func oneOfManyLogsIn() async throws {
        let bench = try Bench { $0.url.hasSuffix("/login") ? .silence : .status(200) }
        let running = (0..<50).map { _ in bench.start() }
        try await bench.wait { bench.logins.count == 1 && bench.host.cache.waitingCount == 49 }
        bench.host.http.answer(bench.logins[0], with: Self.session("s-1"))
        for operation in running { #expect(await operation.result.payload["remote_id"] == "s-1") }
        #expect(bench.logins.count == 1)
        #expect(bench.host.http.requests.count == 51)
        await bench.expectAllIsDone()
    }

    @Test func whoFailsFailsAloneAndTheNextOneLogsIn() async throws {
        let bench = try Bench { $0.url.hasSuffix("/login") ? .silence : .status(200) }
        let running = (0..<10).map { _ in bench.start() }
        try await bench.wait { bench.logins.count == 1 && bench.host.cache.waitingCount == 9 }
        bench.host.http.answer(bench.logins[0], with: .status(500))
        try await bench.wait { bench.logins.count == 2 }
        bench.host.http.answer(bench.logins[1], with: Self.session("s-2"))
        var codes: [String] = []
        for operation in running { codes.append(await operation.result.code) }
        #expect(codes.filter { $0 == "session.no_login" }.count == 1)
        #expect(codes.filter { $0.isEmpty }.count == 9)
        await bench.expectAllIsDone()
    }

    @Test func whoIsCancelledWhileWaitingWaitsNoMore() async throws {
        let bench = try Bench { $0.url.hasSuffix("/login") ? .silence : .status(200) }
        let maker = bench.start()
        try await bench.wait { bench.logins.count == 1 }
        let waiting = [bench.start(), bench.start()]
        try await bench.wait { bench.host.cache.waitingCount == 2 }
        bench.provider.cancel(waiting[0].id)
        #expect(await waiting[0].result.status == CRM_STATUS_CANCELLED)
        bench.host.http.answer(bench.logins[0], with: Self.session("s-1"))
        #expect(await maker.result.status == CRM_STATUS_OK)
        #expect(await waiting[1].result.payload["remote_id"] == "s-1")
        await bench.expectAllIsDone()
    }

    @Test func whenTheMakerIsCancelledTheNextOneMakes() async throws {
        let bench = try Bench { $0.url.hasSuffix("/login") ? .silence : .status(200) }
        let maker = bench.start()
        try await bench.wait { bench.logins.count == 1 }
        let next = bench.start()
        try await bench.wait { bench.host.cache.waitingCount == 1 }
        bench.provider.stop(maker.id)
        #expect(await maker.result.status == CRM_STATUS_CANCELLED)
        try await bench.wait { bench.logins.count == 2 }
        bench.host.http.answer(bench.logins[1], with: Self.session("s-2"))
        #expect(await next.result.payload["remote_id"] == "s-2")
        await bench.expectAllIsDone()
    }

    /// The turn comes to somebody who has stopped waiting while his operation goes on: he must pass it on.
    @Test func aTurnThatNobodyTakesIsPassedOn() async throws {
        let bench = try Bench { $0.url.hasSuffix("/login") ? .silence : .status(200) }
        let maker = bench.start()
        try await bench.wait { bench.logins.count == 1 }
        let impatient = bench.start("impatient")
        await bench.host.timer.waitUntilPending()
        try await bench.wait { bench.host.cache.waitingCount == 1 }
        bench.host.timer.advance(by: 1_000_000_000)
        await bench.host.timer.waitUntilPending()
        let patient = bench.start()
        try await bench.wait { bench.host.cache.waitingCount == 2 }
        bench.host.http.answer(bench.logins[0], with: .status(500))
        #expect(await maker.result.code == "session.no_login")
        try await bench.wait { bench.logins.count == 2 }
        bench.host.http.answer(bench.logins[1], with: Self.session("s-2"))
        #expect(await patient.result.payload["remote_id"] == "s-2")
        bench.host.timer.advance(by: 1_000_000_000)
        #expect(await impatient.result.payload["remote_id"] == "given up")
        await bench.expectAllIsDone()
    }

    @Test func anEntryLivesAsLongAsItsMakerSaid() async throws {
        let bench = try Bench { $0.url.hasSuffix("/login") ? Self.session("s-\($0.id)") : .status(200) }
        #expect(await bench.start().result.payload["remote_id"] == "s-1")
        bench.host.timer.advance(by: 59_999_999_999)
        #expect(await bench.start().result.payload["remote_id"] == "s-1")
        #expect(await bench.start("look").result.payload["remote_id"] == "s-1")
        bench.host.timer.advance(by: 1)
        #expect(await bench.start("look").result.payload["remote_id"] == "nothing")
        #expect(await bench.start().result.payload["remote_id"] == "s-4")
        await bench.expectAllIsDone()
    }

    @Test func connectionsAndCredentialsAreKeptApart() async throws {
        let bench = try Bench { $0.url.hasSuffix("/login") ? Self.session("s-\($0.operation)") : .status(200) }
        let first = await bench.start().result.payload["remote_id"]
        #expect(await bench.start().result.payload["remote_id"] == first)
        #expect(await bench.start(account: "account-2").result.payload["remote_id"] != first)
        #expect(await bench.start(password: "p-2").result.payload["remote_id"] != first)
        #expect(bench.logins.count == 3)
        await bench.expectAllIsDone()
    }

    /// Both find the session dead, one after the other; the second must not take the first one's new session away.
    @Test func onlyTheStaleEntryIsRemoved() async throws {
        let bench = try Bench { request in
            if request.url.hasSuffix("/login") { return Self.session("s-\(request.id)") }
            return request.bodyText == "\"late\"" ? .silence : request.header("Authorization") == "Bearer s-1" ? .status(401) : .status(200)
        }
        let late = bench.start("late")
        await bench.host.http.waitForRequests(2)
        #expect(await bench.start().result.code == "session.dead")
        let renewed = await bench.start().result.payload["remote_id"]
        #expect(renewed != "s-1")
        let pending = try #require(bench.host.http.requests.first { $0.bodyText == "\"late\"" })
        bench.host.http.answer(pending, with: .status(401))
        #expect(await late.result.code == "session.dead")
        #expect(await bench.start("look").result.payload["remote_id"] == renewed)
        await bench.expectAllIsDone()
    }

    @Test func aHostWithoutACacheLetsEachLogIn() async throws {
        let bench = try Bench(services: [.http, .executor, .timer]) { $0.url.hasSuffix("/login") ? Self.session("s-1") : .status(200) }
        for _ in 0..<3 { #expect(await bench.start().result.status == CRM_STATUS_OK) }
        #expect(bench.logins.count == 3)
        #expect(await bench.start("look").result.payload["remote_id"] == "nothing")
        await bench.expectAllIsDone()
    }

    @Test func aKeyThatIsTooLongIsNotShared() async throws {
        let bench = try Bench { $0.url.hasSuffix("/login") ? Self.session("s-\($0.id)") : .status(200) }
        for _ in 0..<2 { #expect(await bench.start("long key").result.status == CRM_STATUS_OK) }
        #expect(bench.logins.count == 2)
        await bench.expectAllIsDone()
    }

    /// Each of many operations is cancelled at another moment: before it asks, while it waits, while it makes.
    @Test func cancellationsAtAnyMomentLeaveNobodyWaiting() async throws {
        for round in 0..<20 {
            let bench = try Bench { $0.url.hasSuffix("/login") ? Self.session("s-1") : .status(200) }
            var running: [RunningOperation] = []
            for number in 0..<50 {
                running.append(bench.start())
                if (number + round).isMultiple(of: 3), let newest = running.last { bench.provider.cancel(newest.id) }
            }
            for operation in running {
                let status = await operation.result.status
                #expect(status == CRM_STATUS_OK || status == CRM_STATUS_CANCELLED)
            }
            await bench.expectAllIsDone()
        }
    }
}
