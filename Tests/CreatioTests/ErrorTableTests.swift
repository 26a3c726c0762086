import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct ErrorTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let reply: FakeHTTP.Reply
        let status: Int32
        let code: String
        var flags: UInt32 = 0
        /// What the flags are when the call was a write.
        var writeFlags: UInt32?
        var wait: UInt32 = 0
        var testDescription: String { name }
    }

    private static let retry = CRM_RESULT_RETRYABLE
    private static let doubt = CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS

    static let rows = [
        Row(
            name: "an ended session under 200", reply: Says.json(200, Says.sessionOverBody), status: CRM_STATUS_INVALID_CREDENTIALS,
            code: "creatio.session_refused", flags: CRM_RESULT_REVALIDATE),
        Row(
            name: "the router under 200", reply: Says.json(200, Says.routing), status: CRM_STATUS_UNAVAILABLE,
            code: "creatio.no_such_object",
            flags: retry, wait: 30_000),
        Row(
            name: "the router under 404", reply: Says.json(404, Says.routing), status: CRM_STATUS_UNAVAILABLE,
            code: "creatio.no_such_object",
            flags: retry, wait: 30_000),
        Row(
            name: "an unknown column", reply: Says.odata(400, "Column by path ContactId not found in schema Contact."),
            status: CRM_STATUS_INVALID_ARGUMENT, code: "creatio.unknown_column"),
        Row(
            name: "an unknown property under 500", reply: Says.exception(500, "Could not find a property named 'X' on type 'Contact'."),
            status: CRM_STATUS_INVALID_ARGUMENT, code: "creatio.unknown_column"),
        Row(
            name: "an id that is taken", reply: Says.odata(500, "23505: duplicate key value violates unique constraint"),
            status: CRM_STATUS_CONFLICT, code: "creatio.duplicate_id"),
        Row(
            name: "a key that is taken", reply: Says.exception(500, "Violation of PRIMARY KEY constraint 'PKContact'."),
            status: CRM_STATUS_CONFLICT, code: "creatio.duplicate_id"),
        Row(name: "400", reply: Says.odata(400), status: CRM_STATUS_INVALID_ARGUMENT, code: "creatio.invalid"),
        Row(name: "400 as an exception", reply: Says.exception(400), status: CRM_STATUS_INVALID_ARGUMENT, code: "creatio.invalid"),
        Row(
            name: "401", reply: .status(401), status: CRM_STATUS_INVALID_CREDENTIALS, code: "creatio.session_refused",
            flags: CRM_RESULT_REVALIDATE),
        Row(name: "403", reply: Says.odata(403), status: CRM_STATUS_PERMISSION_DENIED, code: "creatio.permission_denied"),
        Row(name: "403 as a page", reply: Says.html(403), status: CRM_STATUS_PERMISSION_DENIED, code: "creatio.permission_denied"),
        Row(
            name: "404 of an object", reply: Says.html(404), status: CRM_STATUS_UNAVAILABLE, code: "creatio.no_such_object", flags: retry,
            wait: 30_000),
        Row(name: "409", reply: Says.odata(409), status: CRM_STATUS_CONFLICT, code: "creatio.conflict"),
        Row(name: "413", reply: Says.html(413), status: CRM_STATUS_INVALID_ARGUMENT, code: "creatio.too_large"),
        Row(name: "408", reply: .status(408), status: CRM_STATUS_UPSTREAM, code: "creatio.server_error", flags: retry, writeFlags: doubt),
        Row(name: "415", reply: .status(415), status: CRM_STATUS_INVALID_ARGUMENT, code: "creatio.refused"),
        Row(name: "429", reply: Says.html(429), status: CRM_STATUS_RATE_LIMITED, code: "creatio.throttled", flags: retry),
        Row(
            name: "429 with a wait", reply: .response(429, [("retry-after", "17")], []), status: CRM_STATUS_RATE_LIMITED,
            code: "creatio.throttled", flags: retry, wait: 17_000),
        Row(
            name: "500", reply: Says.odata(500), status: CRM_STATUS_UPSTREAM, code: "creatio.server_error", flags: retry,
            writeFlags: doubt),
        Row(
            name: "500 as an exception", reply: Says.exception(500), status: CRM_STATUS_UPSTREAM, code: "creatio.server_error",
            flags: retry,
            writeFlags: doubt),
        Row(
            name: "502", reply: Says.html(502), status: CRM_STATUS_UNAVAILABLE, code: "creatio.unavailable", flags: retry, writeFlags: doubt
        ),
        Row(
            name: "503 with a wait", reply: .response(503, [("retry-after", "60")], []), status: CRM_STATUS_UNAVAILABLE,
            code: "creatio.unavailable", flags: retry, writeFlags: doubt, wait: 60_000),
        Row(name: "504", reply: .status(504), status: CRM_STATUS_UNAVAILABLE, code: "creatio.unavailable", flags: retry, writeFlags: doubt),
        Row(name: "507", reply: .status(507), status: CRM_STATUS_UPSTREAM, code: "creatio.server_error", flags: retry, writeFlags: doubt),
        Row(
            name: "a login page that stays", reply: Says.loginPage, status: CRM_STATUS_UPSTREAM, code: "creatio.unexpected_page",
            flags: retry,
            writeFlags: doubt),
        Row(
            name: "a page under 200", reply: Says.html(200), status: CRM_STATUS_UPSTREAM, code: "creatio.unexpected_page", flags: retry,
            writeFlags: doubt),
        Row(
            name: "a redirection that stays", reply: Says.redirect, status: CRM_STATUS_UPSTREAM, code: "creatio.unexpected_page",
            flags: retry),
        Row(
            name: "an error under 200", reply: Says.odata(200), status: CRM_STATUS_UPSTREAM, code: "creatio.server_error", flags: retry,
            writeFlags: doubt),
        Row(
            name: "an exception under 200", reply: Says.exception(200), status: CRM_STATUS_UPSTREAM, code: "creatio.server_error",
            flags: retry, writeFlags: doubt),
        Row(
            name: "nothing under 200", reply: .status(200), status: CRM_STATUS_UPSTREAM, code: "creatio.unreadable_answer", flags: retry,
            writeFlags: doubt),
        Row(
            name: "half an answer", reply: .response(200, [("content-type", "application/json")], Array(#"{"value":[{"Id""#.utf8)),
            status: CRM_STATUS_UPSTREAM, code: "creatio.unreadable_answer", flags: retry, writeFlags: doubt),
        Row(
            name: "something else", reply: Says.json(200, ["hello": "world"]), status: CRM_STATUS_UPSTREAM,
            code: "creatio.unreadable_answer",
            flags: retry, writeFlags: doubt),
        Row(
            name: "blocked", reply: .failure(CRM_HTTP_ERROR_BLOCKED), status: CRM_STATUS_BLOCKED_BY_POLICY,
            code: "creatio.target_not_allowed"),
        Row(
            name: "timeout", reply: .failure(CRM_HTTP_ERROR_TIMEOUT), status: CRM_STATUS_DEADLINE_EXCEEDED, code: "http.timeout",
            flags: retry,
            writeFlags: doubt),
        Row(name: "dns", reply: .failure(CRM_HTTP_ERROR_DNS), status: CRM_STATUS_UNAVAILABLE, code: "http.dns", flags: retry),
        Row(
            name: "reset", reply: .failure(CRM_HTTP_ERROR_RESET), status: CRM_STATUS_UPSTREAM, code: "http.reset", flags: retry,
            writeFlags: doubt),
    ]

    @Test(arguments: rows) func ofARead(_ row: Row) async throws {
        let bench = try CreatioBench { request, _ in request.filter == nil ? nil : row.reply }
        expect(try await bench.lookUp(["email": "ada@example.test"]), row, flags: row.flags)
        await bench.expectEachEndedOnce()
    }

    @Test(arguments: rows) func ofAnInsert(_ row: Row) async throws {
        let bench = try CreatioBench { request, _ in request.call == "POST Contact" ? row.reply : nil }
        expect(try await bench.contact(["email": "ada@example.test"]), row, flags: row.writeFlags ?? row.flags)
        await bench.expectEachEndedOnce()
    }

    @Test(arguments: rows.filter { $0.code != "creatio.no_such_object" || $0.name != "404 of an object" }) func ofAnUpdate(_ row: Row)
        async throws
    {
        let bench = try CreatioBench { request, _ in request.method == "PATCH" ? row.reply : nil }
        bench.site.add("Contact", CreatioBench.ada)
        expect(try await bench.contact(["external_id": "user-1"]), row, flags: row.writeFlags ?? row.flags)
        await bench.expectEachEndedOnce()
    }

    @Test(arguments: rows.filter { $0.wait != 30_000 }) func ofAnEvent(_ row: Row) async throws {
        let bench = try CreatioBench { request, _ in request.call == "POST UsrIntegrationEvent" ? row.reply : nil }
        bench.site.add("Contact", CreatioBench.ada)
        let result = try await bench.event(["name": "Seen", "unique_id": "e-1", "contact": ["external_id": "user-1"]])
        expect(result, row, flags: row.writeFlags ?? row.flags)
        await bench.expectEachEndedOnce()
    }

    private func expect(_ result: OperationResult, _ row: Row, flags: UInt32) {
        #expect(result.status == row.status)
        #expect(result.code == row.code)
        #expect(result.flags == flags)
        #expect(result.retryAfterMilliseconds == row.wait)
        #expect(!result.message.isEmpty)
    }

    @Test func aRecordThatIsMissingIsNotFound() async throws {
        let bench = try CreatioBench { request, _ in request.call.hasPrefix("GET Contact(") ? Says.odata(404) : nil }
        let result = try await bench.lookUp(["remote_id": .string(CreatioBench.adaID)])
        #expect(result.status == CRM_STATUS_NOT_FOUND && result.code == "creatio.not_found")
    }

    @Test func whatTheSiteRepeatsIsTakenOut() async throws {
        let bench = try CreatioBench { request, _ in
            request.call == "POST Contact"
                ? Says.odata(400, "ADA@example.test at https://crm.example.test/0/odata is wrong, says hunter-22.") : nil
        }
        let result = try await bench.contact(["email": "ada@example.test"])
        #expect(result.payload["details"]?["detail"] == "[redacted] at [address] is wrong, says [redacted].")
        #expect(!result.payloadText.contains("StackTrace") && !result.message.contains("example"))
        #expect(result.payload["details"]?["call"] == "POST Contact")
    }

    @Test func aStackTraceGoesNowhere() async throws {
        let bench = try CreatioBench { request, _ in request.filter == nil ? nil : Says.exception(500) }
        let result = try await bench.lookUp(["email": "ada@example.test"])
        #expect(!result.payloadText.contains("Secret.Place"))
        #expect(result.payload["details"]?["creatio_code"] == "System.NullReferenceException")
    }

    @Test func pausesAndLoginsAreCounted() async throws {
        let bench = try CreatioBench { request, _ in request.filter == nil ? nil : .status(429) }
        _ = try await bench.lookUp(["email": "ada@example.test"])
        #expect(bench.host.metrics.samples.map(\.name).sorted() == ["logins", "throttled"])
    }
}
