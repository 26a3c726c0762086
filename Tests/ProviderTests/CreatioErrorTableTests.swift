import CRMCore
import Testing

extension TestedProvider {
    static let creatio = TestedProvider(
        crm: "creatio", library: "libCreatioProvider.so",
        credentials: { ["instance_url": "https://acme.creatio.com", "username": .string($0), "password": "sandbox"] })
}

/// Every row of the provider's table (`Plugins/Creatio/README.md`), said by the sandbox and heard by the host.
@Suite struct CreatioErrorTableTests {
    private static let contacts = "/creatio/0/odata/Contact"
    private static let login = "/creatio/ServiceModel"
    private static let token = "/creatio/connect/token"

    /// The answer to an insert.
    private static func insert(
        _ name: String, _ answers: [JSONValue], _ status: ProviderStatus, _ code: String, retryable: Bool = false, ambiguous: Bool = false,
        revalidate: Bool = false, retryAfter: Duration? = nil, location: SourceLocation = #_sourceLocation
    ) -> ErrorRow {
        ErrorRow(
            name, answers: answers, path: contacts, method: "POST", status: status, code: code, retryable: retryable, ambiguous: ambiguous,
            revalidate: revalidate, retryAfter: retryAfter, location: location)
    }

    /// The answer to the search of a read. The first of its answers goes to the search for the service.
    private static func read(
        _ name: String, _ answers: [JSONValue], _ status: ProviderStatus, _ code: String, retryable: Bool = false, ambiguous: Bool = false,
        revalidate: Bool = false, retryAfter: Duration? = nil, location: SourceLocation = #_sourceLocation
    ) -> ErrorRow {
        ErrorRow(
            name, answers: ["real"] + answers, path: contacts, method: "GET", operation: .getContact, status: status, code: code,
            retryable: retryable, ambiguous: ambiguous, revalidate: revalidate, retryAfter: retryAfter, location: location)
    }

    private static func entering(
        _ name: String, _ answer: JSONValue, _ status: ProviderStatus, _ code: String, retryable: Bool = false, revalidate: Bool = false,
        retryAfter: Duration? = nil, location: SourceLocation = #_sourceLocation
    ) -> ErrorRow {
        ErrorRow(
            name, answers: [answer, answer], path: login, operation: .getContact, status: status, code: code, retryable: retryable,
            revalidate: revalidate,
            retryAfter: retryAfter, location: location)
    }

    private static func page(_ status: Int) -> JSONValue { ["page": "html", "status": .integer(status)] }

    private static func said(_ message: String, _ status: Int) -> JSONValue { ["code": .string(message), "status": .integer(status)] }

