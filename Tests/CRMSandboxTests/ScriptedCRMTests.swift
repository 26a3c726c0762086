import CRMCore
import Foundation
import TestSupport
import Testing

/// A CRM that the sandbox knows from a file alone.
@Suite struct ScriptedCRMTests {
    private static let hubspot: JSONValue = [
        "crm": "hubspot", "hosts": ["api.hubapi.com"], "about": "A part of it.",
        "key": ["header": "Authorization", "value": "Bearer hs_{account}"], "headers": ["Accept": "*"],
        "collections": [
            "contacts": ["kind": "contact", "ignore_case": true, "email": "{record/email}"],
            "events": ["kind": "event", "metric": "{record/eventName}", "unique_id": "{record.key}", "id": "{account}-{counter}"],
        ],
        "error": [
            "body": ["category": "{code}", "message": "{message}"], "codes": ["401": "INVALID_AUTHENTICATION", "429": "RATE_LIMITS"],
        ],
        "routes": [
            [
                "method": "POST", "path": "/contacts", "headers": ["Content-Type": "application/json*"], "required": ["/properties/email"],
                "store": ["collection": "contacts", "action": "create", "key": "{body/properties/email}", "value": "{body/properties}"],
                "answer": [
                    "status": 201, "headers": ["Location": "/contacts/{record.id}"],
                    "body": ["id": "{record.id}", "is": "{record}", "of": "{account}", "text": "{{{record/email}}}"],
                ],
            ],
            [
                "method": "PATCH", "path": "/contacts/{id}",
                "store": ["collection": "contacts", "action": "update", "id": "{path.id}", "value": "{body}"],
                "answer": ["body": "{record}"],
            ],
            [
                "method": "GET", "path": "/contacts/{id}",
                "store": ["collection": "contacts", "action": "find", "id": "{path.id}", "key": "{path.id}"],
                "answer": ["body": ["id": "{record.id}", "is": "{record}"]], "missing": ["status": 404, "body": ["none": "{path.id}"]],
            ],
            ["method": "DELETE", "path": "/contacts/{id}", "store": ["collection": "contacts", "action": "delete", "id": "{path.id}"]],
            [
                "method": "GET", "path": "/contacts",
                "store": ["collection": "contacts", "action": "list", "where": ["/email": "{query.email}"], "limit": "{query.limit}"],
                "item": ["id": "{record.id}"], "answer": ["body": ["total": "{count}", "results": "{records}"]],
            ],
            [
                "method": "POST", "path": "/contacts/batch", "each": "/inputs",
                "store": ["collection": "contacts", "action": "upsert", "key": "{item/email}"], "item": "{record.id}",
                "failure": ["category": "{code}", "who": "{item/email}"], "answer": ["body": ["results": "{items}"]],
                "partial": ["status": 207, "body": ["results": "{items}", "errors": "{failures}"]],
            ],
            [
                "method": "POST", "path": "/events", "store": ["collection": "events", "action": "create", "key": "{body/uuid}"],
                "answer": ["status": 202], "exists": ["status": 202],
            ],
        ],
    ]

