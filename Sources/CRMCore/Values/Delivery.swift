/// One contact or event on its way to one CRM, as the API shows it.
package struct Delivery: Sendable, Hashable {
    package var id: DeliveryID
    package var requestID: String
    package var crmType: CRMType
    package var kind: DeliveryKind
    package var state: DeliveryState
    package var attempts: Int
    package var acceptedAt: Timestamp
    package var finishedAt: Timestamp?
    package var remoteID: String?
    package var warnings: [JSONValue]
    package var waiting: Waiting?
    package var lastErrorCode: String?
    package var lastErrorDetail: String?

    package init(
        id: DeliveryID, requestID: String, crmType: CRMType, kind: DeliveryKind, state: DeliveryState, attempts: Int,
        acceptedAt: Timestamp, finishedAt: Timestamp? = nil, remoteID: String? = nil, warnings: [JSONValue] = [],
        waiting: Waiting? = nil, lastErrorCode: String? = nil, lastErrorDetail: String? = nil
    ) {
        self.id = id
        self.requestID = requestID
        self.crmType = crmType
        self.kind = kind
        self.state = state
        self.attempts = attempts
        self.acceptedAt = acceptedAt
        self.finishedAt = finishedAt
        self.remoteID = remoteID
        self.warnings = warnings
        self.waiting = waiting
        self.lastErrorCode = lastErrorCode
        self.lastErrorDetail = lastErrorDetail
    }
}

/// What a delivery does at the CRM.
package enum DeliveryKind: String, Sendable, CaseIterable {
    case contact
    case event
}

/// `queued` and `waiting` are pending; the others are final.
package enum DeliveryState: String, Sendable, CaseIterable {
    case queued
    case waiting
    case done
    case dead
    case cancelled
}

/// Why a pending delivery, or a whole connection, is not being sent right now.
package struct Waiting: Sendable, Hashable {
    package enum Reason: String, Sendable, CaseIterable {
        /// An older delivery of the same contact is pending.
        case order
        case retry
        case vendorWait = "vendor_wait"
        case breaker
        case reauth
        case permission
        case paused
        case providerUnavailable = "provider_unavailable"
    }

    package var reason: Reason
    package var until: Timestamp?
    package var detail: String

    package init(reason: Reason, until: Timestamp? = nil, detail: String) {
        self.reason = reason
        self.until = until
        self.detail = detail
    }
}

/// What one request asks to have delivered: for each connection an upsert, an event, or both in this order.
package struct AcceptRequest: Sendable {
    package var merchant: MerchantID
    package var requestID: String
    /// The client's Idempotency-Key with the canonical request, when it sent one.
    package var idempotency: (key: String, canonicalRequest: [UInt8])?
    package var items: [AcceptItem]

    package init(
        merchant: MerchantID, requestID: String, idempotency: (key: String, canonicalRequest: [UInt8])?, items: [AcceptItem]
    ) {
        self.merchant = merchant
        self.requestID = requestID
        self.idempotency = idempotency
        self.items = items
    }
}

/// One delivery to be accepted.
package struct AcceptItem: Sendable {
    package var integration: IntegrationID
    package var crmType: CRMType
    package var kind: DeliveryKind
    /// Normalised: what tells the contact apart from others. The first of external id, e-mail and phone that is there.
    package var contactIdentity: String
    /// The contact, or the event with its contact, in the shape of the provider operation's payload; an event without
    /// `occurred_at` or `unique_id` gets them when it is accepted.
    package var payload: JSONObject
    /// The event's name and `unique_id` where the client gave one: the same again is a duplicate.
    package var eventKey: (name: String, uniqueID: String)?
    /// The position of the request's item that this belongs to.
    package var index: Int
    /// Whether the answer names this delivery. The upsert that comes with an event is not named.
    package var isPrincipal: Bool

    package init(
        integration: IntegrationID, crmType: CRMType, kind: DeliveryKind, contactIdentity: String, payload: JSONObject,
        eventKey: (name: String, uniqueID: String)?, index: Int, isPrincipal: Bool
    ) {
        self.integration = integration
        self.crmType = crmType
        self.kind = kind
        self.contactIdentity = contactIdentity
        self.payload = payload
        self.eventKey = eventKey
        self.index = index
        self.isPrincipal = isPrincipal
    }
}

/// How one principal item was taken.
package struct AcceptedDelivery: Sendable, Hashable {
    package var index: Int
    package var crmType: CRMType
    package var id: DeliveryID
    /// It was accepted before; `id` is that of the first.
    package var isDuplicate: Bool

    package init(index: Int, crmType: CRMType, id: DeliveryID, isDuplicate: Bool) {
        self.index = index
        self.crmType = crmType
        self.id = id
        self.isDuplicate = isDuplicate
    }
}

/// How a request was taken, after its commit.
package enum AcceptAnswer: Sendable, Hashable {
    /// `requestID` is that of the first request when the Idempotency-Key is known.
    case accepted(requestID: String, [AcceptedDelivery])
    /// The Idempotency-Key came with another request before.
    case idempotencyMismatch
}
