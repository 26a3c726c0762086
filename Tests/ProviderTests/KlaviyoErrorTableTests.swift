import CRMCore
import Testing

extension TestedProvider {
    static let klaviyo = TestedProvider(
        crm: "klaviyo", library: "libKlaviyoProvider.so", credentials: { ["api_key": .string("pk_sandbox_\($0)")] })
}

@Suite struct KlaviyoErrorTableTests {
    private static let html: JSONValue = "<!DOCTYPE html><html><body>Sorry</body></html>"

    private static func page(_ status: Int, _ headers: JSONValue = [:]) -> JSONValue {
        ["status": .integer(status), "content_type": "text/html; charset=UTF-8", "headers": headers, "body": html]
    }

    /// The README's table, from top to bottom.
    private static let rows: [ErrorRow] = [
        ErrorRow(
            "a wrong key", credentials: ["api_key": "pk_wrong_0123456789"], status: .invalidCredentials,
            code: "klaviyo.authentication_failed", revalidate: true),
        ErrorRow(
            "400 about the key", answers: [["status": 400, "code": "authentication_failed"]], status: .invalidCredentials,
            code: "klaviyo.authentication_failed", revalidate: true),
        ErrorRow(
            "401", answers: [["status": 401]], operation: .sendEvent, status: .invalidCredentials, code: "klaviyo.authentication_failed",
            revalidate: true),
        ErrorRow(
            "400 about the revision",
            answers: [
                [
                    "status": 400, "content_type": "application/vnd.api+json",
                    "body": ["errors": [["id": "1", "code": "invalid", "title": "", "detail": "", "source": ["parameter": "revision"]]]],
                ]
            ], operation: .getContact, status: .internal, code: "klaviyo.revision", retryable: true),
        ErrorRow("405", answers: [["status": 405]], status: .internal, code: "klaviyo.revision", retryable: true),
        ErrorRow("406", answers: [["status": 406]], status: .internal, code: "klaviyo.revision", retryable: true),
        ErrorRow("410", answers: [["status": 410]], status: .internal, code: "klaviyo.revision", retryable: true),
        ErrorRow("415", answers: [["status": 415]], status: .internal, code: "klaviyo.revision", retryable: true),
        ErrorRow(
            "a bad address and nothing else to go by", payload: ["contact": ["email": "nobody"]], status: .invalidArgument,
            code: "klaviyo.invalid"),
        ErrorRow(
            "an event's name that is too long",
            operation: .sendEvent,
            payload: ["event": ["name": .string(String(repeating: "n", count: 200)), "contact": ["email": "a@b.test"]]],
            status: .invalidArgument, code: "klaviyo.invalid"),
        ErrorRow(
            "403 for a scope", answers: [["status": 403]], operation: .sendEvent, status: .permissionDenied,
            code: "klaviyo.permission_denied"),
        ErrorRow(
            "403 for a plan", answers: [["status": 403, "code": "feature_not_available"]], status: .permissionDenied,
            code: "klaviyo.not_available"),
        ErrorRow(
            "403 of a browser check", answers: [page(403, ["cf-mitigated": "challenge"])], status: .unavailable,
            code: "klaviyo.challenge", retryable: true),
        ErrorRow(
            "403 of a web page", answers: [page(403)], operation: .getContact, status: .unavailable, code: "klaviyo.front_end",
            retryable: true),
        ErrorRow(
            "nobody by this id", operation: .getContact, payload: ["remote_id": "01HZX0000000000000000000AA"], status: .notFound,
            code: "klaviyo.not_found"),
        ErrorRow("nobody by this address", operation: .getContact, status: .notFound, code: "klaviyo.not_found"),
        ErrorRow(
            "404 of a list", answers: [["status": 404]], path: "/api/profile-subscription", payload: ["contact": withdrawing],
            status: .invalidArgument, code: "klaviyo.unknown_list"),
        ErrorRow(
            "404 of the API", answers: [["status": 404]], operation: .sendEvent, status: .upstream, code: "klaviyo.unexpected_status",
            retryable: true),
        ErrorRow(
            "408", answers: [["status": 408]], operation: .sendEvent, status: .upstream, code: "klaviyo.server_error", retryable: true,
            ambiguous: true),
        ErrorRow(
            "409 that stays", answers: [["status": 409], ["status": 409]], status: .conflict, code: "klaviyo.duplicate_profile"),
        ErrorRow(
            "409 of another kind", answers: [["status": 409, "code": "conflict"]], status: .conflict, code: "klaviyo.conflict"),
        ErrorRow(
            "413", payload: ["contact": ["email": "a@b.test", "properties": ["x": .string(String(repeating: "x", count: 101_000))]]],
            status: .invalidArgument, code: "klaviyo.too_large"),
        ErrorRow("422", answers: [["status": 422]], status: .invalidArgument, code: "klaviyo.refused"),
        ErrorRow(
            "429 of the second", answers: [["status": 429, "retry_after": 1]], status: .rateLimited, code: "klaviyo.throttled",
            retryable: true, retryAfter: .seconds(1)),
        ErrorRow(
            "429 of the minute", answers: [["status": 429, "retry_after": 42]], operation: .sendEvent, status: .rateLimited,
            code: "klaviyo.throttled", retryable: true, retryAfter: .seconds(42)),
        ErrorRow(
            "429 without the header", answers: [["status": 429]], operation: .getContact, status: .rateLimited,
            code: "klaviyo.throttled", retryable: true, retryAfter: .seconds(1)),
        ErrorRow(
            "429 of a proxy", answers: [page(429)], status: .rateLimited, code: "klaviyo.throttled", retryable: true),
        ErrorRow("500", answers: [["status": 500]], status: .upstream, code: "klaviyo.server_error", retryable: true),
        ErrorRow(
            "502 of a web page", answers: [page(502)], operation: .sendEvent, status: .upstream, code: "klaviyo.server_error",
            retryable: true),
        ErrorRow(
            "503", answers: [["status": 503, "retry_after": 5]], status: .upstream, code: "klaviyo.server_error", retryable: true,
            retryAfter: .seconds(5)),
        ErrorRow(
            "504", answers: [["status": 504]], status: .upstream, code: "klaviyo.server_error", retryable: true, ambiguous: true),
        ErrorRow(
            "504 of a look-up", answers: [["status": 504]], operation: .getContact, status: .upstream, code: "klaviyo.server_error",
            retryable: true),
        ErrorRow(
            "524", answers: [page(524)], operation: .sendEvent, status: .upstream, code: "klaviyo.server_error", retryable: true,
            ambiguous: true),
        ErrorRow(
            "301", answers: [["status": 301, "headers": ["Location": "https://example.test/"]]], operation: .getContact, status: .upstream,
            code: "klaviyo.unexpected_status", retryable: true),
        ErrorRow(
            "a success that is a web page", answers: [page(200)], status: .upstream, code: "klaviyo.unreadable_answer", retryable: true,
            ambiguous: true),
        ErrorRow(
            "JSON that ends early",
            answers: [["status": 200, "content_type": "application/vnd.api+json", "body": "{\"data\":{\"type\":\"profile\""]],
            operation: .getContact, status: .upstream, code: "klaviyo.unreadable_answer", retryable: true),
        ErrorRow(
            "cut before the answer", answers: [["cut": "before"]], operation: .sendEvent, status: .upstream, code: "http.reset",
            retryable: true, ambiguous: true),
        ErrorRow(
            "cut after the write", answers: [["cut": "after"]], status: .upstream, code: "http.reset", retryable: true, ambiguous: true),
        ErrorRow(
            "an answer that comes too late", answers: [["delay_ms": 3_000]], timeout: .milliseconds(300), status: .deadlineExceeded,
            code: "host.deadline", retryable: true, ambiguous: true),
        ErrorRow(
            "a consent that has to wait", answers: [["status": 429, "retry_after": 3]], path: "/api/profile-subscription",
            payload: ["contact": withdrawing], status: .rateLimited, code: "klaviyo.throttled", retryable: true, retryAfter: .seconds(3)),
        ErrorRow(
            "a withdrawal that is refused", answers: [["status": 400]], path: "/api/profile-subscription",
            payload: ["contact": withdrawing], status: .invalidArgument, code: "klaviyo.invalid"),
        ErrorRow(
            "a batch that has to wait", answers: [["status": 429, "retry_after": 7]], operation: .batch, payload: events(3),
            status: .rateLimited, code: "klaviyo.throttled", retryable: true, retryAfter: .seconds(7)),
        ErrorRow(
            "a batch that may have arrived", answers: [["cut": "after"]], operation: .batch, payload: events(3), status: .upstream,
            code: "http.reset", retryable: true, ambiguous: true),
        ErrorRow(
            "an item that Klaviyo refuses", operation: .batch, payload: events(5, bad: 3), item: 3, status: .invalidArgument,
            code: "klaviyo.invalid"),
        ErrorRow(
            "404 of an import's job", answers: (0..<40).map { _ in ["status": 404] }, path: "/api/profile-bulk-import-jobs/", method: "GET",
            operation: .batch, payload: contacts(25), item: 24, status: .upstream, code: "klaviyo.import_unconfirmed", retryable: true,
            ambiguous: true),
        ErrorRow("its neighbour", operation: .batch, payload: events(5, bad: 3), item: 4, status: .ok, code: ""),
    ]

