import CRMCore
import Testing

extension TestedProvider {
    static let salesforce = TestedProvider(
        crm: "salesforce", library: "libSalesforceProvider.so",
        credentials: { ["username": .string($0), "password": "sandbox", "security_token": "token"] })
}

/// Every row of the provider's tables (`Plugins/Salesforce/README.md`), said by the sandbox and heard by the host.
@Suite struct SalesforceErrorTableTests {
    private static let contacts = "/services/data/v68.0/sobjects/Contact/External_Id__c"
    private static let tasks = "/services/data/v68.0/sobjects/Task"
    private static let query = "/services/data/v68.0/query"
    private static let login = "/services/Soap"

    private static func error(_ status: Int, _ code: String, _ message: String = "Something is wrong.") -> JSONValue {
        ["status": .integer(status), "body": [["errorCode": .string(code), "message": .string(message)]]]
    }

    /// The answer to an upsert; it comes twice where the provider tries twice by itself.
    private static func upsert(
        _ name: String, _ answers: [JSONValue], _ status: ProviderStatus, _ code: String, retryable: Bool = false, ambiguous: Bool = false,
        revalidate: Bool = false, retryAfter: Duration? = nil, location: SourceLocation = #_sourceLocation
    ) -> ErrorRow {
        ErrorRow(
            name, answers: answers, path: contacts, method: "PATCH", status: status, code: "salesforce.\(code)", retryable: retryable,
            ambiguous: ambiguous, revalidate: revalidate, retryAfter: retryAfter, location: location)
    }

