import Acme
import CRMPluginSDK
import CRMPluginTestKit
import Testing

/// The provider between a fake host and an Acme that the test plays: no network, no waiting.
@Suite struct AcmeTests {
    private static let credentials: JSONValue = ["token": "token_0123456789"]

    private static func problems(_ script: @escaping FakeHTTP.Script, _ steps: [Step]) async throws -> [String] {
        let story = try Story({ CRMPlugin.factory($0, AcmeProvider.self) }, script, credentials: credentials, config: [:])
        return await story.problems(steps)
    }

    @Test func aContactIsWrittenUnderItsAddress() async throws {
        let problems = try await Self.problems(
            { _ in .json(201, ["id": "c1"]) },
            [
                Step(
                    .createOrUpdateContact, ["contact": ["email": "ada@example.com", "first_name": "Ada"]],
                    .result(["remote_id": "c1", "created": true]), sends: ["PUT https://api.acme.example/v1/contacts"])
            ])
        #expect(problems == [])
    }

    @Test func whatAcmeHasNoFieldForIsAWarning() async throws {
        let problems = try await Self.problems(
            { _ in .json(200, ["id": "c1"]) },
            [
                Step(
                    .createOrUpdateContact, ["contact": ["email": "ada@example.com", "title": "Countess"]],
                    .result([
                        "warnings": [
                            ["code": "acme.no_such_field", "field": "title", "detail": "Acme has no field for it; the rest was written"]
                        ]
                    ]))
            ])
        #expect(problems == [])
    }

    @Test(
        arguments: [
            (400, .invalidArgument, "acme.refused"), (401, .invalidCredentials, "acme.unknown_token"),
            (403, .permissionDenied, "acme.missing_scope"), (404, .upstream, "acme.failed"), (409, .conflict, "acme.conflict"),
            (429, .rateLimited, "acme.slow_down"), (500, .upstream, "acme.failed"),
        ] as [(Int, CRMError.Status, String)])
    func anErrorMeansTheSameEveryTime(_ status: Int, _ expected: CRMError.Status, _ code: String) async throws {
        let event: JSONValue = ["event": ["name": "Order", "contact": ["email": "ada@example.com"]]]
        let problems = try await Self.problems(
            { _ in .json(status, ["error": ["code": "x"]]) }, [Step(.sendEvent, event, .failure(expected, code: code))])
        #expect(problems == [])
    }
}
