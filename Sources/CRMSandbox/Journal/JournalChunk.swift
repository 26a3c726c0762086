import CRMCore

/// A few thousand journal entries in two allocations: fixed-size records, and one blob of the texts that they point to. Texts that
/// repeat within the chunk are stored once, so a million entries take tens of megabytes, and dropping a chunk frees all of it.
struct JournalChunk {
    static let capacity = 8_192

    typealias TextID = UInt32

    private struct Record {
        var time: Int64
        var account: TextID
        var method: TextID
        var path: TextID
        var email: TextID
        var metric: TextID
        var uniqueID: TextID
        var idempotency: TextID
        var script: UInt32
        var status: UInt16
        var crm: UInt8
        var kind: UInt8
        var flags: UInt8
    }

    private static let createdContact: UInt8 = 1
    private static let cut: UInt8 = 2

    /// The number of the first entry in the whole journal.
    let first: Int
    private var records: [Record] = []
    private var texts: [UInt8] = []
    /// Where each text ends. Text 0 stands for "none".
    private var ends: [UInt32] = [0]
    private var known: [String: TextID] = [:]
    private var crms: [String] = []
    private var accounts: [String: TextID] = [:]

    init(first: Int) {
        self.first = first
        records.reserveCapacity(Self.capacity)
    }

    var count: Int { records.count }
    var isFull: Bool { records.count == Self.capacity }

    mutating func append(_ entry: JournalEntry) {
        let account = entry.account.map { id(of: $0) } ?? 0
        if let name = entry.account { accounts[name] = account }
        records.append(
            Record(
                time: entry.time.microseconds, account: account, method: id(of: entry.method), path: id(of: entry.path),
                email: entry.effect.email.map { id(of: $0) } ?? 0, metric: entry.effect.metric.map { id(of: $0) } ?? 0,
                uniqueID: entry.effect.uniqueID.map { add($0) } ?? 0, idempotency: entry.effect.idempotency.map { add($0) } ?? 0,
                script: UInt32(clamping: entry.script ?? 0), status: UInt16(clamping: entry.status ?? 0), crm: crmID(entry.crm),
                kind: entry.effect.kind.rawValue,
                flags: (entry.effect.createdContact ? Self.createdContact : 0) | (entry.isCut ? Self.cut : 0)))
        // The names are needed only while entries are added.
        if isFull { known = [:] }
    }

    /// Entries from number `start` on that the filter lets through, at most `limit` of them.
    func entries(from start: Int, limit: Int, crm: String?, account: String?) -> [JournalEntry] {
        var wantedCRM: UInt8?
        if let crm {
            guard let index = crms.firstIndex(of: crm) else { return [] }
            wantedCRM = UInt8(index)
        }
        var wantedAccount: TextID?
        if let account {
            guard let id = accounts[account] else { return [] }
            wantedAccount = id
        }
        var found: [JournalEntry] = []
        for index in max(0, start - first)..<max(records.count, start - first) {
            let record = records[index]
            if let wantedCRM, record.crm != wantedCRM { continue }
            if let wantedAccount, record.account != wantedAccount { continue }
            found.append(entry(at: index))
            if found.count == limit { break }
        }
        return found
    }

    private func entry(at index: Int) -> JournalEntry {
        let record = records[index]
        return JournalEntry(
            sequence: first + index, time: Timestamp(microseconds: record.time), crm: crms[Int(record.crm)], account: text(record.account),
            method: text(record.method) ?? "", path: text(record.path) ?? "", status: record.status == 0 ? nil : Int(record.status),
            script: record.script == 0 ? nil : Int(record.script), isCut: record.flags & Self.cut != 0,
            effect: Effect(
                kind: Effect.Kind(rawValue: record.kind) ?? .none, email: text(record.email), metric: text(record.metric),
                uniqueID: text(record.uniqueID), idempotency: text(record.idempotency),
                createdContact: record.flags & Self.createdContact != 0))
    }

    private func text(_ id: TextID) -> String? {
        guard id > 0 else { return nil }
        return String(decoding: texts[Int(ends[Int(id) - 1])..<Int(ends[Int(id)])], as: UTF8.self)
    }

    private mutating func id(of text: String) -> TextID {
        if let id = known[text] { return id }
        let id = add(text)
        known[text] = id
        return id
    }

    private mutating func add(_ text: String) -> TextID {
        texts += text.utf8
        ends.append(UInt32(texts.count))
        return TextID(ends.count - 1)
    }

    private mutating func crmID(_ name: String) -> UInt8 {
        if let index = crms.firstIndex(of: name) { return UInt8(index) }
        crms.append(name)
        return UInt8(crms.count - 1)
    }
}