    @Test func ofUpserts() async throws {
        try await ProviderGround.with(.salesforce) { ground in
            let dead = Self.error(401, "INVALID_SESSION_ID")
            try await ground.expect([
                Self.upsert("a session refused twice", [dead, dead], .invalidCredentials, "session_refused", revalidate: true),
                Self.upsert(
                    "401 without a word", [["status": 401, "body": ""], ["status": 401, "body": ""]], .invalidCredentials,
                    "session_refused",
                    revalidate: true),
                Self.upsert(
                    "daily limit", [Self.error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")], .rateLimited,
                    "daily_limit",
                    retryable: true, retryAfter: .seconds(900)),
                Self.upsert(
                    "daily limit with a wait", [["status": 403, "code": "REQUEST_LIMIT_EXCEEDED", "retry_after": 30]], .rateLimited,
                    "daily_limit", retryable: true, retryAfter: .seconds(30)),
                Self.upsert(
                    "concurrent limit",
                    [Self.error(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")],
                    .rateLimited,
                    "concurrent_limit", retryable: true, retryAfter: .seconds(5)),
                Self.upsert(
                    "locked row", [["status": 400, "code": "UNABLE_TO_LOCK_ROW"]], .upstream, "row_locked", retryable: true,
                    retryAfter: .seconds(2)),
                Self.upsert(
                    "locked row under 500", [["status": 500, "code": "UNABLE_TO_LOCK_ROW"]], .upstream, "row_locked", retryable: true,
                    retryAfter: .seconds(2)),
                Self.upsert(
                    "a value that another record has",
                    [["status": 400, "code": "DUPLICATE_VALUE"], ["status": 400, "code": "DUPLICATE_VALUE"]],
                    .conflict, "duplicate_value"),
                Self.upsert(
                    "a duplicate rule that blocks", [["status": 400, "code": "DUPLICATES_DETECTED"]], .conflict, "duplicates_detected"),
                Self.upsert(
                    "several matches", [["status": 300, "body": ["/services/data/v68.0/sobjects/Contact/003"]]], .conflict,
                    "several_matches"),
                Self.upsert("a permission", [["status": 403, "code": "INSUFFICIENT_ACCESS"]], .permissionDenied, "permission_denied"),
                Self.upsert(
                    "a record that is closed", [["status": 400, "code": "INSUFFICIENT_ACCESS_OR_READONLY"]], .permissionDenied,
                    "permission_denied"),
                Self.upsert("API disabled", [["status": 403, "code": "API_DISABLED_FOR_ORG"]], .permissionDenied, "api_disabled"),
                Self.upsert(
                    "API disabled for now", [["status": 403, "code": "API_CURRENTLY_DISABLED"]], .permissionDenied, "api_disabled"),
                Self.upsert("an unknown object", [["status": 400, "code": "INVALID_TYPE"]], .permissionDenied, "object_unknown"),
                Self.upsert("another 403", [["status": 403, "code": "ODD"]], .permissionDenied, "permission_denied"),
                Self.upsert(
                    "a deleted record", [["status": 400, "code": "ENTITY_IS_DELETED"], ["status": 400, "code": "ENTITY_IS_DELETED"]],
                    .notFound, "not_found"),
                Self.upsert(
                    "an id of nothing", [["status": 400, "code": "MALFORMED_ID"], ["status": 400, "code": "MALFORMED_ID"]], .notFound,
                    "not_found"),
                Self.upsert("404", [["status": 404, "code": "NOT_FOUND"], ["status": 404, "code": "NOT_FOUND"]], .notFound, "not_found"),
                Self.upsert("409", [["status": 409, "body": ""]], .conflict, "conflict"),
                Self.upsert("a retired version", [["status": 410, "body": ""]], .unsupported, "version_retired"),
                Self.upsert("408 of an upsert", [["status": 408, "body": ""]], .upstream, "server_error", retryable: true),
                Self.upsert("304", [["status": 304, "body": ""]], .upstream, "unexpected_status", retryable: true),
                Self.upsert("414", [["status": 414, "body": ""]], .invalidArgument, "too_large"),
                Self.upsert(
                    "an expired password", [["status": 403, "code": "INVALID_OPERATION_WITH_EXPIRED_PASSWORD"]], .invalidCredentials,
                    "password_expired"),
                Self.upsert(
                    "no storage left", [["status": 403, "code": "STORAGE_LIMIT_EXCEEDED"]], .unavailable, "storage_full", retryable: true,
                    retryAfter: .seconds(3_600)),
                Self.upsert("413", [["status": 413, "body": ""]], .invalidArgument, "too_large"),
                Self.upsert(
                    "429 of a proxy", [["status": 429, "retry_after": 7]], .rateLimited, "throttled", retryable: true,
                    retryAfter: .seconds(7)),
                Self.upsert("500", [500], .upstream, "server_error", retryable: true),
                Self.upsert("502 in HTML", [["status": 502, "page": "html"]], .upstream, "server_error", retryable: true),
                Self.upsert("503", [503], .unavailable, "unavailable", retryable: true),
                Self.upsert("504", [["status": 504, "body": ""]], .upstream, "server_error", retryable: true),
                Self.upsert(
                    "a body that is no JSON", [["status": 200, "page": "malformed"]], .upstream, "unreadable_answer", retryable: true),
                Self.upsert("a web page", [["status": 200, "page": "html"]], .upstream, "unreadable_answer", retryable: true),
            ])
        }
    }

    /// What is wrong with the contact: nothing that could be left out is named.
    @Test func ofContacts() async throws {
        try await ProviderGround.with(.salesforce) { ground in
            let codes = [
                ("REQUIRED_FIELD_MISSING", "required_field_missing"), ("INVALID_FIELD", "invalid_field"),
                ("INVALID_FIELD_FOR_INSERT_UPDATE", "field_not_writable"), ("INVALID_EMAIL_ADDRESS", "invalid_email_address"),
                ("STRING_TOO_LONG", "too_long"), ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "validation_rule"),
                ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "validation_rule"), ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "not_in_picklist"),
                ("FIELD_INTEGRITY_EXCEPTION", "invalid_value"), ("NUMBER_OUTSIDE_VALID_RANGE", "invalid_value"),
                ("JSON_PARSER_ERROR", "json_parser_error"), ("MALFORMED_QUERY", "malformed_query"), ("A_NEW_CODE", "refused"),
            ]
            // Without an address nothing but the key identifies the contact, and one call is all.
            try await ground.expect(
                codes.map { code, ours in
                    ErrorRow(
                        code, answers: [["status": 400, "code": .string(code)]], path: Self.contacts, method: "PATCH",
                        payload: ["contact": ["external_id": "customer-7", "last_name": "Hopper"]], status: .invalidArgument,
                        code: "salesforce.\(ours)")
                })
        }
    }

