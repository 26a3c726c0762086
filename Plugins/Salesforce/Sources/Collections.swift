internal import CRMPluginSDK

/// Upserts of many records in one call.
enum Collections {
    /// Records of one object that a call takes.
    static let largest = 200
}

/// A record on its way, with the item of the batch that it stands for.
struct BatchRow {
    let index: Int
    let key: String
    var draft: Draft
    /// How the record names a contact that may not be there yet; only of events.
    var contact: Contact?
    var attempts = 0
}

extension Connection {
    enum RowResult {
        case success(id: String?, isNew: Bool?)
        case refused(Refusal)

        fileprivate var isOfEndedSession: Bool {
            if case .refused(let refusal) = self { refusal.has("INVALID_SESSION_ID") } else { false }
        }
    }

    /// What became of each row, in their order. Rows that met the end of the session go once more with a new one.
    func upsert(_ rows: [BatchRow], _ object: String, _ keyField: String, headers: [HTTPHeader]) async throws -> CollectionAnswer {
        let answer = try await collected(rows, object, keyField, headers)
        guard case .rows(var results) = answer else { return answer }
        let unwritten = results.indices.filter { results[$0].isOfEndedSession }
        guard !unwritten.isEmpty else { return answer }
        forgetSession()
        do {
            switch try await collected(unwritten.map { rows[$0] }, object, keyField, headers) {
            case .rows(let second):
                for (index, result) in zip(unwritten, second) { results[index] = result }
                if second.contains(where: \.isOfEndedSession) { forgetSession() }
            case .refused(let refusal): for index in unwritten { results[index] = .refused(refusal) }
            }
        } catch let error as CRMError where error.status != .cancelled {
            // What the first call wrote is written all the same.
            for index in unwritten { results[index] = .refused(Refusal(errors: [], error: error)) }
        }
        return .rows(results)
    }

    private func collected(
        _ rows: [BatchRow], _ object: String, _ keyField: String, _ headers: [HTTPHeader]
    ) async throws -> CollectionAnswer {
        var call = Call.upsert(rows.map { ($0.key, $0.draft.values) }, object, keyField)
        call.headers = headers
        switch try await answer(call) {
        case .refused(let refusal): return .refused(refusal)
        case .success(let response):
            guard let results = response.json?.arrayValue, results.count == rows.count else {
                throw CRMError.unreadable(isIdempotent: true)
            }
            return .rows(
                results.map { result in
                    result["success"] == true
                        ? .success(id: result["id"]?.stringValue, isNew: result["created"]?.boolValue)
                        : .refused(Refusal(result: result, isIdempotent: true, context))
                })
        }
    }
}

enum CollectionAnswer {
    case rows([Connection.RowResult])
    case refused(Refusal)
}
