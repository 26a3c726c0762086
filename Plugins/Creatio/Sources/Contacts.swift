internal import CRMPluginSDK

extension Conversation {
    func createOrUpdate(_ contact: Contact) async throws -> WrittenContact {
        if let (id, changes) = try await changes(of: contact) {
            try await updateContact(id, changes)
            return WrittenContact(remoteID: id.text, isNew: false)
        }
        let record = try await record(of: contact, isNew: true)
        switch try await insertContact(contact, record) {
        case (.new(let id), let rest):
            try await updateContact(id, rest, isRest: true)
            return WrittenContact(remoteID: id.text, isNew: true)
        case (.found(let row, let isKnownOld), var rest):
            guard let id = row.recordID else { throw CRMError.noContact }
            keepWithdrawals(&rest, row)
            if !rest.agrees(with: row) { try await updateContact(id, rest) }
            return WrittenContact(remoteID: id.text, isNew: isKnownOld ? false : nil)
        }
    }

    /// The contact that something is about: made when there is none, otherwise left as it is.
    func reference(to contact: Contact) async throws -> GUID {
        if let id = try await find(contact)?.row.recordID { return id }
        switch try await insertContact(contact, try await record(of: contact, isNew: true)) {
        case (.new(let id), let rest):
            try await updateContact(id, rest, isRest: true)
            return id
        case (.found(let row, _), _):
            guard let id = row.recordID else { throw CRMError.noContact }
            return id
        }
    }

    /// What is to be written to the contact that is there; `nil` when there is none.
    private func changes(of contact: Contact) async throws -> (GUID, Record)? {
        guard let found = try await find(contact), let id = found.row.recordID else { return nil }
        var changes = try await record(of: contact, isNew: false)
        keepWithdrawals(&changes, nil)
        let address = settings.column(.email)
        if found.isByFurtherAddress, found.row.present(address) != nil {
            changes.leaveOut(address)
            warn("creatio.primary_address_kept", "email", "it is a further address of this contact, whose first one stays as it is")
        }
        return (id, changes)
    }

    /// That somebody consented once is no reason to undo an objection which may have been made since, and in Creatio itself.
    private func keepWithdrawals(_ changes: inout Record, _ row: JSONValue?) {
        guard !settings.overwritesOptOut else { return }
        for field in [ContactField.emailMarketing, .smsMarketing] {
            let column = settings.column(field)
            guard changes.columns[column] == false, row?[column] != false else { continue }
            changes.leaveOut(column)
            warn(
                "creatio.withdrawal_kept", field.path,
                "a consent does not take back an objection in \(column) of a known contact; settings.overwrite_opt_out allows it")
        }
    }

    private func insertContact(_ contact: Contact, _ record: Record) async throws -> (Inserted, rest: Record) {
        var record = record
        let id = try id(of: try await identity(contact))
        record.set("Id", .string(id.text), "remote_id", isEssential: true)
        return try await insert(record, into: "Contact") { error in
            if let row = try await self.record("Contact", id) { return row }
            // Something else than the id may be taken, and the site may have given the contact an id of its own.
            let mayHaveAnother = error.code == CRMError.duplicate ? true : await !keepsOurIDs
            guard mayHaveAnother, let found = try await find(contact), !found.isByFurtherAddress, let other = found.row.recordID else {
                return nil
            }
            return try await self.record("Contact", other)
        }
    }

    private func updateContact(_ id: GUID, _ changes: Record, isRest: Bool = false) async throws {
        do {
            try await update("Contact", id, changes, isRest: isRest)
        } catch let error as CRMError where error.status == .notFound {
            throw CRMError(
                .unavailable, code: "creatio.contact_vanished", message: "the contact was deleted in Creatio at this moment",
                flags: .retryable)
        }
    }

    /// What a contact is known by: the strongest that the site can hold.
    private func identity(_ contact: Contact) async throws -> String {
        if let id = contact.externalID, await hasExternalIDColumn { return "contact external_id \(id)" }
        if let email = contact.email { return "contact email \(email.lowercased())" }
        guard let phone = contact.phone else { throw CRMError.noExternalIDColumn(settings.column(.externalID)) }
        return "contact phone \(phone)"
    }
}

extension Conversation {
    private func record(of contact: Contact, isNew: Bool) async throws -> Record {
        var record = Record()
        if isNew {
            let name = contact.fullName ?? contact.email ?? contact.externalID ?? contact.phone
            record.set("Name", name.map(JSONValue.string), "name", isEssential: true)
        } else if contact.firstName != nil, contact.lastName != nil {
            record.set("Name", contact.fullName.map(JSONValue.string), "name")
        }
        if let line = contact.address?.line2, !line.isEmpty, contact.address?.line1 == nil {
            warn("creatio.partial_address", "address.line2", "Creatio has one column for both lines, so the second is not written alone")
        }
        let key = await keyField(contact)
        for field in ContactField.allCases {
            guard let text = contact.text(field) else { continue }
            if field == .externalID, await !hasExternalIDColumn { continue }
            let column = settings.column(field)
            if let lookup = settings.lookup(field) {
                record.set(column, try await entry(text, of: lookup, field).map { .string($0.text) }, field.path)
            } else {
                record.set(column, .string(text), field.path, isEssential: isNew && field == key)
            }
        }
        add(contact.emailMarketing, .emailMarketing, to: &record)
        add(contact.smsMarketing, .smsMarketing, to: &record)
        for (name, value) in contact.properties {
            guard let column = settings.column(ofProperty: name) else {
                warn("creatio.unmapped_property", "properties.\(name)", "settings.properties names no column for it; the rest was written")
                continue
            }
            record.set(column, value.asColumn, "properties.\(name)")
        }
        return record
    }

    private func keyField(_ contact: Contact) async -> ContactField {
        if contact.externalID != nil, await hasExternalIDColumn { return .externalID }
        return contact.email != nil ? .email : .phone
    }

    /// Creatio keeps who must not be written to, and not since when or why.
    private func add(_ consent: Contact.Consent?, _ field: ContactField, to record: inout Record) {
        guard let consent else { return }
        record.set(settings.column(field), .bool(consent.state == .withdrawn), field.path)
        if consent.at != nil || consent.source != nil {
            warn("creatio.consent_details", field.path, "Creatio keeps the decision, but not its time and its source")
        }
    }

    /// The entry of a list that has this name; nothing is added to a merchant's lists.
    private func entry(_ text: String, of lookup: Lookup, _ field: ContactField) async throws -> GUID? {
        guard !text.isEmpty else { return nil }
        let key = "lookup \(lookup.entity) \(text)"
        let id: GUID?
        if let kept = await context.cache.look(key) {
            id = GUID(String(decoding: kept, as: UTF8.self))
        } else {
            id = try await search(text, lookup)
            await keep(key, Array((id?.text ?? "none").utf8), for: id == nil ? .seconds(300) : .seconds(3600))
        }
        if id == nil {
            warn("creatio.no_lookup_entry", field.path, "\(lookup.entity) has no single entry of this name; the rest was written")
        }
        return id
    }

    private func search(_ text: String, _ lookup: Lookup) async throws -> GUID? {
        let page = Page(lookup.entity, .equals(lookup.key, text), select: [lookup.key], top: 2)
        let rows = try await optionalRows(page).filter { $0[lookup.key]?.stringValue?.lowercased() == text.lowercased() }
        return rows.count == 1 ? rows.first?.recordID : nil
    }
}

extension JSONValue {
    /// Columns are scalar: a list or an object is written as its JSON.
    fileprivate var asColumn: JSONValue {
        switch self {
        case .array, .object: .string(text)
        default: self
        }
    }
}
