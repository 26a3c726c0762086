package import FoundationEssentials

/// Pending deliveries as their senders see them. Every write names the claim under which it is made, and changes nothing when the lane
/// has another owner by then.
package protocol LaneStore: Sendable {
    /// Lanes of these providers with pending deliveries that nobody serves and that are not told to rest, those served longest ago first;
    /// and those whose connection is gone, whatever their provider: there is nothing to send, but their deliveries have to end.
    func scout(_ types: [CRMType], at now: Timestamp, limit: Int) async throws(StoreError) -> [Lane.Key]

    /// Those of the lanes that nobody took meanwhile.
    func take(_ lanes: [Lane.Key], as owner: LaneOwner, lease: Duration) async throws(StoreError) -> [Lane]

    /// Prolongs the leases. A lane that is not in the answer is lost.
    func heartbeat(_ lanes: [LaneClaim], lease: Duration) async throws(StoreError) -> [HeldLane]

    /// Deliveries in order, the first of those whose sequence is greater than `after`: at most `limit`, and fewer when their payloads reach
    /// `QueuedDelivery.bytesPerRead`, but one at least.
    func read(_ lane: Lane.Key, after: Int64, limit: Int) async throws(StoreError) -> [QueuedDelivery]

    /// Deliveries up to `through` that are not among the known. A sequence is given out before its commit, so a lower one can appear
    /// after a higher one was read: what is read only onwards loses rows.
    func sweep(
        _ lane: Lane.Key, through: Int64, known: [Int64], limit: Int
    ) async throws(StoreError) -> [QueuedDelivery]

    /// Notes, before the call, that a delivery is about to be sent. `false`: the lane is lost.
    func mark(_ sequence: Int64, crashMarks: Int, under claim: LaneClaim) async throws(StoreError) -> Bool

    /// Records outcomes, prolongs the lease, all or nothing; may be repeated when its fate is unknown. `false`: the lane is lost.
    func settle(_ settlement: Settlement, lease: Duration) async throws(StoreError) -> Bool

    /// Writes the rows of calls that were made in a lane which is not ours any more: what happened is logged, whoever owns the lane now.
    /// May be repeated.
    func log(_ calls: [SyncLogEntry], of merchant: MerchantID) async throws(StoreError)

    /// Gives a lane back. Nobody takes it before `notBefore`.
    func release(_ claim: LaneClaim, notBefore: Timestamp?) async throws(StoreError)
}

/// The deliveries of one connection, in order: what one process works on at a time.
package struct Lane: Sendable, Hashable {
    package struct Key: Hashable, Sendable {
        package var merchant: MerchantID
        package var lane: LaneID

        package init(merchant: MerchantID, lane: LaneID) {
            self.merchant = merchant
            self.lane = lane
        }
    }

    package var claim: LaneClaim
    package var integration: IntegrationID
    package var crmType: CRMType
    /// How often in a row an owner vanished without giving the lane back.
    package var uncleanCount: Int
    package var state: LaneState

    package init(claim: LaneClaim, integration: IntegrationID, crmType: CRMType, uncleanCount: Int, state: LaneState) {
        self.claim = claim
        self.integration = integration
        self.crmType = crmType
        self.uncleanCount = uncleanCount
        self.state = state
    }

    package var key: Key { claim.key }
}

/// A process from its start to its end, as lanes know it.
package typealias LaneOwner = Identifier<LaneClaim>

/// The right to work on a lane, until somebody else takes it.
package struct LaneClaim: Sendable, Hashable {
    package var key: Lane.Key
    package var owner: LaneOwner
    /// Grows with every change of owner; a write under an old fence changes nothing.
    package var fence: Int64

    package init(key: Lane.Key, owner: LaneOwner, fence: Int64) {
        self.key = key
        self.owner = owner
        self.fence = fence
    }
}

