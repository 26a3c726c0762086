import CRMCore

/// The answers of a composite request so far, and what `@{reference.member}` stands for.
struct SalesforceComposite {
    struct Result {
        var reference: String
        var status: Int
        var body: JSONValue
        var effects: [Effect]

        init(reference: String, answer: Answer) {
            self.reference = reference
            status = answer.status
            body = (try? JSONValue(parsing: answer.body)) ?? .null
            effects = answer.effects
        }

        var hasFailed: Bool { status >= 300 }
    }

    private var results: [Result] = []

    var hasFailed: Bool { results.contains(where: \.hasFailed) }
    var effects: [Effect] { results.flatMap { $0.hasFailed && $0.effects.isEmpty ? [Effect(kind: .refused)] : $0.effects } }

    var json: JSONValue {
        let answers = results.map { result -> JSONValue in
            [
                "body": result.body, "httpHeaders": [:], "httpStatusCode": .integer(result.status),
                "referenceId": .string(result.reference),
            ]
        }
        return ["compositeResponse": .array(answers)]
    }

    mutating func add(_ result: Result) throws(SalesforceRefusal) {
        guard !results.contains(where: { $0.reference == result.reference }) else {
            throw SalesforceRefusal("INVALID_INPUT", "The referenceId '\(result.reference.prefix(40))' is there twice.")
        }
        results.append(result)
    }

    /// What was done is undone, and every part says why.
    mutating func rollBack() {
        for index in results.indices where !results[index].hasFailed {
            results[index].status = 400
            results[index].body = [
                [
                    "errorCode": "PROCESSING_HALTED",
                    "message": "The transaction was rolled back since another operation in the same transaction failed.",
                ]
            ]
        }
    }

    func resolve(_ value: JSONValue) throws(SalesforceRefusal) -> JSONValue {
        switch value {
        case .string(let text): return .string(try resolve(text))
        case .array(let elements):
            var resolved: [JSONValue] = []
            for element in elements { resolved.append(try resolve(element)) }
            return .array(resolved)
        case .object(let members):
            var resolved = JSONObject()
            for (name, member) in members { resolved[name] = try resolve(member) }
            return .object(resolved)
        default: return value
        }
    }

    func resolve(_ text: String) throws(SalesforceRefusal) -> String {
        var resolved = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "@{") {
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else { break }
            resolved += rest[..<start.lowerBound]
            resolved += try lookUp(String(rest[start.upperBound..<end]))
            rest = rest[rest.index(after: end)...]
        }
        return resolved + rest
    }

    private func lookUp(_ path: String) throws(SalesforceRefusal) -> String {
        var steps = path.split(whereSeparator: { $0 == "." || $0 == "[" || $0 == "]" }).map(String.init)[...]
        guard let name = steps.popFirst(), let result = results.first(where: { $0.reference == name }), !result.hasFailed else {
            throw SalesforceRefusal("PROCESSING_HALTED", "Invalid reference specified. No value for \(path.prefix(80)) found.")
        }
        var value = result.body
        for step in steps {
            let next =
                Int(step).flatMap { index in value.arrayValue.flatMap { $0.indices.contains(index) ? $0[index] : nil } } ?? value[step]
            guard let next else {
                throw SalesforceRefusal("PROCESSING_HALTED", "Invalid reference specified. No value for \(path.prefix(80)) found.")
            }
            value = next
        }
        return value.stringValue ?? value.text
    }
}
