package import CRMPluginSDK

extension SalesforceProvider {
    package func sendEvent(_ event: Event, _ context: OperationContext) async throws -> SentEvent {
        let connection = try Connection(self, context)
        let sender = try await EventSender(connection)
        var draft = Draft(object: sender.target.object)
        defer { for warning in draft.warnings { context.warn(warning) } }
        return try await sender.send(event, key: context.idempotencyKey, &draft)
    }
}

/// Records events in one org, in the place that the settings choose.
struct EventSender {
    enum Target {
        /// `key`: the field that makes a repeated event the same record.
        case customObject(String, ObjectDescription, key: String)
        case task(key: String?)
        case platformEvent(String, ObjectDescription)

        var object: String {
            switch self {
            case .customObject(let name, _, _), .platformEvent(let name, _): name
            case .task: "Task"
            }
        }
    }

    let connection: Connection
    let writer: ContactWriter
    let target: Target

    private var context: OperationContext { connection.context }
    private var settings: Settings { connection.settings }

    init(_ connection: Connection) async throws {
        self.connection = connection
        writer = ContactWriter(connection, try await connection.contactDescription())
        target = try await Self.target(connection)
    }

    /// As chosen; by default the custom object where the org has it, else a task, which needs nothing set up.
    private static func target(_ connection: Connection) async throws -> Target {
        let settings = connection.settings
        switch settings.eventTarget {
        case .task: return .task(key: settings.taskKeyField)
        case .platformEvent:
            guard let description = try await connection.description(of: settings.platformEvent) else {
                throw CRMError.noEventObject(settings.platformEvent)
            }
            return .platformEvent(settings.platformEvent, description)
        case .customObject, nil:
            let description = try await connection.description(of: settings.eventObject)
            // Only now as the org spells it.
            let key = connection.settings.eventFields[.uniqueID] ?? "External_Id__c"
            guard let description, description.key(key) != nil else {
                guard settings.eventTarget == nil else { throw CRMError.noEventObject(settings.eventObject) }
                return .task(key: settings.taskKeyField)
            }
            return .customObject(settings.eventObject, description, key: key)
        }
    }

    func send(_ event: Event, key: String, _ draft: inout Draft) async throws -> SentEvent {
        let id = try uniqueID(event, key)
        switch target {
        case .customObject(let object, let description, let keyField):
            return try await upsert(event, object, description, keyField, id, &draft)
        case .task(let keyField): return try await sendTask(event, id, keyField, &draft)
        case .platformEvent(let object, let description): return try await publish(event, object, description, id, &draft)
        }
    }

    func uniqueID(_ event: Event, _ key: String) throws(CRMError) -> String {
        let id = event.uniqueID ?? key
        guard !id.isEmpty else {
            throw CRMError(.invalidArgument, code: "salesforce.no_unique_id", message: "an event needs a unique_id or an idempotency key")
        }
        if let time = event.occurredAt, SalesforceTime.day(time) == nil {
            throw CRMError(
                .invalidArgument, code: "salesforce.bad_time", message: "occurred_at is not a time such as 2026-11-01T10:00:00Z",
                details: ["pointer": "/event/occurred_at"])
        }
        return id
    }
}

extension EventSender {
    /// How a record of an event names the contact.
    enum Link {
        /// By the contact's own key, which saves finding out its id.
        case key(String)
        case id(String)
    }

    private func upsert(
        _ event: Event, _ object: String, _ description: ObjectDescription, _ keyField: String, _ id: String, _ draft: inout Draft
    ) async throws -> SentEvent {
        fill(&draft, event, description)
        var link = try await link(event.contact, &draft)
        draft.link(link, description, settings, writer.keyField)
        let key = Self.key(id, description[keyField])
        for _ in 0..<ContactWriter.maximumReductions {
            let call = Call.upsert(object, keyField, key, draft.values)
            switch try await connection.answer(call).checked(call, context) {
            case .success(let response): return SentEvent(remoteID: try response.recordID(isIdempotent: true), isAcceptedOnly: false)
            case .refused(let refusal):
                if case .key = link, refusal.isAbout(link: settings.eventFields[.contact], description) {
                    link = .id(try await ensure(event.contact, &draft))
                    draft.link(link, description, settings, writer.keyField)
                } else if refusal.has("DUPLICATE_VALUE"), !draft.hasMetDuplicate {
                    draft.hasMetDuplicate = true
                } else {
                    if refusal.has("INVALID_FIELD") { await connection.forgetDescription(of: object) }
                    guard draft.reduce(after: refusal) else { throw refusal.error }
                }
            }
        }
        throw CRMError(.invalidArgument, code: "salesforce.refused", message: "Salesforce refuses one value of the event after the other")
    }

