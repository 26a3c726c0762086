/// What is known of a pending delivery besides its lane's state, to say why it is not being sent.
package struct DeliverySituation: Sendable, Hashable {
    package var kind: DeliveryKind?
    package var integrationState: IntegrationState?
    package var integrationReason: String?
    package var credentialVersion: Int64?
    package var lane: LaneState
    package var notBefore: Timestamp?
    package var hasOlderOfSameContact: Bool

    /// A `kind` of `nil` asks about the connection: a wait of any kind counts.
    package init(
        kind: DeliveryKind?, integrationState: IntegrationState?, integrationReason: String?, credentialVersion: Int64?, lane: LaneState,
        notBefore: Timestamp? = nil, hasOlderOfSameContact: Bool = false
    ) {
        self.kind = kind
        self.integrationState = integrationState
        self.integrationReason = integrationReason
        self.credentialVersion = credentialVersion
        self.lane = lane
        self.notBefore = notBefore
        self.hasOlderOfSameContact = hasOlderOfSameContact
    }

    /// What has to happen first. What only a person can end comes before what ends by itself; `nil`: nothing, it is about to be sent.
    package func waiting(at now: Timestamp) -> Waiting? {
        if integrationState == .paused { return Waiting(reason: .paused, detail: integrationReason ?? "The connection is paused.") }
        if integrationState == .reauthRequired {
            return Waiting(reason: .reauth, detail: integrationReason ?? "The CRM no longer accepts the credentials: connect again.")
        }
        let wait =
            if let kind {
                lane.wait(for: kind, credentialVersion: credentialVersion, at: now)
            } else {
                lane.longestWait(credentialVersion: credentialVersion, at: now)
            }
        if let wait { return wait }
        if let breaker = lane.breaker, breaker.until > now {
            return Waiting(reason: .breaker, until: breaker.until, detail: "The CRM keeps failing; the next try finds out how it is.")
        }
        if hasOlderOfSameContact { return Waiting(reason: .order, detail: "An older delivery of the same contact is pending.") }
        if let notBefore, notBefore > now { return Waiting(reason: .retry, until: notBefore, detail: "The last attempt failed.") }
        return nil
    }
}

extension LaneWait {
    package func holds(at now: Timestamp, credentialVersion version: Int64?) -> Bool {
        if let credentialVersion, let version, credentialVersion != version { return false }
        return waiting.until.map { $0 > now } ?? true
    }
}

extension LaneState {
    /// The wait that concerns deliveries of a kind, or with `nil` the whole lane; of several the one that lasts longest.
    package func wait(for kind: DeliveryKind?, credentialVersion: Int64?, at now: Timestamp) -> Waiting? {
        longestWait(credentialVersion: credentialVersion, at: now) { $0.kind == nil || $0.kind == kind }
    }

    /// Of all waits, the lane's and those of one kind.
    package func longestWait(
        credentialVersion: Int64?, at now: Timestamp, _ concerns: (LaneWait) -> Bool = { _ in true }
    ) -> Waiting? {
        waits.filter { concerns($0) && $0.holds(at: now, credentialVersion: credentialVersion) }
            .map(\.waiting)
            .max { ($0.until ?? .distantFuture) < ($1.until ?? .distantFuture) }
    }

    /// Replaces the wait of the same kind and reason, unless that one lasts longer.
    package mutating func hold(_ wait: LaneWait, at now: Timestamp) {
        waits.removeAll { !$0.holds(at: now, credentialVersion: wait.credentialVersion ?? $0.credentialVersion) }
        if let index = waits.firstIndex(where: { $0.kind == wait.kind && $0.waiting.reason == wait.waiting.reason }) {
            let present = waits[index].waiting.until ?? .distantFuture
            if (wait.waiting.until ?? .distantFuture) > present || waits[index].credentialVersion != wait.credentialVersion {
                waits[index] = wait
            }
        } else {
            waits.append(wait)
        }
    }
}

extension Timestamp {
    /// Later than any time that occurs.
    fileprivate static let distantFuture = Timestamp(microseconds: .max)
}
