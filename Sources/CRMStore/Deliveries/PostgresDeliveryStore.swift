package import CRMCore
internal import FoundationEssentials

/// Acceptance and look-up of deliveries, each under the row-level security of its merchant.
package struct PostgresDeliveryStore: DeliveryStore {
    let pool: PostgresPool
    private let hash: ContactHash
    let clock: WallClock
    private let random: RandomBytes
    private let acceptTimeout: Duration

    /// `acceptTimeout` is shorter than other statements': a client is waiting, and may ask again.
    package init(
        pool: PostgresPool, hash: ContactHash, clock: @escaping WallClock, random: @escaping RandomBytes,
        acceptTimeout: Duration = .seconds(2)
    ) {
        self.pool = pool
        self.hash = hash
        self.clock = clock
        self.random = random
        self.acceptTimeout = acceptTimeout
    }

    package func accept(_ request: AcceptRequest) async throws(StoreError) -> AcceptAnswer {
        let plan = AcceptPlan(request, at: clock(), hash: hash, random: random)
        if request.items.isEmpty { return try await earlierAnswer(plan) }
        let rows = try await pool.run(plan.statement(hash), as: request.merchant, timeout: acceptTimeout)
        var firsts: [UUID: UUID] = [:]
        for row in rows {
            let key = try row.uuid("key")
            if try row.bool("is_request") {
                guard try row.uuid("first_id") != plan.request?.marker else { continue }
                // The stored hash tells a repetition from another request under the same key.
                guard try row.bytes("request_hash") == plan.request?.hash else { return .idempotencyMismatch }
                return try await storedAnswer(key, of: request.merchant)
            }
            firsts[key] = try row.uuid("first_id")
        }
        return .accepted(
            requestID: request.requestID,
            plan.principals.map { principal in
                let first = principal.guardKey.flatMap { firsts[$0] }.map { DeliveryID($0) } ?? principal.proposed
                return AcceptedDelivery(
                    index: principal.index, crmType: principal.crmType, id: first, isDuplicate: first != principal.proposed)
            })
    }

    /// Nothing is there to be stored, but perhaps it was before.
    private func earlierAnswer(_ plan: AcceptPlan) async throws(StoreError) -> AcceptAnswer {
        guard let request = plan.request else { return .accepted(requestID: plan.requestID, []) }
        let known = try await pool.run(
            "SELECT request_hash FROM crm.accept_keys WHERE merchant_id = \(plan.merchant) AND key = \(request.key)", as: plan.merchant)
        guard let row = known.first else { return .accepted(requestID: plan.requestID, []) }
        guard try row.bytes("request_hash") == request.hash else { return .idempotencyMismatch }
        return try await storedAnswer(request.key, of: plan.merchant)
    }

    /// A statement of its own: the first request's rows may have been committed after the accepting statement had taken its snapshot.
    private func storedAnswer(_ key: UUID, of merchant: MerchantID) async throws(StoreError) -> AcceptAnswer {
        let rows = try await pool.run(
            "SELECT request_id, deliveries FROM crm.accept_answers WHERE merchant_id = \(merchant) AND key = \(key)", as: merchant)
        guard let row = rows.first else { throw .conflict }
        let deliveries = try row.json("deliveries").arrayValue ?? []
        return .accepted(requestID: try row.text("request_id"), deliveries.compactMap { AcceptedDelivery(stored: $0) })
    }
}

extension AcceptedDelivery {
    fileprivate init?(stored value: JSONValue) {
        guard let index = value["index"]?.intValue, let type = value["crm_type"]?.stringValue.flatMap({ CRMType($0) }),
            let id = value["id"]?.stringValue.flatMap({ DeliveryID($0) }), let isDuplicate = value["duplicate"]?.boolValue
        else { return nil }
        self.init(index: index, crmType: type, id: id, isDuplicate: isDuplicate)
    }
}
