import CRMCore

extension SalesforceCall {
    func composite(_ ask: SalesforceAsk) throws(SalesforceRefusal) -> Answer {
        guard ask.path.count > 1 else {
            guard ask.method == "POST" else { throw .method(ask.method, allowed: "POST") }
            return try compositeRequest(ask)
        }
        guard ask.path[1] == "sobjects", version >= 42 else { throw .notFound }
        return try collection(ask)
    }

    /// Several requests in one: each sees what those before it did, and may use their answers.
    private func compositeRequest(_ ask: SalesforceAsk) throws(SalesforceRefusal) -> Answer {
        let body = try ask.object
        guard let parts = body["compositeRequest"]?.arrayValue, !parts.isEmpty else {
            throw .unreadable("compositeRequest is a list of requests")
        }
        guard parts.count <= 25 else {
            throw SalesforceRefusal("LIMIT_EXCEEDED", "A composite request holds at most 25 subrequests.")
        }
        let allOrNone = body["allOrNone"]?.boolValue ?? false
        let saved = (org.tables, org.published)
        var results = SalesforceComposite()
        for (index, part) in parts.enumerated() {
            try results.add(try run(part, results, refusal: scriptedRefusal(ask, item: index)))
        }
        guard allOrNone, results.hasFailed else { return json(results.json, effects: results.effects) }
        (org.tables, org.published) = saved
        results.rollBack()
        return json(results.json, effects: [Effect(kind: .refused)])
    }

    private func run(
        _ part: JSONValue, _ earlier: SalesforceComposite, refusal: SalesforceRefusal?
    ) throws(SalesforceRefusal) -> SalesforceComposite.Result {
        guard let reference = part["referenceId"]?.stringValue, !reference.isEmpty, let method = part["method"]?.stringValue,
            let url = part["url"]?.stringValue
        else { throw .unreadable("A subrequest has method, url and referenceId") }
        var answer: Answer
        do throws(SalesforceRefusal) {
            if let refusal { throw refusal }
            let target = try earlier.resolve(url)
            guard target.hasPrefix("\(root)/") else {
                throw SalesforceRefusal("INVALID_INPUT", "The url of a subrequest begins with the version of the request.")
            }
            let parts = target.dropFirst(root.count).split(separator: "?", maxSplits: 1)
            let path = parts[0].split(separator: "/").map { PercentEncoding.decode($0, plusIsSpace: false) }
            let inner = try SalesforceAsk(
                method: method, path: path, query: Query(parts.count > 1 ? String(parts[1]) : ""),
                body: try part["body"].map { body throws(SalesforceRefusal) in try earlier.resolve(body) },
                headers: part["httpHeaders"]?.objectValue ?? [:])
            answer = try self.answer(inner)
        } catch {
            answer = error.answer()
        }
        return SalesforceComposite.Result(reference: reference, answer: answer)
    }
}
