internal import CRMPluginSDK

extension EventSender {
    private static let longestSubject = 255
    private static let longestDescription = 32_000

    func sendTask(_ event: Event, _ id: String, _ keyField: String?, _ draft: inout Draft) async throws -> SentEvent {
        let contact = try await contactID(event.contact, &draft)
        fillTask(&draft, event, id, contact)
        if keyField == nil, connection.context.looksBeforeWrite, let earlier = try await earlierTask(event, id, contact) {
            return SentEvent(remoteID: earlier, isAcceptedOnly: false)
        }
        for _ in 0..<ContactWriter.maximumReductions {
            let call = taskCall(draft.values, id, keyField)
            switch try await connection.answer(call).checked(call, connection.context) {
            case .success(let response):
                return SentEvent(remoteID: try response.recordID(isIdempotent: call.isIdempotent), isAcceptedOnly: false)
            case .refused(let refusal):
                if refusal.has("DUPLICATE_VALUE"), keyField != nil, !draft.hasMetDuplicate {
                    draft.hasMetDuplicate = true
                } else {
                    guard draft.reduce(after: refusal) else { throw refusal.error }
                }
            }
        }
        throw CRMError(.invalidArgument, code: "salesforce.refused", message: "Salesforce refuses one value of the event after the other")
    }

    private func taskCall(_ values: JSONObject, _ id: String, _ keyField: String?) -> Call {
        if let keyField {
            return .upsert("Task", keyField, id, values)
        }
        var call = Call(.post, "/sobjects/Task", route: "/sobjects/{object}")
        call.isIdempotent = false
        call.body = .object(values)
        return call
    }

    func fillTask(_ draft: inout Draft, _ event: Event, _ id: String, _ contact: String) {
        draft.set("WhoId", .string(contact))
        if event.name.utf16.count > Self.longestSubject {
            draft.warn(
                "salesforce.too_long", "name",
                "a task's subject takes \(Self.longestSubject) characters; the whole name is in its description")
        }
        draft.set("Subject", .string(Self.subject(event)))
        draft.put("Status", .string(settings.taskStatus), "settings.task_status")
        draft.put("Priority", .string(settings.taskPriority), "settings.task_priority")
        // A day without a time: the exact time stands in the description.
        if let day = event.occurredAt.flatMap(SalesforceTime.day) { draft.put("ActivityDate", .string(day), "occurred_at") }
        var text = JSONValue.object(event.described(id, withProperties: true)).text
        if text.utf16.count > Self.longestDescription {
            text = JSONValue.object(event.described(id, withProperties: false)).text
            draft.warn(
                "salesforce.too_long", "properties",
                "a task's description takes \(Self.longestDescription) characters; the rest was written")
        }
        draft.put("Description", .string(text), "properties")
    }

    private static func subject(_ event: Event) -> String {
        var subject = event.name
        while subject.utf16.count > longestSubject { subject.removeLast() }
        return subject
    }

    func contactID(_ contact: Contact, _ draft: inout Draft) async throws -> String {
        try await ensure(contact, &draft)
    }

    /// The task of an earlier attempt. Descriptions cannot be searched for, so the event's id is compared here.
    private func earlierTask(_ event: Event, _ id: String, _ contact: String) async throws -> String? {
        var condition = "\(Query.equals("WhoId", contact)) AND \(Query.equals("Subject", Self.subject(event)))"
        if let day = event.occurredAt.flatMap(SalesforceTime.day) { condition += " AND ActivityDate = \(day)" }
        let query = Query(fields: ["Id", "Description"], object: "Task", condition: condition, order: "CreatedDate", limit: 200)
        return try await connection.rows(query).first { row in
            let description = row["Description"]?.stringValue.flatMap { try? JSONValue(parsing: $0) }
            return description?["event_id"]?.stringValue == id
        }?["Id"]?.stringValue
    }

    private var settings: Settings { connection.settings }
}

extension EventSender {
    /// Into the stream of those who listen: nothing of it stays, and the id that comes back identifies nothing.
    func publish(
        _ event: Event, _ object: String, _ description: ObjectDescription, _ id: String, _ draft: inout Draft
    ) async throws -> SentEvent {
        var values: [(EventField, JSONValue?)] = [
            (.uniqueID, .string(id)), (.name, .string(event.name)), (.occurredAt, event.occurredAt.map(JSONValue.string)),
            (.amount, event.value.map { .number($0.amount) }), (.currency, event.value.map { .string($0.currency) }),
            (.contact, (event.contact.externalID ?? event.contact.email ?? event.contact.phone).map(JSONValue.string)),
        ]
        var whole = event.described(id, withProperties: true)
        whole["contact"] = event.contact.json
        values.append((.payload, .string(JSONValue.object(whole).text)))
        // The payload holds everything: a field that the event's definition lacks costs nothing as long as it has that one.
        let isWhole = settings.eventFields[.payload].map { description[$0] != nil } ?? false
        for (field, value) in values {
            guard let value, let name = settings.eventFields[field], !isWhole || description[name] != nil else { continue }
            draft.add(value, name, field.place, description, isFinal: true)
        }
        for _ in 0..<ContactWriter.maximumReductions {
            var call = Call(.post, "/sobjects/\(object)/", route: "/sobjects/{object}")
            call.body = .object(draft.values)
            call.isIdempotent = false
            switch try await connection.answer(call).checked(call, connection.context) {
            case .success(let response):
                // What counts is `success`: its errors say OPERATION_ENQUEUED.
                guard response.json?["success"] == true else { throw CRMError.unreadable(isIdempotent: false) }
                return SentEvent(isAcceptedOnly: true)
            case .refused(let refusal):
                guard draft.reduce(after: refusal) else { throw refusal.error }
            }
        }
        throw CRMError(.invalidArgument, code: "salesforce.refused", message: "Salesforce refuses one value of the event after the other")
    }
}

extension Event {
    /// The event as JSON, for a field that takes text.
    fileprivate func described(_ id: String, withProperties: Bool) -> JSONObject {
        var members: JSONObject = ["event_id": .string(id), "name": .string(name)]
        members.set("occurred_at", occurredAt)
        if let value {
            members["value"] = .number(value.amount)
            members["currency"] = .string(value.currency)
        }
        if withProperties, !properties.isEmpty { members["properties"] = .object(properties) }
        return members
    }
}
