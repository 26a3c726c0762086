package import CRMCore

/// The part of a lane that its owner has in memory: who may be sent now without breaking the order of any contact.
package struct LaneWindow {
    /// By sequence.
    private var rows: [QueuedDelivery] = []
    /// Rows that are being sent, with the marks of their contacts.
    private var sending: [Int64: [Int]] = [:]
    /// Rows that ended here but are still in the table.
    private var unsettled: Set<Int64> = []
    /// The greatest sequence that was read.
    package private(set) var seen: Int64 = 0

    package init() {}

    /// What the payloads come to.
    package private(set) var bytes = 0
    package var count: Int { rows.count }
    package var isEmpty: Bool { rows.isEmpty }
    package var sendingCount: Int { sending.count }
    /// What a sweep need not bring again.
    package var known: [Int64] { rows.map(\.sequence) + unsettled }

    package mutating func insert(_ new: [QueuedDelivery]) {
        for row in new {
            let position = self.position(of: row.sequence)
            if position < rows.count, rows[position].sequence == row.sequence { continue }
            rows.insert(row, at: position)
            seen = max(seen, row.sequence)
            bytes += row.payloadBytes
        }
    }

    /// Rows that may be sent now, oldest first: at most one of a contact, and none of a contact that has one under way or an older one
    /// that has to wait. Rows of a kind that rests are passed over and hold nobody back.
    package func sendable(_ limit: Int, at now: Timestamp, resting: Set<DeliveryKind>) -> [QueuedDelivery] {
        guard limit > 0 else { return [] }
        var chosen: [QueuedDelivery] = []
        var taken = Set(sending.values.joined())
        for row in rows where !resting.contains(row.kind) {
            guard row.claim(in: &taken) else { continue }
            if let notBefore = row.notBefore, notBefore > now { continue }
            chosen.append(row)
            if chosen.count == limit { break }
        }
        return chosen
    }

    /// When the next row that waits for its retry is due.
    package func nextDue(after now: Timestamp, resting: Set<DeliveryKind>) -> Timestamp? {
        var taken = Set(sending.values.joined())
        return rows.lazy
            .filter { !resting.contains($0.kind) && $0.claim(in: &taken) }
            .compactMap(\.notBefore)
            .filter { $0 > now }
            .min()
    }

    package mutating func begin(_ row: QueuedDelivery) { sending[row.sequence] = row.contactMarks }

    /// The row stays and may be sent again, as it now is.
    package mutating func putBack(_ row: QueuedDelivery) {
        sending[row.sequence] = nil
        let position = self.position(of: row.sequence)
        if position < rows.count, rows[position].sequence == row.sequence { rows[position] = row }
    }

    /// The row is over.
    package mutating func end(_ sequence: Int64) {
        sending[sequence] = nil
        let position = self.position(of: sequence)
        if position < rows.count, rows[position].sequence == sequence {
            bytes -= rows.remove(at: position).payloadBytes
            unsettled.insert(sequence)
        }
    }

    /// What ended is out of the table as well.
    package mutating func settled() { unsettled = [] }

    /// Rows nobody is sending.
    package var resting: [QueuedDelivery] { rows.filter { sending[$0.sequence] == nil } }

    private func position(of sequence: Int64) -> Int {
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension QueuedDelivery {
    /// False when an older row, or one under way, is about the same person. Either way those that follow see this one.
    fileprivate func claim(in taken: inout Set<Int>) -> Bool {
        var isFirst = true
        for mark in contactMarks where !taken.insert(mark).inserted { isFirst = false }
        return isFirst
    }
}
