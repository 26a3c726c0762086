import CRMCore

/// What a route of a scripted CRM does to its records.
struct ScriptedStore {
    enum Action: String, CaseIterable { case create, upsert, update, find, list, delete }
    enum Outcome { case created, updated, found, listed, deleted, missing, exists }

    private static let members: Set<String> = ["collection", "action", "key", "id", "value", "where", "limit"]

    let collection: String
    let action: Action
    private let key: Template?
    private let id: Template?
    private let value: Template
    private let conditions: [(pointer: JSONPointer, value: Template)]
    private let limit: Template?

    init(_ source: JSONValue, at place: String, collections: [String: ScriptedCollection], itemised: Bool) throws(SetupError) {
        let definition = try Definition(source, at: place, knowing: Self.members)
        collection = try definition.required("collection")
        guard collections[collection] != nil else { throw SetupError("\(place).collection: `collections` has no \"\(collection)\".") }
        guard let action = Action(rawValue: try definition.required("action")) else {
            throw SetupError("\(place).action is one of \(Action.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        self.action = action
        key = try definition.template("key")
        id = try definition.template("id")
        value = try definition.template("value", or: itemised ? "{item}" : "{body}")
        limit = try definition.template("limit")
        var conditions: [(pointer: JSONPointer, value: Template)] = []
        for (pointer, value) in try definition.object("where") {
            conditions.append((try Definition.pointer(pointer, "\(place).where"), try Template(value)))
        }
        self.conditions = conditions
        if action == .upsert, key == nil { throw SetupError("\(place) has no `key`: what tells one record from another.") }
        if [.update, .find, .delete].contains(action), key == nil, id == nil {
            throw SetupError("\(place) has neither `key` nor `id`: which record is meant.")
        }
    }

    /// Leaves the record, or what a list found, in the scope for the answer.
    func run(_ records: inout ScriptedRecords, _ kind: ScriptedCollection, _ scope: inout TemplateScope) -> Outcome {
        let key = key?.text(scope).map { kind.ignoresCase ? $0.lowercased() : $0 }
        let known = id?.text(scope).flatMap { records.record(id: $0) } ?? key.flatMap { records.record(key: $0) }
        scope.record = known
        switch (action, known) {
        case (.create, _?): return .exists
        case (.create, nil), (.upsert, nil):
            let new = ScriptedRecord(
                id: kind.id.text(scope) ?? String(scope.counter.next()), key: key, value: value.json(scope), created: scope.now,
                updated: scope.now)
            records.put(new)
            scope.record = new
            return .created
        case (.upsert, var record?), (.update, var record?):
            record.value = Self.merged(record.value, value.json(scope))
            record.updated = scope.now
            records.put(record)
            scope.record = record
            return .updated
        case (.find, _?): return .found
        case (.delete, let record?):
            records.remove(record)
            return .deleted
        case (.list, _):
            list(records, &scope)
            return .listed
        case (.update, nil), (.find, nil), (.delete, nil): return .missing
        }
    }

    private func list(_ records: ScriptedRecords, _ scope: inout TemplateScope) {
        let wanted = conditions.map { ($0.pointer, $0.value.json(scope)) }
        let matches = records.all.filter { record in wanted.allSatisfy { pointer, value in pointer.value(in: record.value) == value } }
        scope.parts["count"] = .integer(matches.count)
        let most = limit?.text(scope).flatMap { Int($0) } ?? matches.count
        scope.listed = Array(matches.prefix(max(0, most)))
    }

    /// Objects are merged member by member; anything else is replaced.
    private static func merged(_ old: JSONValue, _ new: JSONValue) -> JSONValue {
        guard case .object(var members) = old, case .object(let changes) = new else { return new }
        for (name, value) in changes { members[name] = members[name].map { merged($0, value) } ?? value }
        return .object(members)
    }
}
