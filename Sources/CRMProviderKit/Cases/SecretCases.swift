import CRMCore
import CRMFakeHost

extension ConformanceCase {
    /// The credentials are canaries: in good times and in bad they turn up nowhere but where they belong.
    static let secrets: [ConformanceCase] = [
        hunt("log", "in a log line") { traffic in
            traffic.host.log.lines.flatMap { [$0.message, $0.fields] }
        },
        hunt("metrics", "in a metric") { traffic in
            traffic.host.metrics.samples.flatMap { sample in [sample.name] + sample.labels.flatMap { [$0.name, $0.value] } }
        },
        hunt("result", "in a code, a message or a result", echoing: false, Traffic.resultTexts),
        hunt("echo", "in a result, when the CRM's error quotes it", echoing: true, Traffic.resultTexts),
        hunt("url", "in a URL or a route") { traffic in traffic.host.http.requests.flatMap { [$0.url, $0.route] } },
        hunt("header", "in a header that is not flagged sensitive") { traffic in
            traffic.host.http.requests.flatMap { $0.headers.filter { !$0.isSensitive }.map(\.value) }
        },
    ]

    fileprivate struct Traffic {
        let host: FakeHost
        let results: [OperationResult]

        static let resultTexts: @Sendable (Traffic) -> [String] = { $0.results.flatMap { [$0.code, $0.message, $0.payloadText] } }
    }

    private static func hunt(
        _ name: String, _ place: String, echoing: Bool = true, _ texts: @escaping @Sendable (Traffic) -> [String]
    ) -> ConformanceCase {
        ConformanceCase(.secrets, name, "no secret turns up \(place)") { ground in
            let forms = try ground.secrets().map {
                (secret: $0, forms: [$0.text, Redaction.percentEncoded($0.text), base64(Array($0.text.utf8))])
            }
            for (situation, rig, results) in try situations(ground, quoting: echoing ? forms.map(\.secret.text) : []) {
                let found = texts(Traffic(host: rig.host, results: results))
                for (secret, forms) in forms where forms.contains(where: { form in found.contains { $0.contains(form) } }) {
                    throw CaseFailure("\(secret.name) of the conformance file turns up \(place), \(situation)")
                }
            }
        }
    }

    /// Every operation, well answered and badly.
    private static func situations(
        _ ground: CaseGround, quoting secrets: [String]
    ) throws -> [(String, Rig, [OperationResult])] {
        let quote = secrets.joined(separator: " ")
        let errors = [400, 401, 403, 404, 409, 422, 500].map { status -> (String, Playbook.Interference) in
            let body: JSONValue = [
                "message": "about \(quote)", "error": "about \(quote)", "error_description": "about \(quote)",
                "errors": [["code": "invalid", "detail": "about \(quote)", "title": "about \(quote)"]],
            ]
            return (
                "when the CRM answers \(status)",
                { stage, _, _ in stage.isSession ? nil : .response(status, [("content-type", "application/json")], body.serialized()) }
            )
        }
        let others: [(String, Playbook.Interference)] = [
            ("when all goes well", { _, _, _ in nil }), ("when the login fails", { stage, _, _ in stage.isSession ? .status(400) : nil }),
            ("when the CRM cannot be reached", { _, _, _ in .failure(4) }),
            ("when the answer is nonsense", { _, _, _ in .response(200, [], Array("nonsense \(quote)".utf8)) }),
        ]
        return try (others + errors).map { situation, interference in
            let rig = try ground.rig(interference)
            var results: [OperationResult] = []
            for sample in try ground.samples() {
                results.append(try rig.perform(sample))
                results.append(try rig.perform(sample, rig.call(sample, payload: Array("{\"contact\":{}}".utf8))))
            }
            return (situation, rig, results)
        }
    }
}

private func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    // Whole groups only: what follows the secret decides about the last digits.
    return stride(from: 0, to: bytes.count - bytes.count % 3, by: 3).map { place in
        let group = UInt32(bytes[place]) << 16 | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2])
        return String([18, 12, 6, 0].map { digits[Int(group >> $0 & 63)] })
    }.joined()
}
