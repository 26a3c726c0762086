import CRMCore
import Testing

/// What scripts do to answers that are otherwise real, and answers that no service gives.
@Suite struct ScriptMannerTests {
    @Test func numbersAreStatuses() async throws {
        let sandbox = try await RunningSandbox(["--rate-limits", "off"])
        _ = try sandbox.script(["crm": "klaviyo", "answers": [500, 429, 204, 503]])
        for expected in [500, 429, 200, 503, 200] {
            let reply = try sandbox.klaviyo("GET", "accounts")
            #expect(reply.status == expected)
            #expect(reply.headers["retry-after"] == nil)
        }
    }

    @Test func whatIsAnsweredWithAnErrorMayBeDone() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox)
        _ = try sandbox.script(["crm": "creatio", "method": "POST", "answers": [["status": 500, "performed": true], 500]])
        for name in ["first", "second"] { #expect(try caller.send("POST", "Contact", ["Name": .string(name)]).status == 500) }
        #expect(try caller.rows("Contact").compactMap { $0["Name"]?.stringValue } == ["first"])
        let effects = try sandbox.journal("crm=creatio").filter { $0["script"] != nil }.compactMap { $0["effect"]?.stringValue }
        #expect(effects == ["contact_created", "refused"])
    }

    @Test func sessionsEndBeforeOrAfter() async throws {
        let sandbox = try await RunningSandbox()
        _ = try sandbox.script([
            "crm": "creatio", "path_prefix": "/0/odata", "answers": [["end_session": "before"], ["end_session": "after"]],
        ])
        #expect(try CreatioCaller(sandbox).get("Contact").status == 401)
        let caller = try CreatioCaller(sandbox)
        #expect(try caller.get("Contact").status == 200)
        #expect(try caller.get("Contact").status == 401)
    }

    @Test(arguments: [
        ("routing", 200, "No HTTP resource was found"), ("exception", 500, "ExceptionType"), ("session", 200, "Authentication failed."),
        ("login_page", 200, "bootstrap.login"), ("Licence not found.", 403, "Licence not found."),
    ])
    func creatiosHiddenErrors(_ code: String, _ status: Int, _ part: String) async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox)
        _ = try sandbox.script(["crm": "creatio", "answers": [["code": .string(code), "status": .integer(status)]]])
        let reply = try caller.get("Contact")
        #expect(reply.status == status)
        #expect(String(decoding: reply.body, as: UTF8.self).contains(part))
    }

    @Test func pagesThatNoServiceMeans() async throws {
        let sandbox = try await RunningSandbox()
        _ = try sandbox.script(["crm": "klaviyo", "answers": [["page": "html"], ["page": "malformed"], ["page": "empty", "status": 202]]])
        let page = try sandbox.klaviyo("GET", "accounts")
        #expect(page.status == 502 && page.headers["content-type"] == "text/html; charset=utf-8" && page.body.starts(with: Array("<".utf8)))
        let malformed = try sandbox.klaviyo("GET", "accounts")
        #expect(malformed.status == 200 && !malformed.body.isEmpty)
        #expect(throws: JSONError.self) { try malformed.json }
        let empty = try sandbox.klaviyo("GET", "accounts")
        #expect(empty.status == 202 && empty.body.isEmpty)
    }

    @Test func aBodyBreaksOff() async throws {
        let sandbox = try await RunningSandbox(["--rate-limits", "off"])
        _ = try sandbox.script(["crm": "klaviyo", "answers": [["truncate_at": 20], ["truncate_at": 0, "status": 500]]])
        for _ in 0..<2 {
            #expect(throws: Connection.Failure.closed) { try sandbox.klaviyo("GET", "accounts") }
        }
        #expect(try sandbox.klaviyo("GET", "accounts").status == 200)
        #expect(try sandbox.journal("crm=klaviyo").compactMap { $0["status"]?.intValue } == [200, 500, 200])
    }

    @Test func aBodyComesSlowly() async throws {
        let sandbox = try await RunningSandbox(["--rate-limits", "off"])
        let whole = try sandbox.klaviyo("GET", "accounts").body
        _ = try sandbox.script(["crm": "klaviyo", "answers": [["drip_ms": 300], ["drip_ms": 50, "status": 500]]])
        let connection = try sandbox.connection()
        let start = ContinuousClock.now
        try connection.send("GET", "/klaviyo/api/accounts", headers: RunningSandbox.klaviyoHeaders(), body: [])
        // Others are served meanwhile, and the connection goes on afterwards.
        #expect(try sandbox.send("GET", "/healthz").status == 200)
        #expect(try connection.receive().body == whole)
        #expect(ContinuousClock.now - start >= .milliseconds(300))
        for expected in [500, 200] {
            try connection.send("GET", "/klaviyo/api/accounts", headers: RunningSandbox.klaviyoHeaders(), body: [])
            #expect(try connection.receive().status == expected)
        }
    }

    @Test func rowsOfABulkImportFail() async throws {
        let sandbox = try await RunningSandbox(["--rate-limits", "off"])
        _ = try sandbox.script(["crm": "klaviyo", "answers": [["batch_failures": [1], "batch_error": "locked"]]])
        let rows = (0..<3).map { row -> JSONValue in ["type": "profile", "attributes": ["email": .string("p\(row)@example.test")]] }
        let job: JSONValue = [
            "data": ["type": "profile-bulk-import-job", "attributes": ["profiles": ["data": .array(rows)]]]
        ]
        let id = try #require(try sandbox.klaviyo("POST", "profile-bulk-import-jobs", job).json["data"]?["id"]?.stringValue)
        let errors = try #require(try sandbox.klaviyo("GET", "profile-bulk-import-jobs/\(id)/import-errors").json["data"]?.arrayValue)
        #expect(errors.count == 1 && errors.first?["attributes"]?["code"] == "locked")
        #expect(errors.first?["attributes"]?["original_payload"]?["email"] == "p1@example.test")
        #expect(try sandbox.klaviyo("GET", "profiles").json["data"]?.arrayValue?.count == 2)
    }

    @Test(
        arguments: [
            [300], [199], [["page": "pdf"]], [["page": "html", "body": "x"]], [["retry_after": 3]], [["drip_ms": 1, "truncate_at": 1]],
            [["drip_ms": -1]], [["truncate_at": -1]], [["end_session": "never"]], [["end_session": false]], [["batch_failures": 1]],
            [["batch_failures": [-1]]], [["batch_error": 200, "batch_failures": [1]]], [["end_session_at_item": "1"]],
            [["status": 500, "performed": "yes"]], [["code": 7]],
        ] as [JSONValue])
    func mistakesAreNamed(_ answers: JSONValue) async throws {
        let sandbox = try await RunningSandbox()
        let reply = try sandbox.send("POST", "/script", json: ["crm": "creatio", "answers": answers])
        #expect(reply.status == 400)
        #expect(try reply.json["code"] == "invalid_script")
        #expect(try sandbox.send("GET", "/script").json == ["scripts": []])
    }

    @Test func theFrontPageExplainsEveryAnswerAndTakesIt() async throws {
        let sandbox = try await RunningSandbox()
        let guide = try #require(try sandbox.send("GET", "/").json["script"]?["answers"]?.arrayValue)
        #expect(guide.count >= 14)
        for line in guide {
            let answer = try #require(line["answer"])
            #expect(try sandbox.send("POST", "/script", json: ["crm": "klaviyo", "answers": [answer]]).status == 201, "\(answer)")
        }
    }
}
