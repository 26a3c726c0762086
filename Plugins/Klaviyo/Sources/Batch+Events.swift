internal import CRMPluginSDK

extension Endpoint {
    static let createEvents = Endpoint(.post, "/api/event-bulk-create-jobs", scopes: ["events:write"], .bulk)
}

extension KlaviyoProvider {
    private static let elementsPointer = "/data/attributes/events-bulk-create/data"
    /// How often what Klaviyo points at is taken out of the bulk before all the rest goes by single calls.
    private static let rounds = 5

    /// A bulk with one repeated event fails as a whole and records nothing, where a single call passes over the repetition. So events that
    /// may have been sent before never travel in bulk.
    func sendEvents(_ run: inout BatchRun, _ context: OperationContext) async throws {
        var elements: [(index: Int, element: JSONValue)] = []
        var single: [Int] = []
        var first: [EventIdentity: Int] = [:]
        for (index, item) in run.items.enumerated() {
            guard case .event(let event) = item.kind else { continue }
            do throws(CRMError) {
                let uniqueID = try event.uniqueID(or: item.idempotencyKey)
                let draft = try ProfileDraft(event.contact, Settings(context).fields, pointer: "")
                let isRepeated = first.updateValue(index, forKey: EventIdentity(event, uniqueID)) != nil
                if isRepeated || context.looksBeforeWrite || !draft.warnings.isEmpty {
                    single.append(index)
                } else {
                    elements.append((index, event.bulkElement(of: draft, uniqueID: uniqueID)))
                }
            } catch {
                run.fail([index], error)
            }
        }
        if elements.count == 1 { single.append(contentsOf: elements.map(\.index)) } else { try await send(elements, &run, context) }
        run.leaveToSingleCalls(single)
    }

    private func send(
        _ elements: [(index: Int, element: JSONValue)], _ run: inout BatchRun, _ context: OperationContext
    ) async throws {
        for chunk in BulkChunk.cut(elements) {
            if let stop = run.stop(of: .bulk) ?? run.stop(of: .events) {
                run.fail(chunk.indices, stop)
            } else {
                try await send(chunk, &run, context)
            }
        }
    }

    private func send(_ chunk: BulkChunk, _ run: inout BatchRun, _ context: OperationContext) async throws {
        var chunk = chunk
        for _ in 0..<Self.rounds where !chunk.indices.isEmpty {
            do {
                let response = try await send(.createEvents, body: Self.body(chunk), context)
                guard response.status == 202, response.body.isEmpty else { throw CRMError.unreadable(.createEvents) }
                for index in chunk.indices { run.finish(index, .success(remoteID: nil, warnings: run.items[index].consentWarnings)) }
                run.job = ["type": "event-bulk-create-job", "accepted_only": true]
                return
            } catch let error as CRMError {
                guard error.status == .invalidArgument || error.status == .conflict else {
                    run.fail(chunk.indices, error)
                    run.stop(error.status == .rateLimited ? .bulk : .events, after: error)
                    return
                }
                let named = chunk.items(named: error.pointers, below: Self.elementsPointer)
                guard !named.isEmpty else { break }
                run.leaveToSingleCalls(named)
                chunk = chunk.without(named)
            }
        }
        run.leaveToSingleCalls(chunk.indices)
    }

    private static func body(_ chunk: BulkChunk) -> JSONValue {
        [
            "data": [
                "type": "event-bulk-create-job", "attributes": ["events-bulk-create": ["data": .array(chunk.elements)]],
            ]
        ]
    }
}

/// What Klaviyo knows an event by: the person, the metric, the id.
private struct EventIdentity: Hashable {
    let person: String
    let name: String
    let uniqueID: String

    init(_ event: Event, _ uniqueID: String) {
        person = event.contact.externalID ?? event.contact.email?.lowercased() ?? event.contact.phone ?? ""
        name = event.name
        self.uniqueID = uniqueID
    }
}

extension Event {
    fileprivate func bulkElement(of draft: ProfileDraft, uniqueID: String) -> JSONValue {
        [
            "type": "event-bulk-create",
            "attributes": [
                "profile": draft.resource,
                "events": ["data": [["type": "event", "attributes": .object(attributes(uniqueID: uniqueID))]]],
            ],
        ]
    }
}

extension BatchItem {
    fileprivate var consentWarnings: [Warning] { if case .event(let event) = kind { event.consentWarnings } else { [] } }
}
