package import CRMPluginSDK

extension SalesforceProvider {
    package func createOrUpdateContact(_ contact: Contact, _ context: OperationContext) async throws -> WrittenContact {
        let connection = try Connection(self, context)
        let writer = ContactWriter(connection, try await connection.contactDescription())
        var draft = writer.draft(contact)
        defer { for warning in draft.warnings { context.warn(warning) } }
        return try await writer.write(contact, &draft)
    }
}

/// What tells a contact from others where it has no external id: its address, else its phone.
struct Handle {
    let field: String
    let value: String
    /// The external id that a contact gets which is known by nothing else. It holds no dot: in a path what follows one may be taken for
    /// a file's ending.
    let derivedKey: String

    init?(_ contact: Contact, _ settings: Settings) {
        if let email = contact.email, let field = settings.fields[.email] {
            self.init(field: field, value: email, key: "\(Self.emailPrefix)\(email.lowercased())")
        } else if let phone = contact.phone, let field = settings.fields[.phone] {
            self.init(field: field, value: phone, key: "\(Self.phonePrefix)\(phone)")
        } else {
            return nil
        }
    }

    private init(field: String, value: String, key: String) {
        self.field = field
        self.value = value
        derivedKey = String(key.map { $0 == "." ? "," : $0 })
    }

    private static let emailPrefix = "email:"
    private static let phonePrefix = "phone:"

    /// Whether a key is one that we made.
    static func isDerived(_ key: String) -> Bool { key.hasPrefix(emailPrefix) || key.hasPrefix(phonePrefix) }
}

/// A record that a look-up found.
struct Match {
    let id: String
    let key: String?
}

/// Creates and updates contacts of one org.
struct ContactWriter {
    static let maximumReductions = 6
    /// For those who looked before a record was taken and come after.
    private static let adoptionTime = Duration.seconds(30)

    let connection: Connection
    let description: ObjectDescription
    /// The field that upserts name; `nil` when the org has none.
    let keyField: String?

    var settings: Settings { connection.settings }

    init(_ connection: Connection, _ description: ObjectDescription) {
        self.connection = connection
        self.description = description
        keyField = description.key(connection.settings.keyField) == nil ? nil : connection.settings.keyField
    }

    func draft(_ contact: Contact) -> Draft { Draft(contact, settings, description) }

    /// By the key where there is one, atomic in Salesforce. A contact that is known by its address only is looked up first, and made
    /// under a key derived from the address, so that two at once make one record.
    func write(_ contact: Contact, _ draft: inout Draft) async throws -> WrittenContact {
        let written = try await place(contact, &draft)
        if written.isNew != true { draft.keepWithdrawals() }
        return written
    }

    private func place(_ contact: Contact, _ draft: inout Draft) async throws -> WrittenContact {
        guard let keyField else { return try await writeWithoutKey(contact, &draft) }
        let handle = Handle(contact, settings)
        guard let key = contact.externalID else { return try await write(handle, &draft) }
        try checkLength(of: key)
        guard let handle else { return try await upsert(keyField, key, &draft) }
        if let written = try await upsert(keyField, key, &draft, updateOnly: true) { return written }
        // New under this key; but perhaps known from the time when nobody had told us the key.
        if let match = try await adoptable(handle), let written = try await adopt(match, key, keyField, handle, &draft) { return written }
        draft.completeName()
        return try await upsert(keyField, key, &draft)
    }

    /// Two that come at once with different keys and one address find the same record: one of them takes it, the other waits and is told.
    /// `nil` when the record is somebody else's by now.
    private func adopt(
        _ match: Match, _ key: String, _ keyField: String, _ handle: Handle, _ draft: inout Draft
    ) async throws -> WrittenContact? {
        var written: WrittenContact?
        do {
            _ = try await connection.context.cache.value("adoption:\(match.id)") {
                let query = Query(fields: ["Id", keyField], condition: Query.equals("Id", match.id), limit: 2)
                let now = try await connection.rows(query).compactMap { Match($0, keyField) }.first { $0.id == match.id }
                guard let now, now.key == nil || now.key == handle.derivedKey else {
                    return SessionCache.Made(Array((now?.key ?? "").utf8), timeToLive: .zero)
                }
                var adopted = draft
                adopted.set(keyField, .string(key))
                written = try await update(match.id, &adopted, headers: duplicateRuleHeaders)
                draft = adopted
                return SessionCache.Made(Array(key.utf8), timeToLive: Self.adoptionTime)
            }
        } catch let error as CRMError where error.code == "salesforce.duplicate_value" {
            // Somebody else has made or adopted the record meanwhile.
        }
        return written
    }

    private func write(_ handle: Handle?, _ draft: inout Draft) async throws -> WrittenContact {
        guard let handle, let keyField else { throw CRMError.noIdentifier }
        if let match = try await find(handle, &draft) { return try await update(match.id, &draft) }
        draft.completeName()
        guard let key = derivedKey(handle) else { return try await create(&draft) }
        return try await upsert(keyField, key, &draft)
    }

