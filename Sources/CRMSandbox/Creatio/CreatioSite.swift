import CRMCore
import CRMCrypto

/// One merchant's Creatio: what kind of site it is, who is logged in, what it holds.
final class CreatioSite {
    /// The user's own contact; its row is not part of what the sandbox shows.
    static let user = CreatioID(known: "410006e1-ca4e-4502-a9ec-e54d922d2c00")

    let email: String
    private(set) var traits: CreatioTraits
    private(set) var schemas: [CreatioSchema] = []
    var sessions = CreatioSessions()
    private(set) var tables: [String: CreatioTable] = [:]

    init(email: String) {
        self.email = email
        traits = CreatioTraits(email: email)
        addObjects()
    }

    func configure(_ settings: JSONObject) throws(SetupError) {
        var changed = traits
        try changed.apply(settings)
        let isRebuilt = changed.isPlain != traits.isPlain
        traits = changed
        if isRebuilt { addObjects() }
    }

    /// An empty site, or one whose custom columns come or go, which empties it.
    private func addObjects() {
        schemas = CreatioSchema.all(isPlain: traits.isPlain)
        tables = [:]
        for schema in schemas { tables[schema.name] = CreatioTable(schema) }
        for (object, rows) in CreatioLookups.rows {
            for row in rows { tables[object]?.insert(row.id, row.values.merging(["Id": .guid(row.id)]) { _, id in id }) }
        }
    }

    /// What precedes the names of objects in a path.
    var odataPath: [String] { traits.isCore ? ["odata"] : ["0", "odata"] }

    var contactCount: Int { tables["Contact"]?.count ?? 0 }
    var eventCount: Int { (tables["Activity"]?.count ?? 0) + (tables["UsrIntegrationEvent"]?.count ?? 0) }

    func row(_ object: String, _ id: CreatioID) -> CreatioTable.Row? { tables[object]?.rows[id] }

    // MARK: Changes

    func insert(_ id: CreatioID, _ values: CreatioTable.Row, into object: String, at now: Timestamp) {
        var row = values
        if object == "Activity" { Self.completeActivity(&row, categories: tables["ActivityCategory"]) }
        row["Id"] = .guid(id)
        row["CreatedOn"] = .date(now)
        row["CreatedById"] = .guid(Self.user)
        tables[object]?.insert(id, touched(row, now))
        if object == "Contact" { keepCommunications(of: id, changed: values, at: now) }
    }

    /// A `nil` in `changes` empties the column; false when there is no such row.
    func update(_ id: CreatioID, _ changes: [(name: String, value: CreatioValue?)], in object: String, at now: Timestamp) -> Bool {
        guard var row = row(object, id) else { return false }
        for (name, value) in changes { row[name] = value }
        tables[object]?.replace(id, touched(row, now))
        if object == "Contact" {
            keepCommunications(of: id, changed: row.filter { entry in changes.contains { $0.name == entry.key } }, at: now)
        }
        return true
    }

    /// Rows that point to the one that goes lose that link; a contact's addresses go with it.
    func delete(_ id: CreatioID, from object: String) -> Bool {
        guard row(object, id) != nil else { return false }
        tables[object]?.remove(id)
        for schema in schemas {
            let links = schema.columns.filter { $0.target == object }
            guard !links.isEmpty, let table = tables[schema.name] else { continue }
            for (other, row) in table.rows {
                let held = links.filter { row[$0.name] == .guid(id) }
                if held.isEmpty { continue }
                if object == "Contact", schema.name == "ContactCommunication" {
                    tables[schema.name]?.remove(other)
                } else {
                    var row = row
                    for link in held { row[link.name] = nil }
                    tables[schema.name]?.replace(other, row)
                }
            }
        }
        return true
    }

    private func touched(_ row: CreatioTable.Row, _ now: Timestamp) -> CreatioTable.Row {
        var row = row
        row["ModifiedOn"] = .date(now)
        row["ModifiedById"] = .guid(Self.user)
        return row
    }

    /// The product derives the type from the category and starts every activity as not started.
    private static func completeActivity(_ row: inout CreatioTable.Row, categories: CreatioTable?) {
        if row["TypeId"] == nil {
            if case .guid(let category)? = row["ActivityCategoryId"] { row["TypeId"] = categories?.rows[category]?["ActivityTypeId"] }
            row["TypeId"] = row["TypeId"] ?? .guid(CreatioLookups.ActivityType.task)
        }
        row["StatusId"] = row["StatusId"] ?? .guid(CreatioLookups.ActivityStatus.notStarted)
    }

    private static let communicationTypes = [
        "Email": CreatioLookups.CommunicationType.email, "MobilePhone": CreatioLookups.CommunicationType.mobilePhone,
        "Phone": CreatioLookups.CommunicationType.workPhone, "HomePhone": CreatioLookups.CommunicationType.homePhone,
    ]

    /// A contact's own address and numbers stand in the detail object too.
    private func keepCommunications(of contact: CreatioID, changed: CreatioTable.Row, at now: Timestamp) {
        for (column, type) in Self.communicationTypes {
            guard let number = changed[column], case .text(let text) = number, let table = tables["ContactCommunication"] else { continue }
            let isKnown = table.candidates("Number", text).contains { id in
                table.rows[id]?["ContactId"] == .guid(contact) && table.rows[id]?["CommunicationTypeId"] == .guid(type)
            }
            if isKnown { continue }
            let row: CreatioTable.Row = [
                "Number": number, "CommunicationTypeId": .guid(type), "ContactId": .guid(contact), "Primary": .bool(true),
            ]
            insert(CreatioID(random: randomBytes(16)), row, into: "ContactCommunication", at: now)
        }
    }
}
