import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Testing

/// The test kit's own tests: what it accepts, and that it notices what is not as expected.
@Suite struct StoryTests {
    private static let exchanges: JSONValue = [
        [
            "request": ["method": "POST", "url": "https://crm.test/login"],
            "response": ["status": 200, "headers": ["Content-Type": "text/plain", "Set-Cookie": ["a=1", "b=2"]], "body": "s-1"],
        ],
        [
            "request": ["method": "POST", "url": "https://crm.test/events", "body": "\"one\""],
            "response": ["status": 201, "body": ["id": 7]],
        ],
        ["request": ["method": "POST", "url": "https://crm.test/events"], "response": ["status": 401]],
    ]

    private static func event(_ name: JSONValue) -> JSONValue {
        ["event": ["name": name, "contact": ["email": "ada@example.test"]]]
    }

    private static func factory(_ id: UnsafePointer<CChar>?) -> UnsafeRawPointer? { CRMPlugin.factory(id, SessionProvider.self) }

    private static let steps = [
        Step(
            .sendEvent, event("one"), .result(["remote_id": "s-1", "accepted_only": false]),
            sends: ["POST https://crm.test/login", Step.Request("POST https://crm.test/events", "one")]),
        Step(.sendEvent, event("two"), .failure(.unavailable, code: "session.dead"), sends: ["POST https://crm.test/events"]),
    ]

    @Test func aStoryThatWasRecordedIsTold() async throws {
        let schemas = try SchemaDirectory(
            path: #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
                + "/Sources/CRMPluginAPI/schemas")
        let story = try Story(Self.factory, Cassette(Self.exchanges), schemas: schemas)
        #expect(await story.problems(Self.steps) == [])
    }

    @Test func aScriptServesAsWell() async throws {
        let story = try Story(Self.factory, { $0.url.hasSuffix("/login") ? .response(200, [], Array("s-9".utf8)) : .status(200) })
        #expect(await story.problems([Step(.sendEvent, Self.event("x"), .result(["remote_id": "s-9"]))]) == [])
    }

    @Test func whatIsNotAsExpectedIsSaid() async throws {
        let story = try Story(Self.factory, Cassette(Self.exchanges))
        let problems = await story.problems([
            Step(
                .sendEvent, Self.event("one"), .result(["remote_id": "s-2", "job": 1]),
                sends: ["POST https://crm.test/login", Step.Request("POST https://crm.test/events", "another")])
        ])
        #expect(
            problems == [
                "step 1, send_event: remote_id is \"s-1\", not \"s-2\"", "step 1, send_event: job is absent, not 1",
                "step 1, send_event: POST https://crm.test/events carried \"one\", not \"another\"",
                "never asked for: POST https://crm.test/events",
            ])
    }

    @Test func aRequestThatWasNotRecordedFails() async throws {
        let story = try Story(Self.factory, Cassette([]))
        let problems = await story.problems([
            Step(.sendEvent, Self.event("one"), .result([:]), sends: []),
            Step(.sendEvent, Self.event("one"), .failure(.notFound, code: "x")),
        ])
        #expect(problems.contains { $0.hasPrefix("step 1, send_event: failed with status \(CRM_STATUS_INTERNAL)") })
        #expect(problems.contains("step 1, send_event: sent [\"POST https://crm.test/login\"], not []"))
        #expect(problems.contains { $0.hasPrefix("step 2, send_event: failed with status") && $0.hasSuffix("not 6, x") })
        #expect(problems.filter { $0 == "not on the cassette: POST https://crm.test/login" }.count == 2)
    }

    @Test func theOrderMattersUnlessItIsFree() async throws {
        let swapped = try Cassette(.array((Self.exchanges.arrayValue ?? []).reversed()))
        let step = Step(.sendEvent, Self.event("two"), .failure(.unavailable, code: "session.dead"))
        #expect(await (try Story(Self.factory, swapped)).problems([step]).isEmpty == false)
        let problems = await (try Story(Self.factory, swapped, .free)).problems([step])
        #expect(problems == ["never asked for: POST https://crm.test/events"])
    }

    @Test(arguments: [
        ("{}", Cassette.Malformed.noArray), ("[{}]", .exchange(0, "request.method")),
        (#"[{"request":{"method":"GET","url":"u"}}]"#, .exchange(0, "response.status")),
        (#"[{"request":{"method":"GET","url":"u"},"response":{"status":200,"headers":{"a":1}}}]"#, .exchange(0, "response.headers.a")),
    ])
    func aCassetteThatMakesNoSenseIsRefused(_ text: String, _ problem: Cassette.Malformed) throws {
        #expect(throws: problem) { try Cassette(try JSONValue(parsing: text)) }
    }
}