/// What a heartbeat finds out about a lane that is still ours.
package struct HeldLane: Sendable, Hashable {
    package var key: Lane.Key
    /// Of the connection now; `nil` when there is none any more.
    package var credentialVersion: Int64?
    package var integrationState: IntegrationState?
    /// When anything of the connection changed last: its settings, its label.
    package var updatedAt: Timestamp?

    package init(key: Lane.Key, credentialVersion: Int64?, integrationState: IntegrationState?, updatedAt: Timestamp?) {
        self.key = key
        self.credentialVersion = credentialVersion
        self.integrationState = integrationState
        self.updatedAt = updatedAt
    }
}

/// What a lane's next owner must know: the CRM's waits and the breaker, stored with the lane.
package struct LaneState: Sendable, Hashable {
    package var waits: [LaneWait]
    package var breaker: CircuitBreaker.Opening?
    /// How many times in a row the CRM asked for a pause without saying how long.
    package var unnamedWaits: Int

    package init(waits: [LaneWait] = [], breaker: CircuitBreaker.Opening? = nil, unnamedWaits: Int = 0) {
        self.waits = waits
        self.breaker = breaker
        self.unnamedWaits = unnamedWaits
    }
}

/// Deliveries that are held back, all of a lane's or those of one kind.
package struct LaneWait: Sendable, Hashable {
    /// `nil`: the whole lane.
    package var kind: DeliveryKind?
    package var waiting: Waiting
    /// The credentials that this was decided about; with others it no longer holds. `nil`: whatever the credentials.
    package var credentialVersion: Int64?

    package init(kind: DeliveryKind?, waiting: Waiting, credentialVersion: Int64? = nil) {
        self.kind = kind
        self.waiting = waiting
        self.credentialVersion = credentialVersion
    }
}

/// One pending delivery as the owner of its lane reads it.
package struct QueuedDelivery: Sendable, Hashable {
    /// Order within the lane.
    package var sequence: Int64
    package var id: DeliveryID
    package var requestID: String
    package var kind: DeliveryKind
    /// 16 bytes of a keyed hash of the contact's identity.
    package var contactKey: [UInt8]
    /// What no two calls at once may share: a hash of each identity of the contact. Two that are equal by chance wait for each other.
    package let contactMarks: [Int]
    package var idempotencyKey: UUID
    package var payload: JSONObject
    /// Attempts that were made and count.
    package var attempts: Int
    /// What its pauses after failures come to.
    package var backoff: Duration
    /// How often its process vanished, or its provider crashed, while it was being sent.
    package var crashMarks: Int
    package var isAmbiguous: Bool
    package var notBefore: Timestamp?
    package var acceptedAt: Timestamp
    /// How long the payload was as JSON.
    package var payloadBytes: Int

    /// Bodies may be large: with the row that reaches this, a read ends.
    package static let bytesPerRead = 2 << 20

    package init(
        sequence: Int64, id: DeliveryID, requestID: String, kind: DeliveryKind, contactKey: [UInt8], idempotencyKey: UUID,
        payload: JSONObject, attempts: Int, backoff: Duration = .zero, crashMarks: Int = 0, isAmbiguous: Bool, notBefore: Timestamp?,
        acceptedAt: Timestamp, payloadBytes: Int = 0
    ) {
        self.sequence = sequence
        self.id = id
        self.requestID = requestID
        self.kind = kind
        self.contactKey = contactKey
        contactMarks = Self.marks(contactKey, kind == .contact ? payload : payload["contact"]?.objectValue ?? [:])
        self.idempotencyKey = idempotencyKey
        self.payload = payload
        self.attempts = attempts
        self.backoff = backoff
        self.crashMarks = crashMarks
        self.isAmbiguous = isAmbiguous
        self.notBefore = notBefore
        self.acceptedAt = acceptedAt
        self.payloadBytes = payloadBytes
    }

    /// Somebody who is named by an address here and by an address and an id there is one person.
    private static func marks(_ key: [UInt8], _ contact: JSONObject) -> [Int] {
        let names = ContactInput.identityNames.compactMap { name in contact[name]?.stringValue.map { "\(name) \($0.lowercased())" } }
        return names.isEmpty ? [key.hashValue] : names.map(\.hashValue)
    }
}