    @Test func ofWrites() async throws {
        try await ProviderGround.with(.creatio) { ground in
            try await ground.expect([
                Self.insert(
                    "an ended session that stays", [Self.said("session", 200), Self.said("session", 200)], .invalidCredentials,
                    "creatio.session_refused", revalidate: true),
                Self.insert(
                    "the router under 200", [Self.said("routing", 200)], .unavailable, "creatio.no_such_object", retryable: true,
                    retryAfter: .seconds(30)),
                Self.insert(
                    "the router under 404", [Self.said("routing", 404)], .unavailable, "creatio.no_such_object", retryable: true,
                    retryAfter: .seconds(30)),
                Self.insert(
                    "an unknown column", Array(repeating: Self.said("Column by path Foo not found in schema Contact.", 400), count: 20),
                    .invalidArgument, "creatio.unknown_column"),
                Self.insert(
                    "an unknown property",
                    Array(repeating: Self.said("Could not find a property named 'Foo' on type 'Contact'.", 500), count: 20),
                    .invalidArgument, "creatio.unknown_column"),
                Self.insert("an id that is taken", [Self.said("23505: duplicate key value", 500)], .conflict, "creatio.duplicate_id"),
                Self.insert("400", Array(repeating: 400, count: 20), .invalidArgument, "creatio.invalid"),
                Self.insert("401 that stays", [401, 401], .invalidCredentials, "creatio.session_refused", revalidate: true),
                Self.insert("403 that stays", [403, 403], .permissionDenied, "creatio.permission_denied"),
                Self.insert(
                    "404 of an object", [Self.page(404)], .unavailable, "creatio.no_such_object", retryable: true, retryAfter: .seconds(30)),
                Self.insert("409", [409], .conflict, "creatio.conflict"),
                Self.insert("413", [Self.page(413), Self.page(413)], .invalidArgument, "creatio.too_large"),
                Self.insert("408", [408], .upstream, "creatio.server_error", retryable: true, ambiguous: true),
                Self.insert("429", [429], .rateLimited, "creatio.throttled", retryable: true),
                Self.insert(
                    "429 with a wait", [["status": 429, "retry_after": 3]], .rateLimited, "creatio.throttled", retryable: true,
                    retryAfter: .seconds(3)),
                Self.insert("500", [500], .upstream, "creatio.server_error", retryable: true, ambiguous: true),
                Self.insert(
                    "500 as an exception", [Self.said("exception", 500)], .upstream, "creatio.server_error", retryable: true,
                    ambiguous: true),
                Self.insert("502", [Self.page(502)], .unavailable, "creatio.unavailable", retryable: true, ambiguous: true),
                Self.insert(
                    "503 with a wait", [["status": 503, "retry_after": 60]], .unavailable, "creatio.unavailable", retryable: true,
                    ambiguous: true,
                    retryAfter: .seconds(60)),
                Self.insert("504", [504], .unavailable, "creatio.unavailable", retryable: true, ambiguous: true),
                Self.insert("415", [415, 415], .invalidArgument, "creatio.refused"),
                Self.insert(
                    "a login page that stays", [Self.said("login_page", 200), Self.said("login_page", 200)], .upstream,
                    "creatio.unexpected_page",
                    retryable: true, ambiguous: true),
                Self.insert("a page under 200", [Self.page(200)], .upstream, "creatio.unexpected_page", retryable: true, ambiguous: true),
                Self.insert(
                    "an error under 200", [Self.said("The handler failed.", 200)], .upstream, "creatio.server_error", retryable: true,
                    ambiguous: true),
                Self.insert(
                    "an exception under 200", [Self.said("exception", 200)], .upstream, "creatio.server_error", retryable: true,
                    ambiguous: true),
                Self.insert(
                    "nothing under 200", [["page": "empty"]], .upstream, "creatio.unreadable_answer", retryable: true, ambiguous: true),
                Self.insert(
                    "half an answer", [["page": "malformed"]], .upstream, "creatio.unreadable_answer", retryable: true, ambiguous: true),
                Self.insert("hung up before", [["cut": "before"]], .upstream, "http.reset", retryable: true, ambiguous: true),
            ])
        }
    }

    @Test func ofReads() async throws {
        try await ProviderGround.with(.creatio) { ground in
            try await ground.expect([
                Self.read("400", [400], .invalidArgument, "creatio.invalid"),
                Self.read("401 that stays", [401, 401], .invalidCredentials, "creatio.session_refused", revalidate: true),
                Self.read("403 that stays", [403, 403], .permissionDenied, "creatio.permission_denied"),
                Self.read(
                    "404 of an object", [Self.page(404)], .unavailable, "creatio.no_such_object", retryable: true, retryAfter: .seconds(30)),
                Self.read(
                    "429 with a wait", [["status": 429, "retry_after": 3]], .rateLimited, "creatio.throttled", retryable: true,
                    retryAfter: .seconds(3)),
                Self.read("500", [500], .upstream, "creatio.server_error", retryable: true),
                Self.read("502", [Self.page(502)], .unavailable, "creatio.unavailable", retryable: true),
                Self.read("a page under 200", [Self.page(200)], .upstream, "creatio.unexpected_page", retryable: true),
                Self.read(
                    "a redirection that stays", Array(repeating: ["status": 302, "headers": ["Location": "/Login"], "body": ""], count: 2),
                    .upstream,
                    "creatio.unexpected_page", retryable: true),
                Self.read("half an answer", [["page": "malformed"]], .upstream, "creatio.unreadable_answer", retryable: true),
                Self.read("cut short", [["truncate_at": 20]], .upstream, "http.reset", retryable: true),
                ErrorRow(
                    "nobody", operation: .getContact, payload: ["email": "nobody@example.test"], status: .notFound,
                    code: "creatio.not_found"),
                ErrorRow(
                    "a record that is missing", operation: .getContact, payload: ["remote_id": "11111111-1111-4111-8111-111111111111"],
                    status: .notFound, code: "creatio.not_found"),
            ])
        }
    }

