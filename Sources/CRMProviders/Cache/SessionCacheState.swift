package import CRMCore

/// What is remembered, who makes what is missing, and who waits for it: decides, and leaves the calling back to others.
///
/// A key without an entry is either nobody's, or in flight: one ticket is out for it, and the waiters are answered when its holder puts a
/// value, gives up, or goes.
package struct SessionCacheState {
    package struct Key: Hashable, Sendable {
        package let crmType: CRMType
        package let account: String
        /// A digest, so that nobody finds an entry with other credentials than those that made it.
        package let credentials: [UInt8]
        package let name: [UInt8]

        package init(crmType: CRMType, account: String, credentials: [UInt8], name: [UInt8]) {
            self.crmType = crmType
            self.account = account
            self.credentials = credentials
            self.name = name
        }
    }

    package enum Answer: Sendable {
        case found(Secret)
        case missing
        case make(ticket: UInt64)
        case cancelled
    }

    package typealias Reply = @Sendable (Answer) -> Void

    /// An answer that is due.
    package struct Delivery: Sendable {
        package let reply: Reply
        package let answer: Answer
    }

    package struct Limits: Sendable {
        package var entries = 10_000
        package var bytes = 64 << 20
        package var longestLife: Int64 = 24 * 3_600 * 1_000_000_000

        package init() {}
    }

    private struct Entry {
        let value: Secret
        let expires: Int64
        var lastUse: UInt64
    }

    private struct Flight {
        var ticket: UInt64
        var maker: UInt64
        var waiters: [(operation: UInt64, reply: Reply)] = []
    }

    package static let maximumKeyBytes = 256
    package static let maximumValueBytes = 65_536
    /// About what an entry costs beside its bytes.
    private static let overheadBytes = 256

    private let limits: Limits
    private var entries: [Key: Entry] = [:]
    package private(set) var bytes = 0
    /// Keys in the order of their uses; an element whose entry was used again since is passed over.
    private var uses = JobQueue<(key: Key, use: UInt64)>()
    private var lastUse: UInt64 = 0
    private var flights: [Key: Flight] = [:]
    private var tickets: [UInt64: Key] = [:]
    private var lastTicket: UInt64 = 0
    /// The flights that an operation makes or waits for.
    private var interests: [UInt64: Set<Key>] = [:]

    package init(limits: Limits = Limits()) { self.limits = limits }

    package var count: Int { entries.count }
    package var flightCount: Int { flights.count }

    // MARK: Asking

    package mutating func acquire(
        _ key: Key, operation: UInt64, onlyLook: Bool, now: Int64, reply: @escaping Reply
    ) -> Delivery? {
        if let value = value(of: key, now: now) { return Delivery(reply: reply, answer: .found(value)) }
        if onlyLook { return Delivery(reply: reply, answer: .missing) }
        interests[operation, default: []].insert(key)
        if flights[key] == nil {
            return Delivery(reply: reply, answer: .make(ticket: issue(key, to: operation, waiters: [])))
        }
        // It would wait for itself. Of what is made twice the first put counts.
        if let flight = flights[key], flight.maker == operation {
            return Delivery(reply: reply, answer: .make(ticket: flight.ticket))
        }
        flights[key]?.waiters.append((operation, reply))
        return nil
    }

    private mutating func issue(_ key: Key, to operation: UInt64, waiters: [(operation: UInt64, reply: Reply)]) -> UInt64 {
        lastTicket += 1
        tickets[lastTicket] = key
        flights[key] = Flight(ticket: lastTicket, maker: operation, waiters: waiters)
        return lastTicket
    }

    // MARK: Making

    /// `isHolder` tells of an operation whether it may speak for the ticket.
    package mutating func put(
        ticket: UInt64, value: Secret, life: Int64, now: Int64, isHolder: @Sendable (UInt64) -> Bool
    ) -> [Delivery] {
        guard let (key, flight) = take(ticket, isHolder) else { return [] }
        if value.count <= Self.maximumValueBytes, key.name.count <= Self.maximumKeyBytes, life > 0 {
            let expires = now.addingReportingOverflow(min(life, limits.longestLife))
            insert(key, Entry(value: value, expires: expires.overflow ? .max : expires.partialValue, lastUse: 0))
            removeExcess(now: now)
        }
        return flight.waiters.map { Delivery(reply: $0.reply, answer: .found(value)) }
    }

    package mutating func giveUp(ticket: UInt64, isHolder: @Sendable (UInt64) -> Bool) -> [Delivery] {
        guard let (key, flight) = take(ticket, isHolder) else { return [] }
        return passOn(key, flight).map { [$0] } ?? []
    }

    private mutating func take(_ ticket: UInt64, _ isHolder: (UInt64) -> Bool) -> (Key, Flight)? {
        guard let key = tickets[ticket], let flight = flights[key], isHolder(flight.maker) else { return nil }
        tickets[ticket] = nil
        flights[key] = nil
        for operation in [flight.maker] + flight.waiters.map(\.operation) { forget(key, of: operation) }
        return (key, flight)
    }

    /// The first that waits becomes the maker.
    private mutating func passOn(_ key: Key, _ flight: Flight) -> Delivery? {
        guard let next = flight.waiters.first else { return nil }
        let ticket = issue(key, to: next.operation, waiters: Array(flight.waiters.dropFirst()))
        for operation in flight.waiters.map(\.operation) { interests[operation, default: []].insert(key) }
        return Delivery(reply: next.reply, answer: .make(ticket: ticket))
    }

    // MARK: Leaving

    /// The operation was asked to end: it waits no more, but may still put what it was told to make.
    package mutating func cancel(operation: UInt64) -> [Delivery] {
        var deliveries: [Delivery] = []
        for key in interests[operation] ?? [] {
            let mine = flights[key]?.waiters.filter { $0.operation == operation } ?? []
            flights[key]?.waiters.removeAll { $0.operation == operation }
            deliveries += mine.map { Delivery(reply: $0.reply, answer: .cancelled) }
            if flights[key]?.maker != operation { forget(key, of: operation) }
        }
        return deliveries
    }

    /// The operation has ended: its tickets are taken back.
    package mutating func end(operation: UInt64) -> [Delivery] {
        var deliveries = cancel(operation: operation)
        for key in interests.removeValue(forKey: operation) ?? [] {
            guard let flight = flights[key], flight.maker == operation else { continue }
            tickets[flight.ticket] = nil
            flights[key] = nil
            if let next = passOn(key, flight) { deliveries.append(next) }
        }
        return deliveries
    }

    /// As if all operations for which this holds had ended.
    package mutating func end(where isGone: @Sendable (UInt64) -> Bool) -> [Delivery] {
        var deliveries: [Delivery] = []
        for operation in interests.keys.filter(isGone) { deliveries += end(operation: operation) }
        return deliveries
    }

    private mutating func forget(_ key: Key, of operation: UInt64) {
        interests[operation]?.remove(key)
        if interests[operation]?.isEmpty == true { interests[operation] = nil }
    }

    // MARK: Entries

    package mutating func remove(_ key: Key, stale: Secret) {
        guard let entry = entries[key], entry.value.withBytes({ value in stale.withBytes { $0 == value } }) else { return }
        drop(key)
    }

    /// Forgets what has outlived its time; returns when the next look is due.
    package mutating func removeExpired(now: Int64) -> Int64? {
        for (key, entry) in entries where entry.expires <= now { drop(key) }
        return entries.values.map(\.expires).min()
    }

    private mutating func value(of key: Key, now: Int64) -> Secret? {
        guard let entry = entries[key] else { return nil }
        guard entry.expires > now else {
            drop(key)
            return nil
        }
        touch(key)
        return entry.value
    }

    private mutating func insert(_ key: Key, _ entry: Entry) {
        drop(key)
        entries[key] = entry
        bytes += Self.cost(key, entry)
        touch(key)
    }

    private mutating func touch(_ key: Key) {
        lastUse += 1
        entries[key]?.lastUse = lastUse
        uses.append((key, lastUse))
        if uses.count > 2 * entries.count + 64 { compact() }
    }

    /// What an entry held is wiped when its last reader lets go.
    private mutating func drop(_ key: Key) {
        if let entry = entries.removeValue(forKey: key) { bytes -= Self.cost(key, entry) }
    }

    /// The least recently used go first.
    private mutating func removeExcess(now: Int64) {
        while entries.count > limits.entries || bytes > limits.bytes, let oldest = uses.popFirst() {
            if entries[oldest.key]?.lastUse == oldest.use { drop(oldest.key) }
        }
    }

    private mutating func compact() {
        var kept = JobQueue<(key: Key, use: UInt64)>()
        while let use = uses.popFirst() {
            if entries[use.key]?.lastUse == use.use { kept.append(use) }
        }
        uses = kept
    }

    private static func cost(_ key: Key, _ entry: Entry) -> Int {
        entry.value.count + key.name.count + key.account.utf8.count + overheadBytes
    }
}
