import CRMCore
import Testing

@Suite struct ScriptTests {
    private let event = KlaviyoBody.event("V", ["unique_id": "1"])

    @Test func answersAreUsedUpOneByOne() async throws {
        let sandbox = try await RunningSandbox()
        let id = try sandbox.script([
            "crm": "klaviyo", "method": "POST", "path_prefix": "/klaviyo/api/events",
            "answers": [["status": 500], ["status": 429, "retry_after": 3], ["status": 429], "real"],
        ])
        #expect(try sandbox.klaviyo("GET", "profiles").status == 200)
        let first = try sandbox.klaviyo("POST", "events", event)
        #expect(first.status == 500)
        #expect(first.error?["status"] == 500)
        let second = try sandbox.klaviyo("POST", "events", event)
        #expect(second.status == 429)
        #expect(second.headers["retry-after"] == "3")
        #expect(second.error?["code"] == "throttled")
        let third = try sandbox.klaviyo("POST", "events", event)
        #expect(third.status == 429)
        #expect(third.headers["retry-after"] == nil)
        #expect(try sandbox.send("GET", "/script").json["scripts"]?.arrayValue?.first?["used"] == 3)
        #expect(try sandbox.klaviyo("POST", "events", event).status == 202)
        #expect(try sandbox.klaviyo("POST", "events", event).status == 202)
        #expect(try sandbox.send("GET", "/script").json == ["scripts": []])
        let entries = try sandbox.journal("crm=klaviyo")
        #expect(
            entries.compactMap { $0["effect"]?.stringValue } == [
                "none", "refused", "refused", "refused", "event_recorded", "event_duplicate",
            ])
        #expect(entries[1]["script"]?.intValue == Int(id))
    }

    @Test func aConnectionIsCutBeforeOrAfterTheDeed() async throws {
        let sandbox = try await RunningSandbox()
        _ = try sandbox.script(["crm": "klaviyo", "path_prefix": "/api/events", "answers": [["cut": "before"], ["cut": "after"]]])
        for _ in 0..<2 {
            let connection = try sandbox.connection()
            try connection.send("POST", "/klaviyo/api/events", headers: RunningSandbox.klaviyoHeaders(), body: event.serialized())
            #expect(connection.isClosedByPeer())
        }
        #expect(try sandbox.klaviyo("POST", "events", event).status == 202)
        let entries = try sandbox.journal("crm=klaviyo")
        #expect(entries.compactMap { $0["effect"]?.stringValue } == ["none", "event_recorded", "event_duplicate"])
        #expect(entries[0]["cut"] == true && entries[0]["status"] == .null && entries[1]["cut"] == true && entries[1]["status"] == 202)
    }

    @Test func aBodyOfOnesOwn() async throws {
        let sandbox = try await RunningSandbox()
        _ = try sandbox.script([
            "crm": "klaviyo",
            "answers": [
                ["status": 403, "body": "<html>", "content_type": "text/html", "headers": ["cf-mitigated": "challenge"]],
                ["body": ["a": 1]],
            ],
        ])
        let challenge = try sandbox.klaviyo("GET", "accounts")
        #expect(challenge.status == 403)
        #expect(challenge.headers["content-type"] == "text/html" && challenge.headers["cf-mitigated"] == "challenge")
        #expect(challenge.body == Array("<html>".utf8))
        let json = try sandbox.klaviyo("GET", "accounts")
        #expect(json.status == 200)
        #expect(try json.json == ["a": 1])
    }

    @Test func aDelayHoldsBackOneConnectionOnly() async throws {
        let sandbox = try await RunningSandbox()
        _ = try sandbox.script(["crm": "klaviyo", "email": "grace@example.test", "answers": [["delay_ms": 600_000]]])
        let slow = try sandbox.connection()
        try slow.send("POST", "/klaviyo/api/events", headers: RunningSandbox.klaviyoHeaders(), body: event.serialized())
        // It has arrived when the script is used up.
        while try sandbox.send("GET", "/script").json != ["scripts": []] { await Task.yield() }
        let other = KlaviyoBody.event("V", profile: ["email": "b@example.test"], ["unique_id": "2"])
        #expect(try sandbox.klaviyo("POST", "events", other).status == 202)
        #expect(try sandbox.journal("crm=klaviyo").compactMap { $0["unique_id"]?.stringValue } == ["2"])
    }

    @Test func afterADelayTheAnswerIsReal() async throws {
        let sandbox = try await RunningSandbox()
        _ = try sandbox.script([
            "crm": "klaviyo", "answers": [["delay_ms": 20], ["delay_ms": 20, "status": 500], ["delay_ms": 20, "cut": "after"]],
        ])
        #expect(try sandbox.klaviyo("POST", "events", event).status == 202)
        #expect(try sandbox.klaviyo("POST", "events", event).status == 500)
        #expect(throws: Connection.Failure.closed) { try sandbox.klaviyo("POST", "events", event) }
        #expect(
            try sandbox.journal("crm=klaviyo").compactMap { $0["effect"]?.stringValue } == ["event_recorded", "refused", "event_duplicate"])
    }

    @Test func aScriptMayRepeatAndChooseItsAccount() async throws {
        let sandbox = try await RunningSandbox()
        let id = try sandbox.script(["crm": "klaviyo", "account": "x@shop.test", "answers": [["status": 503], "real"], "repeat": true])
        for expected in [503, 200, 503, 200] {
            #expect(try sandbox.klaviyo("GET", "profiles", account: "x@shop.test").status == expected)
            #expect(try sandbox.klaviyo("GET", "profiles").status == 200)
        }
        #expect(try sandbox.send("DELETE", "/script/\(id)").status == 204)
        #expect(try sandbox.send("DELETE", "/script/\(id)").status == 404)
        #expect(try sandbox.klaviyo("GET", "profiles", account: "x@shop.test").status == 200)
    }

    @Test func theKeyServerCanFailToo() async throws {
        let sandbox = try await RunningSandbox()
        _ = try sandbox.script(["crm": "google", "path_prefix": "/google/jwks", "answers": [["status": 503]]])
        #expect(try sandbox.send("GET", "/google/jwks").status == 503)
        #expect(try sandbox.send("GET", "/google/jwks").status == 200)
    }

    @Test(
        arguments: [
            [:], ["crm": "hubspot", "answers": ["real"]], ["crm": "klaviyo"], ["crm": "klaviyo", "answers": []],
            ["crm": "klaviyo", "answers": ["unreal"]], ["crm": "klaviyo", "answers": [["status": 99]]],
            ["crm": "klaviyo", "answers": [["cut": "never"]]], ["crm": "klaviyo", "answers": [["stauts": 500]]],
            ["crm": "klaviyo", "answers": [["status": 500, "headers": ["a": "b\r\nc: d"]]]],
        ] as [JSONValue])
    func refusesScriptsThatItDoesNotUnderstand(script: JSONValue) async throws {
        let sandbox = try await RunningSandbox()
        let reply = try sandbox.send("POST", "/script", json: script)
        #expect(reply.status == 400)
        #expect(try reply.json["detail"]?.stringValue?.isEmpty == false)
    }
}
