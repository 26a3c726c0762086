package import CRMCore

/// A bounded map whose entries end by themselves. When it is full the oldest entry goes, so that a flood of new keys costs memory
/// up to the bound and no more.
package struct ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        let value: Value
        let until: Timestamp
        let number: UInt64
    }

    private struct Place {
        let key: Key
        /// Tells an entry from a later one under the same key.
        let number: UInt64
    }

    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var places: [Place] = []
    private var oldest = 0
    private var lastNumber: UInt64 = 0

    package init(capacity: Int) { self.capacity = capacity }

    package func value(for key: Key, at now: Timestamp) -> Value? {
        entries[key].flatMap { now < $0.until ? $0.value : nil }
    }

    package mutating func insert(_ value: Value, for key: Key, until: Timestamp, at now: Timestamp) {
        lastNumber += 1
        entries[key] = Entry(value: value, until: until, number: lastNumber)
        places.append(Place(key: key, number: lastNumber))
        while entries.count > capacity || places.count - oldest > 2 * capacity || isOldestOver(at: now) { dropOldest() }
        if oldest > capacity {
            places.removeFirst(oldest)
            oldest = 0
        }
    }

    private func isOldestOver(at now: Timestamp) -> Bool {
        guard oldest < places.count, let entry = entries[places[oldest].key] else { return false }
        return entry.number != places[oldest].number || entry.until <= now
    }

    private mutating func dropOldest() {
        let place = places[oldest]
        oldest += 1
        if entries[place.key]?.number == place.number { entries[place.key] = nil }
    }
}
