import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite struct ErrorTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let reply: FakeHTTP.Reply
        let status: Int32
        let code: String
        var flags: UInt32 = 0
        /// What the flags are when the call was a write.
        var writeFlags: UInt32?
        var testDescription: String { name }
    }

    private static let html = [("content-type", "text/html")]
    private static let retry = CRM_RESULT_RETRYABLE

    static let rows = [
        Row(name: "400", reply: Answer.error(400, "invalid"), status: CRM_STATUS_INVALID_ARGUMENT, code: "klaviyo.invalid"),
        Row(
            name: "400 for a key", reply: Answer.error(400, "authentication_failed"), status: CRM_STATUS_INVALID_CREDENTIALS,
            code: "klaviyo.authentication_failed", flags: CRM_RESULT_REVALIDATE),
        Row(
            name: "400 without a key", reply: Answer.error(400, "not_authenticated"), status: CRM_STATUS_INVALID_CREDENTIALS,
            code: "klaviyo.authentication_failed", flags: CRM_RESULT_REVALIDATE),
        Row(
            name: "401", reply: Answer.error(401, "authentication_failed"), status: CRM_STATUS_INVALID_CREDENTIALS,
            code: "klaviyo.authentication_failed", flags: CRM_RESULT_REVALIDATE),
        Row(
            name: "403 by Klaviyo", reply: Answer.error(403, "permission_denied"), status: CRM_STATUS_PERMISSION_DENIED,
            code: "klaviyo.permission_denied"),
        Row(name: "403 by Cloudflare", reply: Answer.challenge, status: CRM_STATUS_UNAVAILABLE, code: "klaviyo.challenge", flags: retry),
        Row(
            name: "403 of nothing", reply: .status(403), status: CRM_STATUS_UNAVAILABLE, code: "klaviyo.front_end", flags: retry),
        Row(
            name: "403 for another reason", reply: Answer.error(403, "feature_not_available"), status: CRM_STATUS_PERMISSION_DENIED,
            code: "klaviyo.not_available"),
        Row(
            name: "405", reply: Answer.error(405, "method_not_allowed"), status: CRM_STATUS_INTERNAL, code: "klaviyo.revision", flags: retry
        ),
        Row(name: "406", reply: .status(406), status: CRM_STATUS_INTERNAL, code: "klaviyo.revision", flags: retry),
        Row(name: "410", reply: Answer.error(410, "gone"), status: CRM_STATUS_INTERNAL, code: "klaviyo.revision", flags: retry),
        Row(
            name: "415", reply: Answer.error(415, "unsupported_media_type"), status: CRM_STATUS_INTERNAL, code: "klaviyo.revision",
            flags: retry),
        Row(
            name: "400 for the revision", reply: .json(400, ["errors": [["code": "invalid", "source": ["parameter": "revision"]]]]),
            status: CRM_STATUS_INTERNAL, code: "klaviyo.revision", flags: retry),
        Row(
            name: "404 of no record", reply: Answer.error(404, "not_found"), status: CRM_STATUS_UPSTREAM, code: "klaviyo.unexpected_status",
            flags: retry),
        Row(
            name: "408", reply: .status(408), status: CRM_STATUS_UPSTREAM, code: "klaviyo.server_error", flags: retry,
            writeFlags: retry | CRM_RESULT_AMBIGUOUS),
        Row(name: "409", reply: Answer.duplicate, status: CRM_STATUS_CONFLICT, code: "klaviyo.duplicate_profile"),
        Row(name: "409 otherwise", reply: Answer.error(409, "conflict"), status: CRM_STATUS_CONFLICT, code: "klaviyo.conflict"),
        Row(name: "413", reply: .response(413, html, []), status: CRM_STATUS_INVALID_ARGUMENT, code: "klaviyo.too_large"),
        Row(name: "422", reply: Answer.error(422, "odd"), status: CRM_STATUS_INVALID_ARGUMENT, code: "klaviyo.refused"),
        Row(name: "429", reply: Answer.error(429, "throttled"), status: CRM_STATUS_RATE_LIMITED, code: "klaviyo.throttled", flags: retry),
        Row(
            name: "429 of a proxy", reply: .response(429, html, Array("<html>".utf8)), status: CRM_STATUS_RATE_LIMITED,
            code: "klaviyo.throttled", flags: retry),
        Row(name: "500", reply: .status(500), status: CRM_STATUS_UPSTREAM, code: "klaviyo.server_error", flags: retry),
        Row(
            name: "502", reply: .response(502, html, Array("<html>".utf8)), status: CRM_STATUS_UPSTREAM, code: "klaviyo.server_error",
            flags: retry),
        Row(name: "503", reply: .status(503), status: CRM_STATUS_UPSTREAM, code: "klaviyo.server_error", flags: retry),
        Row(
            name: "504", reply: .status(504), status: CRM_STATUS_UPSTREAM, code: "klaviyo.server_error", flags: retry,
            writeFlags: retry | CRM_RESULT_AMBIGUOUS),
        Row(
            name: "524", reply: .status(524), status: CRM_STATUS_UPSTREAM, code: "klaviyo.server_error", flags: retry,
            writeFlags: retry | CRM_RESULT_AMBIGUOUS),
        Row(name: "301", reply: .status(301), status: CRM_STATUS_UPSTREAM, code: "klaviyo.unexpected_status", flags: retry),
        Row(
            name: "an error that is not JSON", reply: .response(400, [("content-type", "application/vnd.api+json")], Array("{".utf8)),
            status: CRM_STATUS_INVALID_ARGUMENT, code: "klaviyo.invalid"),
        Row(
            name: "cancelled", reply: .failure(CRM_HTTP_ERROR_CANCELLED), status: CRM_STATUS_CANCELLED, code: "cancelled", flags: retry,
            writeFlags: retry | CRM_RESULT_AMBIGUOUS),
        Row(
            name: "timeout", reply: .failure(CRM_HTTP_ERROR_TIMEOUT), status: CRM_STATUS_DEADLINE_EXCEEDED, code: "http.timeout",
            flags: retry, writeFlags: retry | CRM_RESULT_AMBIGUOUS),
        Row(name: "dns", reply: .failure(CRM_HTTP_ERROR_DNS), status: CRM_STATUS_UNAVAILABLE, code: "http.dns", flags: retry),
        Row(name: "connect", reply: .failure(CRM_HTTP_ERROR_CONNECT), status: CRM_STATUS_UNAVAILABLE, code: "http.connect", flags: retry),
        Row(name: "tls", reply: .failure(CRM_HTTP_ERROR_TLS), status: CRM_STATUS_UNAVAILABLE, code: "http.tls", flags: retry),
        Row(
            name: "reset", reply: .failure(CRM_HTTP_ERROR_RESET), status: CRM_STATUS_UPSTREAM, code: "http.reset", flags: retry,
            writeFlags: retry | CRM_RESULT_AMBIGUOUS),
        Row(
            name: "too large", reply: .failure(CRM_HTTP_ERROR_TOO_LARGE), status: CRM_STATUS_UPSTREAM, code: "http.too_large",
            flags: retry, writeFlags: retry | CRM_RESULT_AMBIGUOUS),
        Row(name: "blocked", reply: .failure(CRM_HTTP_ERROR_BLOCKED), status: CRM_STATUS_BLOCKED_BY_POLICY, code: "http.blocked"),
        Row(name: "replay", reply: .failure(CRM_HTTP_ERROR_REPLAY_MISS), status: CRM_STATUS_INTERNAL, code: "http.replay_miss"),
        Row(
            name: "a transport error from the future", reply: .failure(99), status: CRM_STATUS_UPSTREAM, code: "http.unknown",
            flags: retry, writeFlags: retry | CRM_RESULT_AMBIGUOUS),
    ]

    @Test(arguments: rows) func ofARead(_ row: Row) async throws {
        let bench = try KlaviyoBench { _ in row.reply }
        let result = try await bench.lookUp(["email": "ada@example.test"])
        expect(result, row, flags: row.flags)
        await bench.expectEachEndedOnce()
    }

    @Test(arguments: rows) func ofAContact(_ row: Row) async throws {
        let bench = try KlaviyoBench { _ in row.reply }
        let result = try await bench.contact(["email": "ada@example.test"])
        expect(result, row, flags: row.writeFlags ?? row.flags)
        await bench.expectEachEndedOnce()
    }

    @Test(arguments: rows) func ofAnEvent(_ row: Row) async throws {
        let bench = try KlaviyoBench { _ in row.reply }
        let result = try await bench.event(["name": "Order Placed", "unique_id": "o-1", "contact": ["email": "ada@example.test"]])
        expect(result, row, flags: row.writeFlags ?? row.flags)
        await bench.expectEachEndedOnce()
    }

    private func expect(_ result: OperationResult, _ row: Row, flags: UInt32) {
        #expect(result.status == row.status)
        #expect(result.code == row.code)
        #expect(result.flags == flags)
        #expect(!result.message.isEmpty)
        #expect(result.retryAfterMilliseconds == 0)
    }

    @Test func aWaitInSecondsIsPassedOnWithItsClass() async throws {
        let bench = try KlaviyoBench { _ in Answer.error(429, "throttled", [("retry-after", "17")]) }
        let result = try await bench.event(["name": "Order Placed", "contact": ["email": "ada@example.test"]])
        #expect(result.retryAfterMilliseconds == 17_000)
        #expect(result.payload["rate_class"] == "events")
    }

    @Test func onlyAWaitHasAClass() async throws {
        let bench = try KlaviyoBench { _ in .status(500) }
        let result = try await bench.event(["name": "Order Placed", "contact": ["email": "ada@example.test"]])
        #expect(result.status == CRM_STATUS_UPSTREAM)
        #expect(result.payload["rate_class"] == nil)
    }

    @Test func aWaitThatOnlyTheTextNamesIsPassedOn() async throws {
        let bench = try KlaviyoBench { _ in
            Answer.error(429, "throttled", detail: "Request was throttled. Expected available in 42 seconds.")
        }
        #expect(try await bench.contact(["email": "ada@example.test"]).retryAfterMilliseconds == 42_000)
    }

    @Test func aWaitUntilADateIsMeasuredByTheAnswersClock() async throws {
        let bench = try KlaviyoBench { _ in
            Answer.error(
                429, "throttled", [("retry-after", "Sun, 01 Nov 2026 10:01:30 GMT"), ("date", "Sun, 01 Nov 2026 10:01:00 GMT")])
        }
        #expect(try await bench.contact(["email": "ada@example.test"]).retryAfterMilliseconds == 30_000)
    }

    @Test func aWaitUntilADateWithoutAClockIsMeasuredByTheHosts() async throws {
        let bench = try KlaviyoBench { _ in Answer.error(429, "throttled", [("retry-after", "Sun, 01 Nov 2026 10:01:00 GMT")]) }
        #expect(try await bench.contact(["email": "ada@example.test"]).retryAfterMilliseconds == 60_000)
    }

    @Test func theMissingScopeIsNamed() async throws {
        let bench = try KlaviyoBench { _ in Answer.error(403, "permission_denied") }
        #expect(try await bench.event(["name": "E", "contact": ["email": "a@b.test"]]).payload["details"]?["scope"] == "events:write")
        #expect(try await bench.contact(["email": "a@b.test"]).payload["details"]?["scope"] == "profiles:write")
        #expect(try await bench.lookUp(["email": "a@b.test"]).payload["details"]?["scope"] == "profiles:read")
    }

    @Test func whatIsLeftOfTheQuotaIsToldInSuccessAndInFailure() async throws {
        let headers = [("ratelimit-limit", "750"), ("ratelimit-remaining", "749"), ("ratelimit-reset", "42")]
        let expected: JSONValue = [["class": "profiles", "window_s": 60, "limit": 750, "remaining": 749, "resets_in_s": 42]]
        let good = try KlaviyoBench { _ in .json(200, ["data": ["id": "1"]], headers) }
        #expect(try await good.contact(["email": "ada@example.test"]).payload["quota"] == expected)
        let bad = try KlaviyoBench { _ in Answer.error(400, "invalid", headers) }
        #expect(try await bad.contact(["email": "ada@example.test"]).payload["quota"] == expected)
    }

    @Test func whatKlaviyoRepeatsOfThePersonIsTakenOut() async throws {
        let bench = try KlaviyoBench { _ in
            Answer.error(
                400, "invalid", pointer: "/data/attributes/email",
                detail: "ADA@example.test of Lovelace is no address; the key was pk_0123456789abcdefghijklmnopqrstuvwx.")
        }
        let result = try await bench.contact(["email": "ada@example.test", "last_name": "Lovelace"])
        #expect(
            result.payload["details"]?["detail"] == "[redacted] of [redacted] is no address; the key was [redacted].")
        #expect(!result.message.contains("example.test"))
    }
}