    /// Nothing but looking first: who writes at the same moment makes a second contact.
    private func writeWithoutKey(_ contact: Contact, _ draft: inout Draft) async throws -> WrittenContact {
        guard let handle = Handle(contact, settings) else {
            throw missingIdentifier(contact)
        }
        draft.warn(
            "salesforce.no_external_id_field", contact.externalID == nil ? nil : "external_id",
            "Contact has no external id field \(settings.keyField): the contact was looked up, and two writes at once may make two")
        if let match = try await find(handle, &draft) { return try await update(match.id, &draft) }
        draft.completeName()
        return try await create(&draft)
    }

    private func missingIdentifier(_ contact: Contact) -> CRMError {
        guard contact.externalID != nil else { return .noIdentifier }
        return CRMError(
            .invalidArgument, code: "salesforce.no_external_id_field",
            message: "Contact has no external id field \(settings.keyField), and the contact has neither email nor phone")
    }

    /// `nil` where the settings or the field leave no room for derived keys.
    func derivedKey(_ handle: Handle) -> String? {
        guard settings.derivesKeys, let keyField, let field = description.key(keyField), field.isText,
            field.length == 0 || handle.derivedKey.utf16.count <= field.length
        else { return nil }
        return handle.derivedKey
    }

    func checkLength(of key: String) throws(CRMError) {
        guard let keyField, let field = description.key(keyField), field.isText, field.length > 0, key.utf16.count > field.length else {
            return
        }
        throw CRMError(
            .invalidArgument, code: "salesforce.too_long", message: "the external_id is longer than the field \(keyField) takes",
            details: ["pointer": "/contact/external_id"])
    }
}

extension ContactWriter {
    /// The oldest record that has this address or phone.
    func find(_ handle: Handle, _ draft: inout Draft) async throws -> Match? {
        let matches = try await matches(handle, limit: 2)
        if matches.count > 1 {
            draft.warn(
                "salesforce.several_contacts", handle.field == settings.fields[.email] ? "email" : "phone",
                "several contacts have it: the oldest was taken")
        }
        return matches.first
    }

    /// A record that nobody has given a key, or that has the one which we derive.
    private func adoptable(_ handle: Handle) async throws -> Match? {
        let matches = try await matches(handle, limit: 20)
        return matches.first { $0.key == handle.derivedKey }
            ?? (handle.field == settings.fields[.email] ? matches.first { $0.key == nil } : nil)
    }

    private func matches(_ handle: Handle, limit: Int) async throws -> [Match] {
        guard description[handle.field] != nil else { return [] }
        let query = Query(
            fields: ["Id", keyField].compactMap(\.self), condition: Query.equals(handle.field, handle.value), order: "CreatedDate",
            limit: limit)
        return try await connection.rows(query).compactMap { Match($0, keyField) }
    }

    /// The id of the record that has this key.
    func id(ofKey key: String) async throws -> String? {
        guard let keyField else { return nil }
        let query = Query(fields: ["Id"], condition: Query.equals(keyField, key), limit: 1)
        return try await connection.rows(query).first?["Id"]?.stringValue
    }
}

extension Match {
    init?(_ row: JSONValue, _ keyField: String?) {
        guard let id = row["Id"]?.stringValue else { return nil }
        self.init(id: id, key: keyField.flatMap { row.field($0)?.stringValue }.flatMap { $0.isEmpty ? nil : $0 })
    }
}

/// For those who need a contact and bring no news about it.
extension ContactWriter {
    /// The id of a record that is there, which is left as it is.
    func known(_ contact: Contact, _ draft: inout Draft) async throws -> String? {
        let handle = Handle(contact, settings)
        guard keyField != nil, let key = contact.externalID else {
            guard let handle else { throw missingIdentifier(contact) }
            return try await find(handle, &draft)?.id
        }
        try checkLength(of: key)
        if let id = try await id(ofKey: key) { return id }
        guard let handle else { return nil }
        return try await adoptable(handle)?.id
    }

    /// The id of a new record; of another that has come between.
    func make(_ contact: Contact, _ draft: inout Draft) async throws -> String {
        draft.completeName()
        guard let keyField, let key = contact.externalID ?? Handle(contact, settings).flatMap(derivedKey) else {
            return try await create(&draft).remoteID
        }
        draft.set(keyField, .string(key))
        do {
            return try await create(&draft, hasKey: true).remoteID
        } catch let error as CRMError where error.code == "salesforce.duplicate_value" {
            guard let id = try await id(ofKey: key) else { throw error }
            return id
        }
    }
}

extension ContactWriter {
    private func upsert(_ field: String, _ key: String, _ draft: inout Draft) async throws -> WrittenContact {
        guard let written = try await upsert(field, key, &draft, updateOnly: false) else { throw CRMError.noContact }
        return written
    }

