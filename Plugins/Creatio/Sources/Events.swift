internal import CRMPluginSDK

/// What we know about an event that the custom object has a column for.
enum EventField: String, CaseIterable, Sendable {
    case uniqueID = "unique_id"
    case name
    case occurredAt = "occurred_at"
    case amount
    case currency
    case properties
    case contact

    /// Where it is on an object made as the README says.
    var column: String {
        switch self {
        case .uniqueID: "UsrEventId"
        case .name: "UsrName"
        case .occurredAt: "UsrOccurredOn"
        case .amount: "UsrValue"
        case .currency: "UsrCurrency"
        case .properties: "UsrPayload"
        case .contact: "UsrContactId"
        }
    }

    /// The place in our event.
    var path: String {
        switch self {
        case .amount, .currency: "value.\(rawValue)"
        default: rawValue
        }
    }
}

extension Conversation {
    func send(_ event: Event, key: String) async throws -> SentEvent {
        let uniqueID = event.uniqueID ?? key
        guard !uniqueID.isEmpty else {
            throw CRMError(.invalidArgument, code: "creatio.no_unique_id", message: "an event needs a unique_id or an idempotency key")
        }
        let id = try await recorded(event, uniqueID)
        return SentEvent(remoteID: id.text, isAcceptedOnly: false)
    }

    private func recorded(_ event: Event, _ uniqueID: String) async throws -> GUID {
        switch settings.eventTarget {
        case .activity: try await activity(event, uniqueID)
        case .customObject: try await customRecord(event, uniqueID)
        case .automatic: try await whereThereIsRoom(event, uniqueID)
        }
    }

    /// An object may come and go while an administrator works on it, so whoever writes to one place looks into the other first: an event
    /// is one record, wherever its first attempt left it.
    private func whereThereIsRoom(_ event: Event, _ uniqueID: String) async throws -> GUID {
        let object = settings.eventObject
        // An earlier attempt may have found the object.
        if context.attempt > 1 || context.looksBeforeWrite { return try await asked(event, uniqueID) }
        if await !isKnownToBeMissing(object) { return try await asked(event, uniqueID) }
        return try await activityInstead(event, uniqueID)
    }

    private func asked(_ event: Event, _ uniqueID: String) async throws -> GUID {
        let object = settings.eventObject
        do {
            let id = try await customRecord(event, uniqueID) { try await optionalRecord("Activity", $0) }
            await remember(present: object)
            return id
        } catch let error as CRMError where error.code == CRMError.noObject {
            // While it is built the object is as good as missing: it gets the time that building takes, once.
            let isBelieved = await isKnownToBeMissing(object)
            let wasWaitedFor = await isKnownToExist(Self.wait(for: object))
            if error.flags.contains(.retryable), await isKnownToExist(object) || !(isBelieved || wasWaitedFor) { throw error }
            await remember(missing: object)
            await keep("present \(Self.wait(for: object))", [1], for: .seconds(86_400))
        } catch let error as CRMError where error.code == CRMError.noEventColumn {
            if let row = try await optionalRecord(object, try eventID(uniqueID)), let id = row.recordID { return id }
            await remember(missing: object)
        }
        return try await activityInstead(event, uniqueID)
    }

    private func activityInstead(_ event: Event, _ uniqueID: String) async throws -> GUID {
        let object = settings.eventObject
        warn("creatio.no_event_object", nil, "Creatio has no usable object \(object), so the event became an activity of the contact")
        return try await activity(event, uniqueID)
    }

    private static func wait(for object: String) -> String { "wait for \(object)" }

    /// `nil` too when this user may not read there, or when there is no such object.
    private func optionalRecord(_ entity: String, _ id: GUID) async throws -> JSONValue? {
        do {
            return try await record(entity, id, Page(entity))
        } catch let error as CRMError
            where error.status == .permissionDenied || error.status == .invalidArgument || error.code == CRMError.noObject
        {
            return nil
        }
    }
}

// MARK: - The custom object