    @Test func aSlowAnswer() async throws {
        try await ProviderGround.with(.creatio) { ground in
            try await ground.script(["real", ["delay_ms": 8_000]], path: Self.contacts)
            let outcome = try await ground.perform(.getContact, ["email": "grace@example.test"], timeout: .seconds(2))
            // The request and the operation share their deadline: either is the first to say so.
            #expect(outcome.status == .deadlineExceeded && ["http.timeout", "host.deadline"].contains(outcome.code))
            #expect(outcome.isRetryable)
        }
    }

    @Test func ofLogins() async throws {
        try await ProviderGround.with(.creatio) { ground in
            let wrong: JSONValue = ["instance_url": "https://acme.creatio.com", "username": "ada@shop.test", "password": "wrong"]
            try await ground.expect([
                ErrorRow(
                    "a wrong password", operation: .validateCredentials, credentials: wrong, status: .invalidCredentials,
                    code: "creatio.login_refused", revalidate: true),
                ErrorRow(
                    "a wrong client", operation: .validateCredentials,
                    credentials: [
                        "instance_url": "https://acme.creatio.com", "client_id": "sandbox_ada@shop.test", "client_secret": "wrong",
                    ], status: .invalidCredentials, code: "creatio.client_refused", revalidate: true),
                ErrorRow(
                    "an address that is none", operation: .validateCredentials,
                    credentials: ["instance_url": "https://127.1:x/", "username": "a", "password": "b"], status: .invalidCredentials,
                    code: "creatio.malformed_instance_url"),
                Self.entering(
                    "a password that is due",
                    [
                        "status": 200, "content_type": "application/json",
                        "body": ["Code": 2, "PasswordChangeUrl": "/0/Login/ChangePassword.aspx"],
                    ],
                    .invalidCredentials, "creatio.password_change_due", revalidate: true),
                Self.entering(
                    "an exception",
                    ["status": 200, "content_type": "application/json", "body": ["Code": 0, "Exception": ["Message": "?"]]],
                    .invalidCredentials, "creatio.login_failed", revalidate: true),
                Self.entering(
                    "no cookies", ["status": 200, "content_type": "application/json", "body": ["Code": 0, "Exception": .null]],
                    .invalidCredentials, "creatio.no_session", revalidate: true),
                Self.entering("a page", Self.page(200), .invalidCredentials, "creatio.no_creatio"),
                Self.entering("404", Self.page(404), .invalidCredentials, "creatio.no_creatio"),
                Self.entering("401", 401, .invalidCredentials, "creatio.login_refused", revalidate: true),
                Self.entering("403", 403, .invalidCredentials, "creatio.login_forbidden", revalidate: true),
                Self.entering(
                    "429", ["status": 429, "retry_after": 3], .rateLimited, "creatio.throttled", retryable: true, retryAfter: .seconds(3)),
                Self.entering("500", 500, .upstream, "creatio.server_error", retryable: true),
                Self.entering("503", Self.page(503), .unavailable, "creatio.unavailable", retryable: true),
                ErrorRow(
                    "no OData", answers: [Self.page(404), Self.page(404)], path: "/creatio", method: "GET", operation: .getContact,
                    status: .invalidCredentials, code: "creatio.no_odata"),
            ])
        }
    }

