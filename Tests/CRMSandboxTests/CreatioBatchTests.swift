import CRMCore
import Testing

@Suite struct CreatioBatchTests {
    private static func insert(_ id: String, _ body: JSONValue, url: String = "Contact") -> JSONValue {
        ["id": .string(id), "method": "POST", "url": .string(url), "body": body, "headers": ["Content-Type": "application/json"]]
    }

    private static let requests: JSONValue = [
        "requests": [
            insert("a", ["Name": "Ada"]), insert("b", ["Email": "nameless@example.test"]),
            ["id": "c", "method": "GET", "url": "Contact?$select=Name"], insert("d", ["Name": "Dora"]),
        ]
    ]

    private func outcomes(_ reply: RunningSandbox.Reply) throws -> [String] {
        try #require(try reply.json["responses"]?.arrayValue).map { "\($0["id"]?.stringValue ?? "")\($0["status"]?.intValue ?? 0)" }
    }

    @Test func theFirstFailureEndsItUnlessToldOtherwise() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox)
        #expect(try outcomes(caller.send("POST", "$batch", Self.requests)) == ["a201", "b400"])
        let all = try caller.send("POST", "$batch", Self.requests, more: [("Prefer", "continue-on-error")])
        #expect(try outcomes(all) == ["a201", "b400", "c200", "d201"])
        let responses = try #require(try all.json["responses"]?.arrayValue)
        #expect(responses[0]["body"]?["Name"] == "Ada" && responses[1]["body"]?["error"]?["code"] == "")
        #expect(responses[2]["body"]?["value"]?.arrayValue?.count == 2)
        #expect(
            try sandbox.journal("crm=creatio&account=ada@shop.test").compactMap { $0["effect"]?.stringValue }.suffix(5) == [
                "contact_created", "refused", "contact_created", "refused", "contact_created",
            ])
    }

    @Test func itsShapeIsChecked() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox)
        let many = (0..<101).map { Self.insert("\($0)", ["Name": "x"]) }
        for body: JSONValue in [
            ["requests": .array(many)], [:], ["requests": [["id": "a"]]], ["requests": [Self.insert("a", [:]), Self.insert("a", [:])]],
            ["requests": [["id": "a", "method": "GET", "url": "Contact", "dependsOn": ["b"]]]],
        ] {
            #expect(try caller.send("POST", "$batch", body).status == 400)
        }
        #expect(try caller.rows("Contact").isEmpty)
        let multipart = [("Content-Type", "multipart/mixed; boundary=x")]
        #expect(try caller.send("POST", "$batch", Self.requests, more: multipart).status == 415)
        #expect(try caller.get("$batch").status == 405)
        let whole = ["requests": [Self.insert("a", ["Name": "x"], url: "/creatio/0/odata/Contact")]] as JSONValue
        #expect(try outcomes(caller.send("POST", "$batch", whole)) == ["a201"])
        let elsewhere = ["requests": [Self.insert("a", ["Name": "x"], url: "/creatio/odata/Contact")]] as JSONValue
        #expect(try outcomes(caller.send("POST", "$batch", elsewhere)) == ["a400"])
    }

    @Test func itemsFailAndSessionsEndByScript() async throws {
        let sandbox = try await RunningSandbox()
        let caller = try CreatioCaller(sandbox)
        let four: JSONValue = ["requests": .array(["a", "b", "c", "d"].map { Self.insert($0, ["Name": .string($0)]) })]
        let goOn = [("Prefer", "continue-on-error")]
        _ = try sandbox.script([
            "crm": "creatio",
            "answers": [["batch_failures": [1, 3], "batch_error": 503], ["batch_failures": [0]], ["end_session_at_item": 2]],
        ])
        #expect(try outcomes(caller.send("POST", "$batch", four, more: goOn)) == ["a201", "b503", "c201", "d503"])
        #expect(try outcomes(caller.send("POST", "$batch", four)) == ["a500"])
        #expect(try outcomes(caller.send("POST", "$batch", four, more: goOn)) == ["a201", "b201", "c401", "d401"])
        #expect(try caller.get("Contact").status == 401)
        #expect(try CreatioCaller(sandbox).rows("Contact").count == 4)
    }
}