    /// A task is a write that a repeat would do twice.
    @Test func ofTasks() async throws {
        func task(
            _ name: String, _ answer: JSONValue, _ status: ProviderStatus, _ code: String, ambiguous: Bool = true,
            location: SourceLocation = #_sourceLocation
        ) -> ErrorRow {
            ErrorRow(
                name, answers: [answer], path: Self.tasks, method: "POST", operation: .sendEvent, settings: ["event_target": "task"],
                timeout: .seconds(2), status: status, code: code, retryable: true, ambiguous: ambiguous, location: location)
        }
        try await ProviderGround.with(.salesforce) { ground in
            try await ground.expect([
                task("500", ["status": 500, "code": "UNKNOWN_EXCEPTION"], .upstream, "salesforce.server_error"),
                task("503", ["status": 503, "code": "SERVER_UNAVAILABLE"], .unavailable, "salesforce.unavailable"),
                task("502", ["status": 502, "page": "html"], .upstream, "salesforce.server_error"),
                task("408", ["status": 408, "body": ""], .upstream, "salesforce.server_error"),
                task("hung up before", ["cut": "before"], .upstream, "http.reset"),
                task("hung up after", ["cut": "after"], .upstream, "http.reset"),
                task("an answer cut off", ["status": 201, "page": "malformed"], .upstream, "salesforce.unreadable_answer"),
            ])
        }
    }

    @Test func ofPlatformEvents() async throws {
        func event(
            _ code: String, _ status: ProviderStatus, _ ours: String, retryable: Bool = false, retryAfter: Duration? = nil,
            location: SourceLocation = #_sourceLocation
        ) -> ErrorRow {
            ErrorRow(
                code, answers: [["status": 400, "code": .string(code)]], path: "/services/data/v68.0/sobjects/CRM_Event__e", method: "POST",
                operation: .sendEvent, settings: ["event_target": "platform_event"], status: status, code: "salesforce.\(ours)",
                retryable: retryable, retryAfter: retryAfter, location: location)
        }
        try await ProviderGround.with(.salesforce) { ground in
            try await ground.expect([
                event("LIMIT_EXCEEDED", .rateLimited, "publish_limit", retryable: true, retryAfter: .seconds(3_600)),
                event("PLATFORM_EVENT_PUBLISHING_UNAVAILABLE", .unavailable, "publishing_unavailable", retryable: true),
                event("PLATFORM_EVENT_ENCRYPTION_ERROR", .permissionDenied, "publishing_encryption"),
            ])
        }
    }

    @Test func ofReads() async throws {
        func read(
            _ name: String, _ answers: [JSONValue], _ status: ProviderStatus, _ code: String, retryable: Bool = true,
            location: SourceLocation = #_sourceLocation
        ) -> ErrorRow {
            ErrorRow(
                name, answers: answers, path: Self.query, operation: .getContact, timeout: .seconds(2), status: status, code: code,
                retryable: retryable, location: location)
        }
        try await ProviderGround.with(.salesforce) { ground in
            try await ground.expect([
                read("nobody", [], .notFound, "salesforce.not_found", retryable: false),
                read("500", [500], .upstream, "salesforce.server_error"),
                read("404", [["status": 404, "code": "NOT_FOUND"]], .upstream, "salesforce.unexpected_status"),
                // Twice: on a connection that was open before, the transport may ask once more by itself.
                read("hung up", [["cut": "after"], ["cut": "after"]], .upstream, "http.reset"),
                read("an answer cut off", [["status": 200, "page": "malformed"]], .upstream, "salesforce.unreadable_answer"),
                read(
                    "malformed query", [["status": 400, "code": "MALFORMED_QUERY"]], .invalidArgument, "salesforce.malformed_query",
                    retryable: false),
            ])
        }
    }

