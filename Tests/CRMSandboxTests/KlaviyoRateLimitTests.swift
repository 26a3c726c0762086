import CRMCore
import Testing

@Suite struct KlaviyoRateLimitTests {
    @Test func aSecondAndAMinuteHaveTheirQuota() async throws {
        let sandbox = try await RunningSandbox()
        try sandbox.stopClock(at: "2026-11-22T10:00:00Z")
        func call() throws -> RunningSandbox.Reply { try sandbox.klaviyo("GET", "accounts") }
        let first = try call()
        #expect(first.status == 200)
        #expect(
            first.headers["ratelimit-limit"] == "15" && first.headers["ratelimit-remaining"] == "14"
                && first.headers["ratelimit-reset"] == "60")
        let second = try call()
        #expect(second.status == 429)
        #expect(second.error?["code"] == "throttled")
        #expect(second.headers["retry-after"] == "1")
        #expect(second.headers["ratelimit-limit"] == nil && second.headers["ratelimit-remaining"] == nil)
        for _ in 2...15 {
            try sandbox.advanceClock(milliseconds: 1_000)
            #expect(try call().status == 200)
        }
        try sandbox.advanceClock(milliseconds: 1_000)
        let exhausted = try call()
        #expect(exhausted.status == 429)
        #expect(exhausted.headers["retry-after"] == "45")
        try sandbox.advanceClock(milliseconds: 45_000)
        #expect(try call().status == 200)
    }

    @Test func accountsAndCallsDoNotShareAQuota() async throws {
        let sandbox = try await RunningSandbox()
        try sandbox.stopClock(at: "2026-11-22T10:00:00Z")
        #expect(try sandbox.klaviyo("GET", "accounts").status == 200)
        #expect(try sandbox.klaviyo("GET", "accounts", account: "x@shop.test").status == 200)
        #expect(try sandbox.klaviyo("GET", "profiles").status == 200)
        #expect(try sandbox.klaviyo("GET", "accounts").status == 429)
        // The keys of one account do.
        #expect(try sandbox.klaviyo("POST", "events", KlaviyoBody.event()).headers["ratelimit-remaining"] == "3499")
        #expect(
            try sandbox.klaviyo("POST", "events", KlaviyoBody.event(), account: "noscope_ada@shop.test").headers["ratelimit-remaining"]
                == "3498")
    }

    @Test func limitsCanBeSwitchedOff() async throws {
        let sandbox = try await RunningSandbox(["--rate-limits", "off"])
        try sandbox.stopClock(at: "2026-11-22T10:00:00Z")
        for _ in 0..<20 {
            let reply = try sandbox.klaviyo("GET", "accounts")
            #expect(reply.status == 200)
            #expect(reply.headers["ratelimit-limit"] == nil)
        }
    }
}