    private static func file(_ definition: JSONValue) throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "crm-\(UUID().uuidString).json").path
        guard FileManager.default.createFile(atPath: path, contents: Data(definition.serialized())) else {
            throw Connection.Failure.malformed
        }
        return path
    }

    private static func start(_ definitions: [JSONValue] = [hubspot]) async throws -> RunningSandbox {
        let paths = try definitions.map(file)
        defer { for path in paths { try? FileManager.default.removeItem(atPath: path) } }
        return try await RunningSandbox(paths.flatMap { ["--script", $0] })
    }

    private static let headers = [("Authorization", "Bearer hs_ada@shop.test"), ("Content-Type", "application/json"), ("Accept", "*/*")]

    private func send(_ sandbox: RunningSandbox, _ method: String, _ path: String, _ json: JSONValue? = nil) throws -> RunningSandbox.Reply
    {
        try sandbox.send(method, "/hubspot\(path)", headers: Self.headers, json: json)
    }

    @Test func whatIsKeptComesBack() async throws {
        let sandbox = try await Self.start()
        let grace: JSONValue = ["properties": ["email": "Grace@example.test", "name": ["first": "Grace"]]]
        let made = try send(sandbox, "POST", "/contacts", grace)
        let id = try #require(try made.json["id"]?.stringValue)
        #expect(made.status == 201 && made.headers["location"] == "/contacts/\(id)")
        #expect(try made.json["of"] == "ada@shop.test" && made.json["text"] == "{Grace@example.test}")
        #expect(try send(sandbox, "POST", "/contacts", ["properties": ["email": "GRACE@example.test"]]).status == 409)
        #expect(
            try send(sandbox, "PATCH", "/contacts/\(id)", ["name": ["last": "Hopper"]]).json["name"] == [
                "first": "Grace", "last": "Hopper",
            ])
        for place in [id, "grace@example.test"] {
            #expect(try send(sandbox, "GET", "/contacts/\(place)").json["is"]?["email"] == "Grace@example.test")
        }
        #expect(try send(sandbox, "GET", "/contacts/nobody").json == ["none": "nobody"])
        #expect(try send(sandbox, "DELETE", "/contacts/\(id)").status == 204)
        #expect(try send(sandbox, "DELETE", "/contacts/\(id)").status == 404)
    }

    @Test func batchesAndListsAndHalfFailures() async throws {
        let sandbox = try await Self.start()
        _ = try sandbox.script(["crm": "hubspot", "answers": [["batch_failures": [1], "batch_error": "LOCKED"]]])
        let inputs: JSONValue = ["inputs": [["email": "a@b.test"], ["email": "c@b.test"]]]
        let partial = try send(sandbox, "POST", "/contacts/batch", inputs)
        #expect(partial.status == 207)
        #expect(
            try partial.json["results"]?.arrayValue?.count == 1 && partial.json["errors"] == [["category": "LOCKED", "who": "c@b.test"]])
        let whole = try send(sandbox, "POST", "/contacts/batch", inputs)
        #expect(try whole.status == 200 && whole.json["results"]?.arrayValue?.count == 2)
        #expect(try send(sandbox, "GET", "/contacts?email=c@b.test").json["total"] == 1)
        #expect(try send(sandbox, "POST", "/contacts/batch", ["inputs": 1]).status == 400)
        let effects = try sandbox.journal("crm=hubspot").compactMap { $0["effect"]?.stringValue }
        #expect(effects == ["contact_created", "refused", "contact_updated", "contact_created", "none", "refused"])
    }

    @Test func anItemFailsInTheWordsOfTheCRM() async throws {
        let sandbox = try await Self.start()
        _ = try sandbox.script(["crm": "hubspot", "answers": [["batch_failures": [0], "batch_error": 429]]])
        let inputs: JSONValue = ["inputs": [["email": "a@b.test"], ["email": "c@b.test"]]]
        #expect(try send(sandbox, "POST", "/contacts/batch", inputs).json["errors"] == [["category": "RATE_LIMITS", "who": "a@b.test"]])
        let summary = try sandbox.send("GET", "/journal/summary").json["hubspot"]?["ada@shop.test"]
        #expect(summary?["refused"] == [:] && summary?["refused_items"] == 1)
    }

    @Test func anyNameMayBeAnAccount() async throws {
        let sandbox = try await Self.start()
        let headers = [("Authorization", "Bearer hs_Portal-77"), ("Content-Type", "application/json"), ("Accept", "*/*")]
        let made = try sandbox.send("POST", "/hubspot/contacts", headers: headers, json: ["properties": ["email": "a@b.test"]])
        #expect(try made.status == 201 && made.json["of"] == "Portal-77")
        #expect(try sandbox.journal("crm=hubspot").last?["account"] == "Portal-77")
    }

    @Test func theFormatIsPrinted() async throws {
        let program = try BuiltProgram("crm-sandbox", arguments: ["--help-script"])
        #expect(try await program.waitForEnd() == .exited(0))
        for word in ["collections", "ignore_case", "partial", "{record.id}", "unique_id"] { #expect(program.output.contains(word)) }
    }

    @Test func eventsAreCountedAndScriptsWork() async throws {
        let sandbox = try await Self.start()
        let event: JSONValue = ["eventName": "Order Placed", "uuid": "1"]
        for _ in 0..<2 { #expect(try send(sandbox, "POST", "/events", event).status == 202) }
        let entries = try sandbox.journal("crm=hubspot")
        #expect(entries.compactMap { $0["effect"]?.stringValue } == ["event_recorded", "event_duplicate"])
        #expect(entries[0]["metric"] == "Order Placed" && entries[0]["unique_id"] == "1")
        #expect(
            try sandbox.send("GET", "/accounts").json["accounts"] == [
                ["crm": "hubspot", "account": "ada@shop.test", "contacts": 0, "events": 1]
            ])
        _ = try sandbox.script(["crm": "hubspot", "answers": [["status": 429, "retry_after": 3], ["cut": "after"]]])
        let limited = try send(sandbox, "POST", "/events", ["uuid": "2"])
        #expect(try limited.status == 429 && limited.headers["retry-after"] == "3" && limited.json["category"] == "RATE_LIMITS")
        #expect(throws: Connection.Failure.closed) { try send(sandbox, "POST", "/events", ["uuid": "2"]) }
        #expect(try sandbox.send("GET", "/accounts").json["accounts"]?.arrayValue?.first?["events"] == 2)
        #expect(try sandbox.send("DELETE", "/accounts?crm=hubspot").status == 204)
        #expect(try sandbox.send("GET", "/accounts").json["accounts"] == [])
    }

    @Test func whatTheFileDemandsIsDemanded() async throws {
        let sandbox = try await Self.start()
        let body: JSONValue = ["properties": ["email": "a@b.test"]]
        func status(_ headers: [(String, String)], _ body: [UInt8]) throws -> Int {
            try sandbox.send("POST", "/hubspot/contacts", headers: headers, body: body).status
        }
        #expect(try status([("Accept", "*/*")], body.serialized()) == 401)
        #expect(try status([("Authorization", "Bearer hs_no body"), ("Accept", "*/*")], body.serialized()) == 401)
        #expect(try status([("Authorization", "Bearer hs_"), ("Accept", "*/*")], body.serialized()) == 401)
        #expect(try status(Array(Self.headers.prefix(2)), body.serialized()) == 400)
        #expect(try status([Self.headers[0], Self.headers[2], ("Content-Type", "text/plain")], body.serialized()) == 400)
        #expect(try status(Self.headers, Array("{".utf8)) == 400)
        #expect(try send(sandbox, "POST", "/contacts", ["properties": [:]]).status == 400)
        #expect(try send(sandbox, "PUT", "/contacts", body).status == 405)
        #expect(try send(sandbox, "GET", "/nothing").json["message"] == "There is nothing at this path.")
        #expect(try send(sandbox, "GET", "/contacts").json == ["total": 0, "results": []])
    }

    @Test func atItsOwnHostItStandsAtTheRoot() async throws {
        let sandbox = try await Self.start()
        let connection = try sandbox.connection()
        let head = "GET /contacts HTTP/1.1\r\nHost: api.hubapi.com\r\nAccept: */*\r\nAuthorization: Bearer hs_ada@shop.test\r\n\r\n"
        try connection.send(Array(head.utf8))
        #expect(try connection.receive().status == 200)
    }

    @Test func severalFiles() async throws {
        let other: JSONValue = ["crm": "tiny", "routes": [["method": "GET", "path": "/ping", "answer": ["body": "{account}"]]]]
        let sandbox = try await Self.start([Self.hubspot, other])
        #expect(try sandbox.send("GET", "/tiny/ping").json == "sandbox")
        #expect(try sandbox.send("GET", "/").json["scripted"]?.arrayValue?.count == 2)
    }

    @Test(arguments: [
        ("[]", "$ is not an object"), ("{", "not JSON"), (#"{"routes": []}"#, #"no member "crm""#),
        (#"{"crm": "klaviyo", "routes": [{"method": "GET", "path": "/"}]}"#, "is taken"),
        (#"{"crm": "journal", "routes": [{"method": "GET", "path": "/"}]}"#, "is taken"),
        (#"{"crm": "Hub", "routes": []}"#, "small letters"), (#"{"crm": "hub", "routes": []}"#, "$.routes is empty"),
        (#"{"crm": "hub", "colour": 1, "routes": []}"#, #"no member "colour""#),
        (#"{"crm": "hub", "routes": [{"method": "GET", "path": "x"}]}"#, "$.routes[0].path begins with a slash"),
        (#"{"crm": "hub", "routes": [{"method": "GET", "path": "/", "answer": {"body": "{nobody}"}}]}"#, "There is no place {nobody}"),
        (#"{"crm": "hub", "routes": [{"method": "GET", "path": "/", "answer": {"body": "{body"}}]}"#, "does not close it"),
        (#"{"crm": "hub", "routes": [{"method": "GET", "path": "/", "store": {"collection": "c", "action": "find"}}]}"#, "has no \"c\""),
        (
            #"{"crm": "hub", "collections": {"c": {}}, "routes": [{"method": "GET", "path": "/", "store": {"collection": "c", "action": "find"}}]}"#,
            "neither `key` nor `id`"
        ),
        (#"{"crm": "hub", "routes": [{"method": "GET", "path": "/", "each": "{body/inputs}"}]}"#, "$.routes[0].each is a JSON pointer"),
        (#"{"crm": "hub", "routes": [{"method": "GET", "path": "/", "required": ["name"]}]}"#, "$.routes[0].required is a JSON pointer"),
        (#"{"crm": "hub", "routes": [{"method": "GET", "path": "/", "partial": {}}]}"#, "beside `each`"),
    ])
    func mistakesStopTheStart(_ content: String, _ words: String) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "crm-\(UUID().uuidString).json").path
        #expect(FileManager.default.createFile(atPath: path, contents: Data(content.utf8)))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let program = try BuiltProgram("crm-sandbox", arguments: ["--port", "0", "--script", path])
        #expect(try await program.waitForEnd() != .exited(0))
        #expect(program.errorOutput.contains(words), "\(program.errorOutput)")
    }
}