extension Conversation {
    /// `elsewhere` looks where the event may have been left before.
    private func customRecord(
        _ event: Event, _ uniqueID: String, elsewhere: (GUID) async throws -> JSONValue? = { _ in nil }
    ) async throws -> GUID {
        let object = settings.eventObject
        let key = settings.column(.uniqueID)
        let readBack = { () async throws -> JSONValue? in
            try await rows(Page(object, .equals(key, uniqueID), select: [key])).first {
                $0[key]?.stringValue == uniqueID && $0.recordID != nil
            }
        }
        do {
            if let id = try await readBack()?.recordID { return id }
        } catch let error as CRMError where error.status == .invalidArgument && error.columns.contains(key) {
            throw CRMError(
                .invalidArgument, code: CRMError.noEventColumn,
                message: "\(object) has no column \(key): make it in Creatio, or name another in settings.event_fields.unique_id")
        }
        if let id = try await elsewhere(try eventID(uniqueID))?.recordID { return id }
        let contact = try await reference(to: event.contact)
        return try await insertEvent(customColumns(event, uniqueID, contact), into: object, uniqueID) { _ in try await readBack() }
    }

    private func customColumns(_ event: Event, _ uniqueID: String, _ contact: GUID) -> Record {
        var record = Record()
        let set = { (record: inout Record, field: EventField, value: JSONValue?) in
            let isKey = field == .uniqueID || field == .contact
            record.set(settings.column(field), value, field.path, isEssential: isKey)
        }
        set(&record, .uniqueID, .string(uniqueID))
        set(&record, .name, .string(event.name))
        set(&record, .occurredAt, event.occurredAt.map(JSONValue.string))
        set(&record, .amount, (event.value?.amount).map(JSONValue.number))
        set(&record, .currency, (event.value?.currency).map(JSONValue.string))
        set(&record, .properties, event.properties.isEmpty ? nil : .string(JSONValue.object(event.properties).text))
        set(&record, .contact, .string(contact.text))
        return record
    }
}

// MARK: - Activities

extension Conversation {
    private func activity(_ event: Event, _ uniqueID: String) async throws -> GUID {
        let id = try eventID(uniqueID)
        // An activity has no column for our id, so it is known by its own.
        let readBack = { () async throws -> JSONValue? in try await record("Activity", id, Page("Activity")) }
        if try await readBack() != nil { return id }
        let contact = try await reference(to: event.contact)
        return try await insertEvent(activityColumns(event, uniqueID, contact), into: "Activity", uniqueID) { _ in try await readBack() }
    }

    private func activityColumns(_ event: Event, _ uniqueID: String, _ contact: GUID) -> Record {
        var payload: JSONObject = ["event_id": .string(uniqueID)]
        payload.set("value", (event.value?.amount).map(JSONValue.number))
        payload.set("currency", event.value?.currency)
        if !event.properties.isEmpty { payload["properties"] = .object(event.properties) }
        let time = event.occurredAt.map(JSONValue.string)
        var record = Record()
        record.set("Title", .string(event.name), "name", isEssential: true)
        record.set("TypeId", .string(settings.activityType), "activity_type_id")
        record.set("ActivityCategoryId", settings.activityCategory.map(JSONValue.string), "activity_category_id")
        record.set("StatusId", settings.activityStatus.map(JSONValue.string), "activity_status_id")
        record.set("ContactId", .string(contact.text), "contact", isEssential: true)
        record.set("StartDate", time, "occurred_at")
        record.set("DueDate", time, "occurred_at")
        record.set("DetailedResult", .string(JSONValue.object(payload).text), "properties")
        return record
    }
}

extension Conversation {
    private func eventID(_ uniqueID: String) throws(CRMError) -> GUID { try id(of: "event \(uniqueID)") }

    private func insertEvent(
        _ columns: Record, into entity: String, _ uniqueID: String, readBack: (CRMError) async throws -> JSONValue?
    ) async throws -> GUID {
        var record = columns
        record.set("Id", .string(try eventID(uniqueID).text), "remote_id", isEssential: true)
        switch try await insert(record, into: entity, readBack: readBack) {
        case (.new(let id), let rest):
            try await update(entity, id, rest, isRest: true)
            return id
        case (.found(let row, _), _):
            // Whichever attempt wrote it, it was the same event.
            guard let id = row.recordID else { throw CRMError.noContact }
            return id
        }
    }
}

extension CRMError {
    static let noEventColumn = "creatio.no_event_column"
}
