package import CRMPluginSDK

extension SalesforceProvider {
    package func getContact(_ query: ContactQuery, _ context: OperationContext) async throws -> FoundContact {
        let connection = try Connection(self, context)
        let description = try await connection.contactDescription()
        let reader = ContactReader(connection.settings, description)
        let rows = try await connection.rows(try reader.query(query))
        guard let row = rows.first else { throw CRMError.noContact }
        if rows.count > 1 {
            context.warn(code: "salesforce.several_contacts", "several contacts fit: the oldest was taken")
        }
        guard let found = reader.found(row) else { throw CRMError.unreadable(isIdempotent: true) }
        return found
    }
}

/// Reads contacts by the fields that the org has and shows.
struct ContactReader {
    private let settings: Settings
    private let description: ObjectDescription

    init(_ settings: Settings, _ description: ObjectDescription) {
        self.settings = settings
        self.description = description
    }

    func query(_ query: ContactQuery) throws(CRMError) -> Query {
        let condition: String
        switch query {
        case .email(let email): condition = Query.equals(settings.fields[.email] ?? "Email", email)
        case .externalID(let id):
            guard description[settings.keyField] != nil else {
                throw CRMError(
                    .unsupported, code: "salesforce.no_external_id_field",
                    message: "Contact has no external id field \(settings.keyField): look for the email")
            }
            condition = Query.equals(settings.keyField, id)
        case .remoteID(let text):
            guard let id = RecordID(text), id.isOf("003") else { throw CRMError.noContact }
            condition = Query.equals("Id", id.text)
        }
        return Query(fields: fields, condition: condition, order: "CreatedDate", limit: 2)
    }

    /// A field that the org does not have, or hides, would fail the whole query.
    private var fields: [String] {
        var names = ["Id", "LastModifiedDate", settings.keyField]
        names += ContactField.allCases.compactMap { settings.fields[$0] } + settings.properties.map(\.field)
        var known: Set<String> = []
        return names.filter { known.insert($0.lowercased()).inserted && ($0 == "Id" || description[$0] != nil) }
    }

    func found(_ row: JSONValue) -> FoundContact? {
        guard let id = row["Id"]?.stringValue else { return nil }
        let text = { (field: ContactField) in settings.fields[field].flatMap { value(row, $0)?.stringValue } }
        let lines = text(.street)?.split(maxSplits: 1, whereSeparator: \.isNewline).map(String.init) ?? []
        let address = Contact.Address(
            line1: lines.first, line2: lines.count > 1 ? lines[1] : nil, city: text(.city), region: text(.region),
            postalCode: text(.postalCode), country: text(.country))
        let key = value(row, settings.keyField)?.stringValue
        let contact = Contact(
            email: text(.email), externalID: key.flatMap { Handle.isDerived($0) ? nil : $0 }, phone: text(.phone),
            firstName: text(.firstName), lastName: text(.lastName), title: text(.title), organization: text(.organization),
            locale: text(.locale), address: address == Contact.Address() ? nil : address,
            emailMarketing: withdrawn(row, .emailOptOut), smsMarketing: withdrawn(row, .smsOptOut), properties: properties(row))
        return FoundContact(
            contact: contact, remoteID: RecordID(id)?.text ?? id,
            updatedAt: value(row, "LastModifiedDate")?.stringValue.map(SalesforceTime.utc))
    }

    /// A box that is not ticked is also that of somebody who never said anything.
    private func withdrawn(_ row: JSONValue, _ field: ContactField) -> Contact.Consent? {
        guard let name = settings.fields[field], value(row, name) == true else { return nil }
        return Contact.Consent(state: .withdrawn)
    }

    private func properties(_ row: JSONValue) -> JSONObject {
        JSONObject(
            settings.properties.compactMap { name, field in
                guard let value = value(row, field) else { return nil }
                guard let text = value.stringValue, description[field]?.type == "datetime" else { return (name, value) }
                return (name, .string(SalesforceTime.utc(text)))
            })
    }

    /// Salesforce answers with the names as they are in the org, which may differ in case from those in the query.
    private func value(_ row: JSONValue, _ field: String) -> JSONValue? {
        row.field(field).flatMap { $0.isNull ? nil : $0 }
    }
}
