internal import CRMFakeHost
package import CRMPluginSDK

/// Runs a provider through steps, one after the other, on one instance: what a session or a cache remembers from one is there in the next.
///
/// Besides what the steps expect, every result must fit its schema, and the provider must break no promise of the ABI.
package struct Story: Sendable {
    private let host: FakeHost
    private let provider: ProviderUnderTest
    private let player: CassettePlayer?
    private let schemas: SchemaDirectory?
    private let credentials: JSONValue

    package init(
        _ factory: ProviderUnderTest.Factory, _ script: @escaping FakeHTTP.Script, credentials: JSONValue = [:], config: JSONValue = [:],
        schemas: SchemaDirectory? = nil
    ) throws {
        try self.init(factory, script, nil, credentials, config, schemas)
    }

    /// The CRM is what was recorded, in the recorded order.
    package init(
        _ factory: ProviderUnderTest.Factory, _ cassette: Cassette, _ order: CassettePlayer.Order = .strict, credentials: JSONValue = [:],
        config: JSONValue = [:], schemas: SchemaDirectory? = nil
    ) throws {
        let player = CassettePlayer(cassette, order)
        try self.init(factory, player.answer, player, credentials, config, schemas)
    }

    private init(
        _ factory: ProviderUnderTest.Factory, _ script: @escaping FakeHTTP.Script, _ player: CassettePlayer?, _ credentials: JSONValue,
        _ config: JSONValue, _ schemas: SchemaDirectory?
    ) throws {
        // Pauses are over as soon as they begin, so that a provider that waits does not make a test wait.
        host = FakeHost(timers: .eager, answer: script)
        provider = try ProviderUnderTest(factory, host: host, config: config)
        self.player = player
        self.credentials = credentials
        self.schemas = schemas
    }

    /// Runs the steps and closes the provider.
    ///
    /// - Returns: What was not as expected, in words; empty when all was.
    package func problems(_ steps: [Step]) async -> [String] {
        var problems: [String] = []
        for (index, step) in steps.enumerated() {
            problems += await run(step).map { "step \(index + 1), \(step.operation.name): \($0)" }
        }
        if await !provider.close().allSatisfy({ $0 == 1 }) { problems.append("something ended more than once") }
        problems += host.violations.map { "broke a promise: \($0)" }
        if let player {
            problems += player.misses.map { "not on the cassette: \($0)" }
            problems += player.unplayed.map { "never asked for: \($0.method) \($0.url)" }
        }
        return problems
    }

    private func run(_ step: Step) async -> [String] {
        let before = host.http.requests.count
        var call = FakeCall(step.operation.rawValue, step.input, credentials: credentials)
        call.settings = step.settings
        call.account = step.account
        call.flags = step.flags
        let result = await provider.run(call)
        let sent = Array(host.http.requests.dropFirst(before))
        return mismatches(of: result, with: step) + shapeProblems(result, step) + step.mismatches(in: sent)
    }

    private func mismatches(of result: OperationResult, with step: Step) -> [String] {
        switch step.expectation {
        case .result(let members):
            guard result.status == 0 else { return ["failed with status \(result.status), \(result.code): \(result.message)"] }
            return members.filter { result.payload[$0.key] != $0.value }.map { member in
                "\(member.key) is \(result.payload[member.key]?.text ?? "absent"), not \(member.value.text)"
            }
        case .failure(let status, let code):
            guard result.status != 0 else { return ["succeeded"] }
            let isExpected = result.status == status.rawValue && result.code == code
            return isExpected ? [] : ["failed with status \(result.status), \(result.code), not \(status.rawValue), \(code)"]
        }
    }

    private func shapeProblems(_ result: OperationResult, _ step: Step) -> [String] {
        guard let schemas, result.status == 0 || !result.payloadBytes.isEmpty else { return [] }
        return schemas.problems(result.payload, result.status == 0 ? "\(step.operation.name).result.json" : "failure.json")
    }
}

extension Step {
    fileprivate func mismatches(in sent: [FakeHTTP.Request]) -> [String] {
        guard let requests else { return [] }
        let lines = sent.map { "\($0.method) \($0.url)" }
        guard requests.map(\.line) == lines else { return ["sent \(lines), not \(requests.map(\.line))"] }
        return zip(requests, sent).filter { !$0.matches($1) }.map { expected, request in
            "\(expected.line) carried \(request.json.text), not \(expected.body?.text ?? "")"
        }
    }
}