    private static let withdrawing: JSONValue = [
        "email": "grace@example.test", "consent": ["email_marketing": ["state": "withdrawn", "at": "2026-11-01T10:00:00Z"]],
    ]

    private static func contacts(_ count: Int) -> JSONValue {
        [
            "items": .array(
                (0..<count).map { number in
                    [
                        "kind": "contact", "idempotency_key": .string("key-\(number)"),
                        "contact": ["email": .string("c\(number)@example.test")],
                    ]
                })
        ]
    }

    private static func events(_ count: Int, bad: Int? = nil) -> JSONValue {
        [
            "items": .array(
                (0..<count).map { number in
                    [
                        "kind": "event", "idempotency_key": .string("key-\(number)"),
                        "event": [
                            "name": "Order Placed", "contact": ["email": .string(number == bad ? "nobody" : "c\(number)@example.test")],
                        ],
                    ]
                })
        ]
    }

    @Test func everyRow() async throws {
        try await ProviderGround.with(.klaviyo) { ground in try await ground.expect(Self.rows) }
    }

    @Test func aMissingScopeIsNamedOfEachOperation() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            try await ground.configure(["missing_scopes": ["profiles:write", "profiles:read", "events:write"]])
            for (operation, payload, scope) in [
                (ProviderOperation.createOrUpdateContact, ["contact": ProviderGround.contact] as JSONValue, "profiles:write"),
                (.sendEvent, ["event": ProviderGround.event], "events:write"), (.getContact, ["email": "a@b.test"], "profiles:read"),
            ] {
                let outcome = try await ground.perform(operation, payload)
                #expect(outcome.status == .permissionDenied)
                #expect(outcome.payload["details"]?["scope"]?.stringValue == scope)
                #expect(outcome.message.contains(scope))
            }
        }
    }

    @Test func aContactUpsertedByFiftyAtOnceExistsOnce() async throws {
        try await ProviderGround.with(.klaviyo) { ground in
            try await ground.expectOneContact(
                contact: ["email": "crowd@example.test", "external_id": "crowd-1", "phone": "+390612345678"])
        }
    }
}