    /// `nil` when there is no such record and none may be made.
    private func upsert(_ field: String, _ key: String, _ draft: inout Draft, updateOnly: Bool) async throws -> WrittenContact? {
        if updateOnly, key.contains(".") {
            guard let id = try await id(ofKey: key) else { return nil }
            return try await update(id, &draft, headers: duplicateRuleHeaders)
        }
        let answer = try await sending(&draft) { values in
            var call = Call.upsert("Contact", field, key, values)
            call.query = updateOnly ? "updateOnly=true" : ""
            call.headers = duplicateRuleHeaders
            return call
        }
        switch answer {
        case .success(let response):
            if let id = response.record?["id"]?.stringValue {
                return WrittenContact(remoteID: id, isNew: response.record?["created"]?.boolValue ?? (response.status == 201))
            }
            // 204 says that a record was updated and not which.
            guard let id = try await id(ofKey: key) else { throw CRMError.unreadable(isIdempotent: true) }
            return WrittenContact(remoteID: id, isNew: response.status == 204 ? false : nil)
        case .refused(let refusal):
            if updateOnly, refusal.error.status == .notFound || refusal.has("REQUIRED_FIELD_MISSING") { return nil }
            throw refusal.error
        }
    }

    private func update(_ id: String, _ draft: inout Draft, headers: [HTTPHeader] = []) async throws -> WrittenContact {
        let answer = try await sending(&draft) { values in
            var call = Call(.patch, "/sobjects/Contact/\(PercentEncoding.encode(id))", route: "/sobjects/{object}/{id}")
            call.body = .object(values)
            call.headers = headers
            call.isOfOneRecord = true
            return call
        }
        if case .refused(let refusal) = answer { throw refusal.error }
        return WrittenContact(remoteID: RecordID(id)?.text ?? id, isNew: false)
    }

    /// With a key it may be repeated: the second attempt is refused.
    private func create(_ draft: inout Draft, hasKey: Bool = false) async throws -> WrittenContact {
        draft.grantToNewcomer()
        let answer = try await sending(&draft) { values in
            var call = Call(.post, "/sobjects/Contact", route: "/sobjects/{object}")
            call.body = .object(values)
            call.isIdempotent = hasKey
            call.headers = hasKey ? duplicateRuleHeaders : []
            return call
        }
        switch answer {
        case .success(let response):
            guard let id = response.json?["id"]?.stringValue else { throw CRMError.unreadable(isIdempotent: hasKey) }
            return WrittenContact(remoteID: id, isNew: true)
        case .refused(let refusal): throw refusal.error
        }
    }

    var duplicateRuleHeaders: [HTTPHeader] {
        settings.savesDuplicates ? [HTTPHeader("Sforce-Duplicate-Rule-Header", "allowSave=true")] : []
    }

    /// Writes what Salesforce takes: a field for which it refuses the whole record is left out, with a warning.
    private func sending(_ draft: inout Draft, _ call: (JSONObject) -> Call) async throws -> CallAnswer {
        for _ in 0..<Self.maximumReductions {
            let next = call(draft.values)
            let answer = try await connection.answer(next).checked(next, connection.context)
            guard case .refused(let refusal) = answer else { return answer }
            if refusal.has("DUPLICATE_VALUE"), !draft.hasMetDuplicate {
                draft.hasMetDuplicate = true
            } else {
                if refusal.has("INVALID_FIELD") { await connection.forgetDescription(of: "Contact") }
                // An update that may make nothing is not completed: whether there is a record is still to be found out.
                guard !next.isUpdateOnly || !refusal.has("REQUIRED_FIELD_MISSING"), draft.reduce(after: refusal) else { return answer }
            }
        }
        let last = call(draft.values)
        return try await connection.answer(last).checked(last, connection.context)
    }
}

extension Call {
    fileprivate var isUpdateOnly: Bool { query == "updateOnly=true" }
}

extension CallAnswer {
    /// A success that names errors and says that it is none is a refusal.
    func checked(_ call: Call, _ context: OperationContext) -> CallAnswer {
        guard case .success(let response) = self, let body = response.record, body["success"] == false else { return self }
        return .refused(Refusal(result: body, isIdempotent: call.isIdempotent, context))
    }
}

extension HTTPResponse {
    /// What became of the one record that was sent, alone or as a collection of one.
    var record: JSONValue? { json?.arrayValue?.first ?? json }
}

extension JSONValue {
    /// A field of a row under any spelling of its name.
    func field(_ name: String) -> JSONValue? {
        self[name] ?? objectValue?.first { $0.key.lowercased() == name.lowercased() }?.value
    }
}

extension CRMError {
    static let noIdentifier = CRMError(
        .invalidArgument, code: "salesforce.no_identifier", message: "a contact needs an external_id, an email or a phone")
}
