import CRMCore

/// What came of writing one record.
struct SalesforceOutcome {
    var id: SalesforceID
    var isNew: Bool
    var effect: Effect
    /// An event that was published says so among its errors, although there is none.
    var receipt: String?

    func result(showsCreated: Bool) -> JSONValue {
        var members: JSONObject = ["id": .string(id.text), "success": true, "errors": []]
        if let receipt { members["errors"] = [["statusCode": "OPERATION_ENQUEUED", "message": .string(receipt), "fields": []]] }
        if showsCreated { members["created"] = .bool(isNew) }
        return .object(members)
    }
}

extension SalesforceCall {
    func insert(_ object: SalesforceObject, _ body: JSONObject, allowsDuplicates: Bool) throws(SalesforceRefusal) -> SalesforceOutcome {
        guard object.isWritable else { throw Self.noAccess }
        var row = try values(of: body, for: object, isNew: true)
        for field in object.fields where row[field.name] == nil && !field.initial.isNull { row[field.name] = field.initial }
        try check(row, of: object, id: nil, allowsDuplicates: allowsDuplicates)
        if object.isEvent { return publish(row, object) }
        let id = nextID(of: object)
        row.merge(stamps(isNew: true)) { $1 }
        row["Id"] = .string(id.text)
        complete(&row, of: object, id: id)
        org.tables[object.name]?.insert(row, id)
        return SalesforceOutcome(id: id, isNew: true, effect: effect(row, object, isNew: true))
    }

    func change(
        _ object: SalesforceObject, _ id: SalesforceID, _ body: JSONObject, allowsDuplicates: Bool
    ) throws(SalesforceRefusal) -> SalesforceOutcome {
        guard object.isWritable else { throw Self.noAccess }
        var changes = try values(of: body, for: object, isNew: false)
        let old = org.row(id, of: object.name) ?? [:]
        try check(old.merging(changes) { $1 }, of: object, id: id, allowsDuplicates: allowsDuplicates)
        changes.merge(stamps(isNew: false)) { $1 }
        var row = old.merging(changes) { $1 }
        complete(&row, of: object, id: id)
        org.tables[object.name]?.update(id, with: row)
        return SalesforceOutcome(id: id, isNew: false, effect: effect(row, object, isNew: false))
    }

    func upsert(
        _ object: SalesforceObject, _ field: SalesforceField, _ value: String, _ body: JSONObject, allowsDuplicates: Bool,
        updateOnly: Bool = false
    ) throws(SalesforceRefusal) -> SalesforceOutcome {
        if let id = try recordIfAny(object, field, value) { return try change(object, id, body, allowsDuplicates: allowsDuplicates) }
        guard !updateOnly else { throw .notFound }
        var body = body
        body[field.name] = .string(value)
        return try insert(object, body, allowsDuplicates: allowsDuplicates)
    }

    private func publish(_ row: SalesforceTable.Row, _ object: SalesforceObject) -> SalesforceOutcome {
        org.published += 1
        let digits = String(serials.next(), radix: 16)
        return SalesforceOutcome(
            id: nextID(of: object), isNew: true, effect: effect(row, object, isNew: true),
            receipt: "00000000-0000-4000-9000-" + String(repeating: "0", count: 12 - digits.count) + digits)
    }

    // MARK: Reading the body

    /// The columns that the body names, each with a value of its type.
    private func values(of body: JSONObject, for object: SalesforceObject, isNew: Bool) throws(SalesforceRefusal) -> SalesforceTable.Row {
        var row: SalesforceTable.Row = [:]
        for (name, value) in body where name != "attributes" {
            if let field = object.field(name) {
                row[field.name] = try field.typed(value)
            } else if let field = object.reference(through: name) {
                row[field.name] = try parent(value, of: field)
            } else {
                throw .noColumn(name, of: object.name)
            }
        }
        let locked = row.keys.filter { name in
            guard let field = object.field(name) else { return false }
            return !(isNew ? field.isCreateable : field.isUpdateable) || org.isHidden(field, of: object)
        }
        guard locked.isEmpty else {
            throw SalesforceRefusal(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                "Unable to create/update fields: \(locked.sorted().joined(separator: ", ")). The fields are read-only or hidden for this user.",
                fields: locked.sorted())
        }
        return row
    }

    /// `{"External_Id__c": "user-1"}` in place of an id.
    private func parent(_ value: JSONValue, of field: SalesforceField) throws(SalesforceRefusal) -> JSONValue {
        if value.isNull { return .null }
        let members = (value.objectValue ?? [:]).filter { $0.key != "attributes" }
        guard let (name, key) = members.first, members.count == 1, let text = key.stringValue,
            let object = (field.relationship?.targets ?? []).compactMap({ org.object($0) }).first(where: { $0.field(name) != nil }),
            let column = object.field(name), column.isExternalID
        else { throw .unreadable("A parent is named by one external id of its object, in \(field.relationship?.name ?? field.name)") }
        guard let id = try recordIfAny(object, column, text) else {
            throw SalesforceRefusal(
                "INVALID_FIELD", "Foreign key external ID: \(text) not found for field \(column.name) in entity \(object.name)")
        }
        return .string(id.text)
    }

    // MARK: What the service fills in

    private func stamps(isNew: Bool) -> SalesforceTable.Row {
        let time = JSONValue.string(SalesforceTime.text(now))
        var stamps: SalesforceTable.Row = ["LastModifiedDate": time, "SystemModstamp": time]
        if isNew {
            stamps["CreatedDate"] = time
            stamps["CreatedById"] = .string(org.userID.text)
        }
        return stamps
    }

    private func complete(_ row: inout SalesforceTable.Row, of object: SalesforceObject, id: SalesforceID) {
        if object.field("OwnerId") != nil, (row["OwnerId"] ?? .null).isNull { row["OwnerId"] = .string(org.userID.text) }
        switch object.name {
        case "Contact":
            row["Name"] = .string([row["FirstName"], row["LastName"]].compactMap { $0?.stringValue }.joined(separator: " "))
        case "CRM_Event__c": row["Name"] = .string("E-\(id.short.suffix(9))")
        default: break
        }
        // A short id and a long one are the same.
        for field in object.fields where field.relationship != nil {
            if let text = row[field.name]?.stringValue, let id = SalesforceID(text) { row[field.name] = .string(id.text) }
        }
    }

    // MARK: For the journal

    private func effect(_ row: SalesforceTable.Row, _ object: SalesforceObject, isNew: Bool) -> Effect {
        switch object.name {
        case "Contact": return Effect(kind: isNew ? .contactCreated : .contactUpdated, email: row["Email"]?.stringValue)
        case "CRM_Event__c", "CRM_Event__e":
            return Effect(
                kind: isNew ? .eventRecorded : .eventDuplicate, email: email(of: row["Contact__c"]), metric: row["Name__c"]?.stringValue,
                uniqueID: row["External_Id__c"]?.stringValue)
        case "Task":
            let details = row["Description"]?.stringValue.flatMap { try? JSONValue(parsing: $0) }
            return Effect(
                kind: isNew ? .eventRecorded : .none, email: email(of: row["WhoId"]), metric: row["Subject"]?.stringValue,
                uniqueID: details?["event_id"]?.stringValue)
        default: return Effect(kind: .none)
        }
    }

    private func email(of contact: JSONValue?) -> String? {
        guard let id = contact?.stringValue.flatMap({ SalesforceID($0) }) else { return nil }
        return org.row(id, of: "Contact")?["Email"]?.stringValue
    }
}
