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
        /// What the flags are when the call was a write that a repeat would do twice.
        var writeFlags: UInt32?
        var wait: UInt32 = 0
        var rateClass: String?
        var testDescription: String { name }

        init(
            _ name: String, _ reply: FakeHTTP.Reply, _ status: Int32, _ code: String, flags: UInt32 = 0, writeFlags: UInt32? = nil,
            wait: UInt32 = 0, rateClass: String? = nil
        ) {
            self.name = name
            self.reply = reply
            self.status = status
            self.code = code.contains(".") ? code : "salesforce.\(code)"
            self.flags = flags
            self.writeFlags = writeFlags
            self.wait = wait
            self.rateClass = rateClass
        }
    }

    private static let retry = CRM_RESULT_RETRYABLE
    private static let maybe = CRM_RESULT_RETRYABLE | CRM_RESULT_AMBIGUOUS

    private static func invalid(_ vendorCode: String, _ code: String) -> Row {
        Row(vendorCode, Answer.error(400, vendorCode), CRM_STATUS_INVALID_ARGUMENT, code)
    }

    static let rows = [
        Row("dead session", Answer.dead, CRM_STATUS_INVALID_CREDENTIALS, "session_refused", flags: CRM_RESULT_REVALIDATE),
        Row("401 of nothing", .status(401), CRM_STATUS_INVALID_CREDENTIALS, "session_refused", flags: CRM_RESULT_REVALIDATE),
        Row(
            "daily limit", Answer.error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), CRM_STATUS_RATE_LIMITED,
            "daily_limit", flags: retry, wait: 900_000, rateClass: "api"),
        Row(
            "concurrent limit", Answer.error(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
            CRM_STATUS_RATE_LIMITED, "concurrent_limit", flags: retry, wait: 5_000, rateClass: "api_concurrency"),
        Row(
            "publish limit", Answer.error(400, "LIMIT_EXCEEDED"), CRM_STATUS_RATE_LIMITED, "publish_limit", flags: retry,
            wait: 3_600_000, rateClass: "platform_events"),
        Row(
            "publishing unavailable", Answer.error(503, "PLATFORM_EVENT_PUBLISHING_UNAVAILABLE"), CRM_STATUS_UNAVAILABLE,
            "publishing_unavailable", flags: retry),
        Row(
            "publishing encryption", Answer.error(400, "PLATFORM_EVENT_ENCRYPTION_ERROR"), CRM_STATUS_PERMISSION_DENIED,
            "publishing_encryption"),
        Row("locked row", Answer.error(400, "UNABLE_TO_LOCK_ROW"), CRM_STATUS_UPSTREAM, "row_locked", flags: retry, wait: 2_000),
        Row("locked row in 500", Answer.error(500, "UNABLE_TO_LOCK_ROW"), CRM_STATUS_UPSTREAM, "row_locked", flags: retry, wait: 2_000),
        Row("DUPLICATE_VALUE", Answer.error(400, "DUPLICATE_VALUE"), CRM_STATUS_CONFLICT, "duplicate_value"),
        Row("DUPLICATES_DETECTED", Answer.error(400, "DUPLICATES_DETECTED"), CRM_STATUS_CONFLICT, "duplicates_detected"),
        Row("300", Answer.json(300, ["/services/data/v68.0/sobjects/Contact/003"]), CRM_STATUS_CONFLICT, "several_matches"),
        Row(
            "expired password", Answer.error(403, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD"), CRM_STATUS_INVALID_CREDENTIALS,
            "password_expired"),
        Row(
            "storage", Answer.error(403, "STORAGE_LIMIT_EXCEEDED"), CRM_STATUS_UNAVAILABLE, "storage_full", flags: retry, wait: 3_600_000),
        invalid("REQUIRED_FIELD_MISSING", "required_field_missing"), invalid("INVALID_FIELD", "invalid_field"),
        invalid("INVALID_FIELD_FOR_INSERT_UPDATE", "field_not_writable"), invalid("INVALID_EMAIL_ADDRESS", "invalid_email_address"),
        invalid("STRING_TOO_LONG", "too_long"), invalid("FIELD_CUSTOM_VALIDATION_EXCEPTION", "validation_rule"),
        invalid("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "validation_rule"),
        invalid("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "not_in_picklist"), invalid("FIELD_INTEGRITY_EXCEPTION", "invalid_value"),
        invalid("NUMBER_OUTSIDE_VALID_RANGE", "invalid_value"), invalid("JSON_PARSER_ERROR", "json_parser_error"),
        invalid("MALFORMED_QUERY", "malformed_query"), invalid("A_NEW_CODE", "refused"),
        Row("INVALID_TYPE", Answer.error(400, "INVALID_TYPE"), CRM_STATUS_PERMISSION_DENIED, "object_unknown"),
        Row("MALFORMED_ID", Answer.error(400, "MALFORMED_ID"), CRM_STATUS_NOT_FOUND, "not_found"),
        Row("ENTITY_IS_DELETED", Answer.error(404, "ENTITY_IS_DELETED"), CRM_STATUS_NOT_FOUND, "not_found"),
        Row("API_DISABLED_FOR_ORG", Answer.error(403, "API_DISABLED_FOR_ORG"), CRM_STATUS_PERMISSION_DENIED, "api_disabled"),
        Row("API_CURRENTLY_DISABLED", Answer.error(403, "API_CURRENTLY_DISABLED"), CRM_STATUS_PERMISSION_DENIED, "api_disabled"),
        Row("INSUFFICIENT_ACCESS", Answer.error(403, "INSUFFICIENT_ACCESS"), CRM_STATUS_PERMISSION_DENIED, "permission_denied"),
        Row(
            "INSUFFICIENT_ACCESS_OR_READONLY", Answer.error(400, "INSUFFICIENT_ACCESS_OR_READONLY"), CRM_STATUS_PERMISSION_DENIED,
            "permission_denied"),
        Row("another 403", Answer.error(403, "ODD"), CRM_STATUS_PERMISSION_DENIED, "permission_denied"),
        Row("404 of no record", Answer.missing, CRM_STATUS_UPSTREAM, "unexpected_status", flags: retry),
        Row("408", .status(408), CRM_STATUS_UPSTREAM, "server_error", flags: retry, writeFlags: maybe),
        Row("409", .status(409), CRM_STATUS_CONFLICT, "conflict"),
        Row("410", .status(410), CRM_STATUS_UNSUPPORTED, "version_retired"),
        Row("413", .status(413), CRM_STATUS_INVALID_ARGUMENT, "too_large"),
        Row("414", .status(414), CRM_STATUS_INVALID_ARGUMENT, "too_large"),
        Row(
            "429 of a proxy", .response(429, [("retry-after", "7")], []), CRM_STATUS_RATE_LIMITED, "throttled", flags: retry, wait: 7_000,
            rateClass: "api"),
        Row("405", .status(405), CRM_STATUS_INVALID_ARGUMENT, "refused"),
        Row(
            "UNKNOWN_EXCEPTION", Answer.error(500, "UNKNOWN_EXCEPTION"), CRM_STATUS_UPSTREAM, "server_error", flags: retry,
            writeFlags: maybe),
        Row(
            "SERVER_UNAVAILABLE", Answer.error(503, "SERVER_UNAVAILABLE"), CRM_STATUS_UNAVAILABLE, "unavailable", flags: retry,
            writeFlags: maybe),
        Row("500", .status(500), CRM_STATUS_UPSTREAM, "server_error", flags: retry, writeFlags: maybe),
        Row(
            "502 in HTML", .response(502, [("content-type", "text/html")], Array("<html>".utf8)), CRM_STATUS_UPSTREAM, "server_error",
            flags: retry, writeFlags: maybe),
        Row("503", .status(503), CRM_STATUS_UPSTREAM, "server_error", flags: retry, writeFlags: maybe),
        Row("504", .status(504), CRM_STATUS_UPSTREAM, "server_error", flags: retry, writeFlags: maybe),
        Row(
            "302", .response(302, [("location", "https://evil.test")], []), CRM_STATUS_UPSTREAM, "unexpected_status", flags: retry,
            writeFlags: maybe),
        Row("timeout", .failure(CRM_HTTP_ERROR_TIMEOUT), CRM_STATUS_DEADLINE_EXCEEDED, "http.timeout", flags: retry, writeFlags: maybe),
        Row("dns", .failure(CRM_HTTP_ERROR_DNS), CRM_STATUS_UNAVAILABLE, "http.dns", flags: retry),
        Row("reset", .failure(CRM_HTTP_ERROR_RESET), CRM_STATUS_UPSTREAM, "http.reset", flags: retry, writeFlags: maybe),
        Row("blocked", .failure(CRM_HTTP_ERROR_BLOCKED), CRM_STATUS_BLOCKED_BY_POLICY, "http.blocked"),
    ]

    @Test(arguments: rows) func ofARead(_ row: Row) async throws {
        let bench = try SalesforceBench { $0.url.contains("/query?") ? row.reply : nil }
        expect(try await bench.lookUp(["email": "ada@example.test"]), row, flags: row.flags)
        await bench.expectEachEndedOnce()
    }

    /// A task is the one write here that a repeat would do twice.
    @Test(arguments: rows) func ofATask(_ row: Row) async throws {
        let bench = try SalesforceBench(org: .plain) { request in
            if request.url.contains("/query?") { return Answer.rows(["Id": "003000000000001AAA"]) }
            return request.url.hasSuffix("/sobjects/Task") ? row.reply : nil
        }
        expect(try await bench.event(["name": "E", "contact": ["email": "ada@example.test"]]), row, flags: row.writeFlags ?? row.flags)
        await bench.expectEachEndedOnce()
    }

    /// An upsert may be repeated: what is ambiguous is so for the transport alone.
    @Test(arguments: rows) func ofAnUpsert(_ row: Row) async throws {
        let bench = try SalesforceBench { $0.method == "PATCH" ? row.reply : nil }
        let result = try await bench.contact(["external_id": "user-1", "last_name": "L"])
        if row.name == "404 of no record" {
            #expect(result.status == CRM_STATUS_NOT_FOUND)
            return
        }
        expect(result, row, flags: row.code.hasPrefix("http.") ? row.writeFlags ?? row.flags : row.flags)
        await bench.expectEachEndedOnce()
    }

    private func expect(_ result: OperationResult, _ row: Row, flags: UInt32) {
        #expect(result.status == row.status)
        #expect(result.code == row.code)
        #expect(result.flags == flags)
        #expect(result.retryAfterMilliseconds == row.wait)
        #expect(result.payload["rate_class"]?.stringValue == row.rateClass)
        #expect(!result.message.isEmpty)
    }

    /// In the result of one record the same codes stand under another name.
    @Test(arguments: rows.filter { $0.reply.isOfSalesforce }) func ofOneRecordOfABatch(_ row: Row) async throws {
        let errors = row.reply.errors
        let bench = try SalesforceBench { request in
            request.url.contains("/composite/sobjects/Contact/") ? Answer.json(200, [["success": false, "errors": .array(errors)]]) : nil
        }
        let result = try await bench.batch([["kind": "contact", "contact": ["external_id": "user-1", "last_name": "L"]]])
        #expect(result.status == CRM_STATUS_OK)
        let item = result.payload["items"]?.arrayValue?.first
        let isMissing = row.name == "404 of no record"
        let isOther = row.name == "another 403"
        #expect(item?["status"]?.intValue == Int(isMissing || isOther ? CRM_STATUS_INVALID_ARGUMENT : row.status))
        if !isMissing, !isOther { #expect(item?["code"]?.stringValue == row.code) }
        #expect(item?["retry_after_ms"]?.intValue == (row.wait == 0 ? nil : Int(row.wait)))
    }

    @Test func whatIsLeftOfTheQuotaIsToldInSuccessAndInFailure() async throws {
        let headers = [("sforce-limit-info", "api-bursts=1/750; api-usage=10018/100000; per-app-api-usage=17/250(appName=x)")]
        let expected: JSONValue = [["class": "api", "window_s": 86_400, "limit": 100_000, "remaining": 89_982, "resets_in_s": 86_400]]
        for reply in [Answer.json(200, ["done": true, "records": []], headers), Answer.error(400, "INVALID_FIELD", "m", headers)] {
            let bench = try SalesforceBench { $0.url.contains("/query?") ? reply : nil }
            #expect(try await bench.lookUp(["email": "ada@example.test"]).payload["quota"] == expected)
        }
    }

    @Test(arguments: [
        "", "api-usage", "api-usage=1", "api-usage=a/b", "per-app-api-usage=1/2", "api-usage=-1/5", "api-usage=99999999999/1",
    ])
    func aLimitThatMakesNoSenseIsNone(_ text: String) async throws {
        let bench = try SalesforceBench {
            $0.url.contains("/query?") ? Answer.json(200, ["records": []], [("sforce-limit-info", text)]) : nil
        }
        #expect(try await bench.lookUp(["email": "ada@example.test"]).payload["quota"] == nil)
    }

    @Test func anUsedUpQuotaLeavesNothing() async throws {
        let bench = try SalesforceBench {
            $0.url.contains("/query?") ? Answer.json(200, ["records": []], [("sforce-limit-info", "api-usage=12/10")]) : nil
        }
        #expect(try await bench.lookUp(["email": "ada@example.test"]).payload["quota"]?.arrayValue?.first?["remaining"] == 0)
    }

    @Test func aWaitThatAProxyAsksForOutranksOurs() async throws {
        let bench = try SalesforceBench {
            $0.url.contains("/query?") ? Answer.error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests", [("retry-after", "30")]) : nil
        }
        #expect(try await bench.lookUp(["email": "ada@example.test"]).retryAfterMilliseconds == 30_000)
    }

    @Test func whatSalesforceRepeatsOfThePersonIsTakenOut() async throws {
        let bench = try SalesforceBench { request in
            request.method == "PATCH"
                ? Answer.error(400, "DUPLICATES_DETECTED", "ADA@example.test of Lovelace is known to ada@acme.test", fields: []) : nil
        }
        let result = try await bench.contact(["external_id": "user-1", "email": "ada@example.test", "last_name": "Lovelace"])
        #expect(result.payload["details"]?["detail"] == "[redacted] of [redacted] is known to [redacted]")
        #expect(!result.message.contains("example.test"))
    }
}

extension FakeHTTP.Reply {
    /// Salesforce's own errors, spelled as in the result of a record.
    fileprivate var errors: [JSONValue] {
        guard case .response(let status, _, let body) = self, status >= 400, status != 401 else { return [] }
        return ((try? JSONValue(parsing: body))?.arrayValue ?? []).map { error in
            ["statusCode": error["errorCode"] ?? "", "message": error["message"] ?? "", "fields": []]
        }
    }

    fileprivate var isOfSalesforce: Bool { !errors.isEmpty }
}
