import CRMCore
import CRMCrypto

extension CreatioService {
    func insert(_ schema: CreatioSchema) throws(CreatioRefusal) -> Answer {
        let changes = try changes(schema)
        var row: CreatioTable.Row = [:]
        for (name, value) in changes { row[name] = value }
        let id: CreatioID
        if case .guid(let given)? = row["Id"] { id = given } else { id = CreatioID(random: randomBytes(16)) }
        for column in schema.columns where column.isRequired && row[column.name] == nil { throw missing(column) }
        guard site.row(schema.name, id) == nil else { throw duplicate(id, row, schema) }
        try checkLinks(row, schema)
        site.insert(id, row, into: schema.name, at: now)
        let stored = site.row(schema.name, id) ?? row
        let query = try CreatioQuery(Query(""), in: schema, of: site)
        return Answer.json(recordJSON(stored, schema, query), status: 201, mediaType: Self.mediaType)
            .with(header: "Location", "\(root)/\(schema.name)(\(id))").with(effects: effects(ofInserting: stored, schema))
    }

    func update(_ schema: CreatioSchema, _ id: CreatioID) throws(CreatioRefusal) -> Answer {
        let changes = try changes(schema)
        guard let old = site.row(schema.name, id) else { throw .noRecord }
        for change in changes where change.name == "Id" {
            guard change.value == .guid(id) else { throw .bad("The key of a record cannot be changed.") }
        }
        for change in changes where change.value == nil {
            if let column = schema.column(change.name), column.isRequired { throw missing(column) }
        }
        try checkLinks(Dictionary(changes.compactMap { name, value in value.map { (name, $0) } }) { _, last in last }, schema)
        _ = site.update(id, changes, in: schema.name, at: now)
        guard schema.name == "Contact" else { return .noContent }
        let row = site.row(schema.name, id) ?? old
        return Answer.noContent.with(effects: [Effect(kind: .contactUpdated, email: row["Email"]?.text ?? old["Email"]?.text)])
    }

    func delete(_ schema: CreatioSchema, _ id: CreatioID) throws(CreatioRefusal) -> Answer {
        guard site.delete(id, from: schema.name) else { throw .noRecord }
        return .noContent
    }

    /// The columns that a body sets, `nil` for those that it empties.
    private func changes(_ schema: CreatioSchema) throws(CreatioRefusal) -> [(name: String, value: CreatioValue?)] {
        guard request.mediaType == "application/json" else { throw .mediaType(request.mediaType) }
        guard let members = (try? request.json())?.objectValue else { throw .bad("The body is not a JSON object.") }
        let decimalsAsText = Self.isCompatible(request.header("content-type"))
        var changes: [(name: String, value: CreatioValue?)] = []
        for (name, json) in members {
            // A navigation path in a body does nothing, and nothing says so: the lookup stays as it was.
            if name.contains("@") || name.contains("/") || schema.column(navigation: name) != nil { continue }
            guard let column = schema.column(name) else { throw .noProperty(name, in: schema) }
            let value = try column.value(from: json, decimalsAsText: decimalsAsText)
            if !column.isSystem { changes.append((name, value)) }
        }
        return changes
    }

    private func checkLinks(_ row: CreatioTable.Row, _ schema: CreatioSchema) throws(CreatioRefusal) {
        for column in schema.columns {
            guard let target = column.target, case .guid(let id)? = row[column.name], id != CreatioSite.user else { continue }
            guard site.row(target, id) == nil else { continue }
            throw CreatioRefusal(
                status: 500,
                message: site.traits.isCore
                    ? "23503: insert or update on table \"\(schema.name)\" violates foreign key constraint \"FK\(schema.name)\(column.name)\""
                    : "The statement conflicted with the FOREIGN KEY constraint \"FK\(schema.name)\(column.name)\".")
        }
    }

    private func missing(_ column: CreatioColumn) -> CreatioRefusal {
        CreatioRefusal(status: 400, message: "The column \"\(column.name)\" must be filled in.", effect: Effect(kind: .refused))
    }

    /// The database's own words, which differ.
    private func duplicate(_ id: CreatioID, _ row: CreatioTable.Row, _ schema: CreatioSchema) -> CreatioRefusal {
        var effect = Effect(kind: .refused)
        if let event = event(row, schema) {
            effect = event
            effect.kind = .eventDuplicate
        }
        return CreatioRefusal(
            status: 500,
            message: site.traits.isCore
                ? "23505: duplicate key value violates unique constraint \"PK\(schema.name)Id\""
                : "Violation of PRIMARY KEY constraint 'PK\(schema.name)Id'. Cannot insert duplicate key in object 'dbo.\(schema.name)'. "
                    + "The duplicate key value is (\(id)).",
            effect: effect)
    }

    private func effects(ofInserting row: CreatioTable.Row, _ schema: CreatioSchema) -> [Effect] {
        if schema.name == "Contact" { return [Effect(kind: .contactCreated, email: row["Email"]?.text)] }
        return event(row, schema).map { [$0] } ?? []
    }

    /// What an activity or an integration event says of the event behind it.
    private func event(_ row: CreatioTable.Row, _ schema: CreatioSchema) -> Effect? {
        let isActivity = schema.name == "Activity"
        guard isActivity || schema.name == "UsrIntegrationEvent" else { return nil }
        var email: String?
        if case .guid(let contact)? = row[isActivity ? "ContactId" : "UsrContactId"] {
            email = site.row("Contact", contact)?["Email"]?.text
        }
        var id: String?
        if case .guid(let own)? = row["Id"] { id = own.description }
        return Effect(
            kind: .eventRecorded, email: email, metric: row[isActivity ? "Title" : "UsrName"]?.text,
            uniqueID: isActivity ? id : row["UsrEventId"]?.text ?? id)
    }
}

extension CreatioValue {
    fileprivate var text: String? { if case .text(let text) = self { text } else { nil } }
}