    /// The fields of a custom object but those that name the event and the contact.
    func fill(_ draft: inout Draft, _ event: Event, _ description: ObjectDescription) {
        let values: [(EventField, JSONValue?)] = [
            (.name, .string(event.name)), (.occurredAt, event.occurredAt.map(JSONValue.string)),
            (.amount, event.value.map { .number($0.amount) }), (.currency, event.value.map { .string($0.currency) }),
            (.payload, event.properties.isEmpty ? nil : .string(JSONValue.object(event.properties).text)),
        ]
        for (field, value) in values {
            guard let value, let name = settings.eventFields[field] else { continue }
            draft.add(value, name, field.place, description)
        }
    }

    /// As long as the field takes; a longer one by what cannot be mistaken for another.
    static func key(_ id: String, _ field: ObjectDescription.Field?) -> String {
        guard let field, field.length > 0, id.utf16.count > field.length else { return id }
        return UUIDv5(namespace: .url, name: id).description
    }

    func link(_ contact: Contact, _ draft: inout Draft) async throws -> Link {
        if let key = contact.externalID, writer.keyField != nil { return .key(key) }
        return .id(try await ensure(contact, &draft))
    }

    /// The id of the contact, who is made when there is none. One that is there is left as it is: an event is no news about the person.
    func ensure(_ contact: Contact, _ draft: inout Draft) async throws -> String {
        if let id = try await writer.known(contact, &draft) { return id }
        var newcomer = writer.draft(contact)
        let id = try await writer.make(contact, &newcomer)
        for warning in newcomer.warnings { draft.warn(warning.code, warning.field.map { "contact.\($0)" }, warning.detail) }
        return id
    }
}

extension Draft {
    /// Replaces an earlier link.
    mutating func link(_ link: EventSender.Link, _ description: ObjectDescription, _ settings: Settings, _ keyField: String?) {
        guard let name = settings.eventFields[.contact], let field = description[name], field.isCreateable else {
            return warn("salesforce.event_not_linked", "contact", "the event's object has no field that this user may link a contact with")
        }
        let relation = field.relationship ?? (name.hasSuffix("__c") ? "\(name.dropLast(3))__r" : name)
        unset(relation)
        switch link {
        case .key(let key): if let keyField { set(relation, [keyField: .string(key)]) }
        case .id(let id): set(name, .string(id))
        }
        // A link that is for ever: a new record needs it, and one that is there is refused it and has it already.
        if !field.isUpdateable { mayLeaveOut(relation, name, place: "contact") }
    }
}

extension HTTPResponse {
    /// Of the record that was written; `nil` where Salesforce answers an update without a body.
    func recordID(isIdempotent: Bool) throws(CRMError) -> String? {
        if status == 204 { return nil }
        guard let id = record?["id"]?.stringValue else { throw .unreadable(isIdempotent: isIdempotent) }
        return id
    }
}

extension Refusal {
    /// The contact that a record names by key is not there, or cannot be named so.
    func isAbout(link name: String?, _ description: ObjectDescription) -> Bool {
        let relation = name.flatMap { description[$0]?.relationship }
        let names = Set([name, relation].compactMap { $0?.lowercased() })
        return errors.contains { error in
            guard ["INVALID_FIELD", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"].contains(error.code) else { return false }
            let text = error.message.lowercased()
            return (text.contains("foreign key external id") && text.contains("not found"))
                || error.fields.contains { names.contains($0.lowercased()) }
        }
    }
}

extension CRMError {
    static func noEventObject(_ name: String) -> CRMError {
        CRMError(
            .permissionDenied, code: "salesforce.object_unknown",
            message: "the org has no \(name) with an external id field for events, or hides it from this user")
    }
}
