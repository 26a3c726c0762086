internal import CRMPluginSDK

/// The columns of a record to be written, each with the field of ours that it stands for.
struct Record: Sendable {
    private(set) var columns = JSONObject()
    private var fields: [String: String] = [:]
    /// Without these there is no point in writing the rest.
    private var essential: Set<String> = ["Id"]

    var isEmpty: Bool { columns.isEmpty }

    mutating func set(_ column: String, _ value: JSONValue?, _ field: String, isEssential: Bool = false) {
        guard let value else { return }
        columns[column] = value
        fields[column] = field
        if isEssential { essential.insert(column) }
    }

    func field(_ column: String) -> String { fields[column] ?? column }

    func mayLeaveOut(_ column: String) -> Bool { columns[column] != nil && !essential.contains(column) }

    mutating func leaveOut(_ column: String) { columns[column] = nil }

    func only(_ isIncluded: (String) -> Bool) -> Record {
        var part = self
        for column in columns.keys where !isIncluded(column) { part.columns[column] = nil }
        return part
    }

    var essentials: Record { only { !mayLeaveOut($0) } }
    var optionals: Record { only(mayLeaveOut) }
    /// An id is given once, when a record is made.
    var changes: Record { only { $0 != "Id" } }

    /// Whether the row holds all of it.
    func agrees(with row: JSONValue) -> Bool {
        columns.allSatisfy { column, value in
            let theirs = row.present(column)
            switch value {
            case .null, "": return theirs == nil
            case .number(let number): return theirs?.doubleValue == number.double
            case .bool: return row[column] == value
            default: return theirs == value
            }
        }
    }
}

/// How a record came to be there.
enum Inserted {
    case new(GUID)
    /// It is there although the insert reported an error: an earlier or a concurrent one made it, or this one did before it failed.
    case found(row: JSONValue, isKnownOld: Bool)
}

extension Conversation {
    /// Inserts, and never sends an insert again without having looked whether the last one happened.
    ///
    /// - Returns: What became of it, and those columns that are still to be written.
    func insert(
        _ record: Record, into entity: String, readBack: (CRMError) async throws -> JSONValue?
    ) async throws -> (Inserted, rest: Record) {
        var record = record
        await leaveOutWhatIsMissing(in: entity, of: &record).forEach(warn)
        var rest = record.only { _ in false }
        var refusals = 0
        while true {
            do {
                let row = try await send(.insert(entity, record.columns))
                guard let id = row.recordID else { throw CRMError.withoutID }
                if let asked = record.columns["Id"]?.stringValue, asked != id.text { await noteOwnID(entity) }
                return (.new(id), rest)
            } catch let error as CRMError where error.leavesDoubt || error.status == .invalidArgument {
                if !error.isRefusalOfNamedColumns, let row = await found({ try await readBack(error) }) {
                    return (.found(row: row, isKnownOld: error.code == CRMError.duplicate), record.changes)
                }
                guard error.status == .invalidArgument else { throw error }
                refusals += 1
                if refusals <= Limits.refusals {
                    let left = await leaveOut(error, entity, of: &record)
                    left.forEach(warn)
                    if !left.isEmpty { continue }
                }
                // Something is wrong, and the site does not say with what: first the record itself, then its columns one by one.
                guard rest.isEmpty, !record.optionals.isEmpty else { throw error }
                rest = record.optionals
                record = record.essentials
            }
        }
    }

    /// Writes what the site takes: a column for which it refuses the whole is left out, with a warning. Of a rest the record itself is
    /// written already, so that columns which the site refuses are no failure.
    func update(_ entity: String, _ id: GUID, _ changes: Record, isRest: Bool = false) async throws {
        if changes.isEmpty { return }
        var changes = changes
        // Said only when something was written in spite of them.
        var warnings = await leaveOutWhatIsMissing(in: entity, of: &changes)
        var refusal: CRMError? = changes.isEmpty ? .withoutColumns : nil
        var refusals = 0
        while !changes.isEmpty {
            do {
                try await send(.update(entity, id, changes.columns))
                warnings.forEach(warn)
                return
            } catch let error as CRMError where error.status == .invalidArgument {
                refusal = error
                refusals += 1
                if refusals <= Limits.refusals {
                    let left = await leaveOut(error, entity, of: &changes)
                    warnings += left
                    if !left.isEmpty { continue }
                }
                guard changes.columns.count > 1 else { break }
                let (isAnyWritten, refused) = try await updateOneByOne(entity, id, changes)
                warnings += refused
                if isAnyWritten { refusal = nil }
                break
            }
        }
        if let refusal, !isRest { throw refusal }
        // A single column that was refused without its name.
        if let refusal, changes.columns.count == 1 { warnings += changes.columns.keys.map { refused($0, changes, refusal.code) } }
        warnings.forEach(warn)
    }