    /// One record of a collection: the same codes under another name.
    @Test func ofItems() async throws {
        func row(
            _ code: String, _ status: ProviderStatus, _ ours: String, retryable: Bool = false, retryAfter: Duration? = nil,
            location: SourceLocation = #_sourceLocation
        ) -> ErrorRow {
            let refusal: JSONValue = ["success": false, "errors": [["statusCode": .string(code), "message": "m", "fields": []]]]
            let answer: JSONValue = ["status": 200, "body": [refusal]]
            return ErrorRow(
                code, answers: [answer, answer], path: "/services/data/v68.0/composite/sobjects/Contact", method: "PATCH",
                operation: .batch,
                item: 0, status: status, code: "salesforce.\(ours)", retryable: retryable, retryAfter: retryAfter, location: location)
        }
        try await ProviderGround.with(.salesforce) { ground in
            try await ground.expect([
                row("UNABLE_TO_LOCK_ROW", .upstream, "row_locked", retryable: true, retryAfter: .seconds(2)),
                row("DUPLICATE_VALUE", .conflict, "duplicate_value"),
                row("DUPLICATES_DETECTED", .conflict, "duplicates_detected"),
                row("FIELD_CUSTOM_VALIDATION_EXCEPTION", .invalidArgument, "validation_rule"),
                row("REQUEST_LIMIT_EXCEEDED", .rateLimited, "daily_limit", retryable: true, retryAfter: .seconds(900)),
                row("INSUFFICIENT_ACCESS_OR_READONLY", .permissionDenied, "permission_denied"),
                row("UNKNOWN_EXCEPTION", .upstream, "server_error", retryable: true),
                row("PROCESSING_HALTED", .upstream, "rolled_back", retryable: true),
                row("ALL_OR_NONE_OPERATION_ROLLED_BACK", .upstream, "rolled_back", retryable: true),
            ])
        }
    }

    @Test func ofLogins() async throws {
        func fault(
            _ code: String, _ ours: String, _ status: ProviderStatus = .invalidCredentials, retryable: Bool = false,
            retryAfter: Duration? = nil, location: SourceLocation = #_sourceLocation
        ) -> ErrorRow {
            ErrorRow(
                code, answers: [["status": 500, "code": .string(code)]], path: Self.login, operation: .validateCredentials, status: status,
                code: "salesforce.\(ours)", retryable: retryable, retryAfter: retryAfter, location: location)
        }
        try await ProviderGround.with(.salesforce) { ground in
            try await ground.expect([
                fault("INVALID_LOGIN", "invalid_login"), fault("LOGIN_MUST_USE_SECURITY_TOKEN", "security_token"),
                fault("PASSWORD_LOCKOUT", "locked_out"), fault("INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "password_expired"),
                fault("LOGIN_DURING_RESTRICTED_DOMAIN", "restricted_address"), fault("LOGIN_DURING_RESTRICTED_TIME", "restricted_time"),
                fault("LOGIN_CHALLENGE_ISSUED", "login_challenge"), fault("ORG_LOCKED", "org_locked"),
                fault("INVALID_OPERATION", "login_disabled"), fault("INSUFFICIENT_ACCESS", "login_permission"),
                fault("UNSUPPORTED_API_VERSION", "login_retired"),
                fault("SERVER_UNAVAILABLE", "unavailable", .unavailable, retryable: true),
                fault("ORG_IN_MAINTENANCE", "maintenance", .unavailable, retryable: true),
                fault("REQUEST_LIMIT_EXCEEDED", "login_limit", .rateLimited, retryable: true, retryAfter: .seconds(900)),
                fault("LOGIN_RATE_EXCEEDED", "login_limit", .rateLimited, retryable: true, retryAfter: .seconds(900)),
                fault("A_NEW_CODE", "login_failed", .upstream, retryable: true, retryAfter: .seconds(300)),
                ErrorRow(
                    "a wrong password", operation: .validateCredentials,
                    credentials: ["username": "wrong@shop.test", "password": "nonsense", "security_token": "token"],
                    status: .invalidCredentials, code: "salesforce.invalid_login"),
                ErrorRow(
                    "no security token", operation: .validateCredentials,
                    credentials: ["username": "wrong@shop.test", "password": "sandbox"], status: .invalidCredentials,
                    code: "salesforce.security_token"),
            ])
        }
    }

    @Test func ofTokens() async throws {
        func client(_ secret: String, _ id: String = "sandbox_client@shop.test") -> JSONValue {
            ["client_id": .string(id), "client_secret": .string(secret), "domain": "acme"]
        }
        try await ProviderGround.with(.salesforce) { ground in
            try await ground.expect([
                ErrorRow(
                    "a wrong secret", operation: .validateCredentials, credentials: client("nonsense"), status: .invalidCredentials,
                    code: "salesforce.oauth_refused"),
                ErrorRow(
                    "a wrong key", operation: .validateCredentials, credentials: client("sandbox", "nobody"), status: .invalidCredentials,
                    code: "salesforce.oauth_refused"),
                ErrorRow(
                    "a shared domain", operation: .validateCredentials,
                    credentials: ["client_id": "a", "client_secret": "b", "domain": "login"], status: .invalidCredentials,
                    code: "salesforce.bad_domain"),
            ])
        }
    }
}
