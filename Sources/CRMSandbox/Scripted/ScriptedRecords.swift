import CRMCore

/// One record that a scripted CRM keeps.
struct ScriptedRecord {
    let id: String
    let key: String?
    var value: JSONValue
    let created: Timestamp
    var updated: Timestamp
}

/// What one account of a scripted CRM holds of one kind, in the order in which it came.
struct ScriptedRecords {
    private(set) var ids: [String] = []
    private var records: [String: ScriptedRecord] = [:]
    private var idsByKey: [String: String] = [:]

    var count: Int { records.count }
    var all: [ScriptedRecord] { ids.compactMap { records[$0] } }

    func record(id: String) -> ScriptedRecord? { records[id] }

    func record(key: String) -> ScriptedRecord? { idsByKey[key].flatMap { records[$0] } }

    mutating func put(_ record: ScriptedRecord) {
        if records[record.id] == nil { ids.append(record.id) }
        records[record.id] = record
        if let key = record.key { idsByKey[key] = record.id }
    }

    mutating func remove(_ record: ScriptedRecord) {
        records[record.id] = nil
        ids.removeAll { $0 == record.id }
        if let key = record.key { idsByKey[key] = nil }
    }
}

/// A kind of record that a scripted CRM's file declares.
struct ScriptedCollection {
    enum Kind: String { case contact, event }

    /// What the journal and the account list count its records as.
    let kind: Kind?
    let id: Template
    let ignoresCase: Bool
    private let email: Template?
    private let metric: Template?
    private let uniqueID: Template?

    init(_ source: JSONValue, at place: String) throws(SetupError) {
        let definition = try Definition(source, at: place, knowing: ["kind", "id", "ignore_case", "email", "metric", "unique_id"])
        let name = try definition.text("kind")
        kind = name.flatMap(Kind.init(rawValue:))
        if name != nil, kind == nil { throw SetupError("\(place).kind is \"contact\" or \"event\".") }
        id = try definition.template("id", or: "{counter}")
        ignoresCase = try definition.flag("ignore_case")
        email = try definition.template("email")
        metric = try definition.template("metric")
        uniqueID = try definition.template("unique_id")
    }

    func effect(_ outcome: ScriptedStore.Outcome, _ scope: TemplateScope) -> Effect? {
        let effect: Effect.Kind? =
            switch (kind, outcome) {
            case (.contact, .created): .contactCreated
            case (.contact, .updated): .contactUpdated
            case (.event, .created): .eventRecorded
            case (.event, .updated), (.event, .exists): .eventDuplicate
            default: nil
            }
        return effect.map { Effect(kind: $0, email: email?.text(scope), metric: metric?.text(scope), uniqueID: uniqueID?.text(scope)) }
    }
}