    /// The site does not say which column it refuses, so each is asked for alone: as many as there is patience for.
    private func updateOneByOne(_ entity: String, _ id: GUID, _ changes: Record) async throws -> (isAnyWritten: Bool, refused: [Warning]) {
        var isAnyWritten = false
        var warnings: [Warning] = []
        for (number, column) in changes.columns.keys.enumerated() {
            guard number < Limits.singleColumns else {
                warnings.append(refused(column, changes, "creatio.not_tried"))
                continue
            }
            do {
                try await send(.update(entity, id, changes.only { $0 == column }.columns))
                isAnyWritten = true
            } catch let error as CRMError where error.status == .invalidArgument {
                warnings.append(refused(column, changes, error.code))
            }
        }
        return (isAnyWritten, warnings)
    }

    /// What was left out because of a refusal; nothing when it names nothing that can be.
    private func leaveOut(_ error: CRMError, _ entity: String, of record: inout Record) async -> [Warning] {
        var warnings: [Warning] = []
        for column in error.columns.filter(record.mayLeaveOut) {
            if error.code == CRMError.unknownColumn { await remember(missing: "\(entity).\(column)") }
            warnings.append(refused(column, record, error.code))
            record.leaveOut(column)
        }
        return warnings
    }

    /// Columns that the site did not have a moment ago are not sent to it again.
    private func leaveOutWhatIsMissing(in entity: String, of record: inout Record) async -> [Warning] {
        var warnings: [Warning] = []
        for column in record.columns.keys where record.mayLeaveOut(column) {
            guard await isKnownToBeMissing("\(entity).\(column)") else { continue }
            warnings.append(refused(column, record, CRMError.unknownColumn))
            record.leaveOut(column)
        }
        return warnings
    }

    private func refused(_ column: String, _ record: Record, _ code: String) -> Warning {
        let reason =
            switch code {
            case CRMError.unknownColumn: "Creatio has no column for it; the rest was written"
            case "creatio.not_tried": "Creatio refused too many columns to ask for this one; the rest was written"
            default: "Creatio does not take this value; the rest was written"
            }
        return Warning(code: code, field: record.field(column), detail: reason)
    }

    /// What keeps a second insert from making a second record is the id, and this site does not take it.
    private func noteOwnID(_ entity: String) async {
        await remember(missing: Self.idsOfOurs)
        warn(
            "creatio.id_not_kept", "remote_id",
            "Creatio gave this record of \(entity) an id of its own: after an insert whose answer is lost a second one may follow")
    }

    /// Whether records have, as far as is known, the ids that we give them.
    var keepsOurIDs: Bool { get async { await !isKnownToBeMissing(Self.idsOfOurs) } }

    private static var idsOfOurs: String { "ids of ours" }

    /// When looking fails too the first error says more.
    private func found(_ readBack: () async throws -> JSONValue?) async -> JSONValue? { try? await readBack() }
}

extension CRMError {
    fileprivate static let withoutID = CRMError(
        .upstream, code: "creatio.unreadable_answer", message: "Creatio's answer cannot be understood", flags: [.retryable, .ambiguous])
    fileprivate static let withoutColumns = CRMError(
        .invalidArgument, code: unknownColumn, message: "Creatio has no column for anything that was to be written")

    /// OData found a fault with a column before it did anything: there is nothing to look for.
    fileprivate var isRefusalOfNamedColumns: Bool {
        status == .invalidArgument && details["http_status"] == 400 && !columns.isEmpty
    }
}
