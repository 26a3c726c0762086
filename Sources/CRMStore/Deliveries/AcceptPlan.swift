internal import CRMCore
internal import CRMCrypto
internal import FoundationEssentials

/// Everything about an acceptance that can be decided before the database is asked: ids, keys, hashes, payloads.
struct AcceptPlan {
    /// One row to be queued, if its guard turns out to be new.
    struct Row {
        var delivery: DeliveryID
        var item: AcceptItem
        var idempotencyKey: UUID
        var payload: JSONObject
        /// The event that this row stands or falls with.
        var guardKey: UUID?
        var guardID: DeliveryID?
    }

    /// An event with a `unique_id`, by which its repetition is known.
    struct Guard {
        var key: UUID
        var id: DeliveryID
        var hash: [UInt8]
    }

    struct Principal {
        var index: Int
        var crmType: CRMType
        var proposed: DeliveryID
        var guardKey: UUID?
    }

    /// The request as its Idempotency-Key knows it.
    struct Request {
        var key: UUID
        var hash: [UInt8]
        var marker: UUID
    }

    let merchant: MerchantID
    let requestID: String
    let now: Timestamp
    let request: Request?
    private(set) var rows: [Row] = []
    private(set) var guards: [Guard] = []
    private(set) var principals: [Principal] = []

    init(_ accept: AcceptRequest, at now: Timestamp, hash: ContactHash, random: RandomBytes) {
        merchant = accept.merchant
        requestID = accept.requestID
        self.now = now
        request = accept.idempotency.map {
            Request(
                key: Self.name("request", $0.key), hash: hash.digest(of: $0.canonicalRequest, for: "accept"),
                marker: UUID(bytes: random(16), version: 4))
        }
        var groups: [Group: [AcceptItem]] = [:]
        var order: [Group] = []
        for item in accept.items {
            let group = Group(integration: item.integration, index: item.index)
            if groups[group] == nil { order.append(group) }
            groups[group, default: []].append(item)
        }
        for group in order { add(groups[group] ?? [], key: accept.idempotency?.key, hash, random) }
        // Two requests with the same events take their locks in the same order.
        guards.sort { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }
    }

    /// What belongs together: an event and the upsert of its contact.
    private struct Group: Hashable {
        var integration: IntegrationID
        var index: Int
    }

    private mutating func add(_ items: [AcceptItem], key: String?, _ hash: ContactHash, _ random: RandomBytes) {
        let ids = items.map { _ in DeliveryID(.v7(at: now, random: random(10))) }
        let principal = items.firstIndex(where: \.isPrincipal)
        let event = principal.flatMap { position in
            items[position].eventKey.map { (key: Self.eventKey($0, items[position].integration), position: position) }
        }
        if let principal {
            principals.append(
                Principal(
                    index: items[principal].index, crmType: items[principal].crmType, proposed: ids[principal], guardKey: event?.key))
        }
        if let event {
            // Said twice in one request: the first stands.
            guard !guards.contains(where: { $0.key == event.key }) else { return }
            let said = JSONValue.object(items[event.position].payload).serialized()
            guards.append(Guard(key: event.key, id: ids[event.position], hash: hash.digest(of: said, for: "accept")))
        }
        for (item, id) in zip(items, ids) {
            let idempotencyKey = Self.idempotencyKey(of: item, event?.key, request: key, random)
            rows.append(
                Row(
                    delivery: id, item: item, idempotencyKey: idempotencyKey,
                    payload: Self.completed(item, key: idempotencyKey, acceptedAt: now), guardKey: event?.key,
                    guardID: event.map { ids[$0.position] }))
        }
    }
}

// MARK: - Keys

extension AcceptPlan {
    private static func eventKey(_ event: (name: String, uniqueID: String), _ integration: IntegrationID) -> UUID {
        name("event", integration.description, event.name, event.uniqueID)
    }

    /// The same for the same write, however often it is asked for: by the event's own key, else by the request's, else unrepeatable.
    private static func idempotencyKey(of item: AcceptItem, _ event: UUID?, request: String?, _ random: RandomBytes) -> UUID {
        if let event { return item.kind == .event ? event : name("with-event", item.kind.rawValue, event.uuidString) }
        if let request {
            return name("item", item.integration.description, request, String(item.index), item.kind.rawValue)
        }
        return UUID(bytes: random(16), version: 4)
    }

    /// A name-based UUID of version 8 (RFC 9562): SHA-256 over the parts, each with its length before it, so that no two lists of parts
    /// run together.
    private static func name(_ parts: String...) -> UUID {
        var hash = SHA256()
        for part in parts {
            let bytes = Array(part.utf8)
            hash.update((0..<8).map { UInt8(truncatingIfNeeded: UInt64(bytes.count) >> (56 - 8 * UInt64($0))) })
            hash.update(bytes)
        }
        return UUID(bytes: Array(hash.finish().prefix(16)), version: 8)
    }

    private static func completed(_ item: AcceptItem, key: UUID, acceptedAt now: Timestamp) -> JSONObject {
        guard item.kind == .event else { return item.payload }
        var payload = item.payload
        if payload["occurred_at"] == nil { payload["occurred_at"] = .string(now.description) }
        if payload["unique_id"] == nil { payload["unique_id"] = .string(key.uuidString.lowercased()) }
        return payload
    }
}