    @Test func ofTokens() async throws {
        let rows: [(answer: JSONValue, status: ProviderStatus, code: String)] = [
            (400, .invalidCredentials, "creatio.client_refused"), (401, .invalidCredentials, "creatio.client_refused"),
            (403, .invalidCredentials, "creatio.client_refused"), (Self.page(200), .invalidCredentials, "creatio.no_identity_service"),
            (Self.page(404), .invalidCredentials, "creatio.no_identity_service"), (429, .rateLimited, "creatio.throttled"),
            (408, .upstream, "creatio.server_error"), (500, .upstream, "creatio.server_error"),
            (Self.page(503), .unavailable, "creatio.unavailable"),
        ]
        try await ProviderGround.with(.creatio) { ground in
            for (number, row) in rows.enumerated() {
                let account = "token\(number)@shop.test"
                // Whether a client is known is seen only after its request: the script is for everybody.
                try await ground.script([row.answer, row.answer], account: nil, path: Self.token)
                let outcome = try await ground.perform(
                    .getContact, ["email": "grace@example.test"], account: account,
                    credentials: [
                        "instance_url": "https://acme.creatio.com", "client_id": .string("sandbox_\(account)"), "client_secret": "sandbox",
                    ])
                #expect(outcome.status == row.status && outcome.code == row.code, "\(row): \(outcome.code) \(outcome.message)")
                #expect(outcome.isRetryable == (row.status != .invalidCredentials) && !outcome.isAmbiguous)
                #expect(outcome.shouldRevalidate == (row.code == "creatio.client_refused"))
                try await ground.removeScripts()
            }
        }
    }

    @Test func ofChoices() async throws {
        try await ProviderGround.with(.creatio) { ground in
            try await ground.expect([
                ErrorRow(
                    "a setting that is no name", settings: ["properties": ["plan": "a b"]], status: .invalidArgument,
                    code: "creatio.bad_setting"),
                ErrorRow(
                    "nobody to write", payload: ["contact": ["first_name": "Ada"]], status: .invalidArgument, code: "creatio.no_identifier"),
                ErrorRow(
                    "a column of one's own that is missing", operation: .getContact, payload: ["external_id": "x"],
                    settings: ["fields": ["external_id": "UsrNowhere"]], status: .invalidArgument, code: "creatio.no_external_id_column"),
                ErrorRow(
                    "an object that is missing", operation: .sendEvent,
                    settings: ["event_object": "UsrNowhere", "event_target": "custom_object"],
                    status: .unavailable, code: "creatio.no_such_object", retryable: true, retryAfter: .seconds(30)),
                ErrorRow(
                    "an object without our column", operation: .sendEvent,
                    settings: ["event_target": "custom_object", "event_fields": ["unique_id": "UsrNowhere"]], status: .invalidArgument,
                    code: "creatio.no_event_column"),
            ])
        }
    }

    @Test func ofBatches() async throws {
        try await ProviderGround.with(.creatio) { ground in
            let items = (0..<2).map { number -> JSONValue in
                [
                    "kind": "contact", "idempotency_key": .string("item-\(number)"),
                    "contact": ["external_id": .string("c\(number)"), "first_name": "Ada"],
                ]
            }
            let none: JSONValue = ["status": 200, "content_type": "application/json", "body": ["responses": []]]
            try await ground.expect([
                ErrorRow(
                    "a part that is missing", answers: ["real", none], path: "/creatio/0/odata/$batch", operation: .batch,
                    payload: ["items": .array(items)], item: 1, status: .upstream, code: "creatio.missing_part", retryable: true,
                    ambiguous: true)
            ])
        }
    }

    /// The real addresses are in use, and what a merchant types is all that leads to them.
    @Test func aPrivateAddressIsSentNothing() async throws {
        try await ProviderGround.with(.creatio, hasBaseURL: false) { ground in
            try await ground.expect(
                ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1:8443", "creatio.intranet.test", "acme.creatio.com:8443"].map {
                    host in
                    ErrorRow(
                        "https://\(host)", operation: .validateCredentials,
                        credentials: ["instance_url": .string("https://\(host)"), "username": "ada@shop.test", "password": "sandbox"],
                        status: .blockedByPolicy, code: "creatio.target_not_allowed")
                })
            #expect(try await ground.journal(account: nil).isEmpty)
        }
    }

    @Test func aContactThatVanishesComesBackLater() async throws {
        try await ProviderGround.with(.creatio) { ground in
            _ = try await ground.perform(.createOrUpdateContact, ["contact": ProviderGround.contact])
            try await ground.script([404], method: "PATCH", path: Self.contacts)
            let outcome = try await ground.perform(.createOrUpdateContact, ["contact": ProviderGround.contact])
            #expect(outcome.status == .unavailable && outcome.code == "creatio.contact_vanished" && outcome.isRetryable)
        }
    }
}
