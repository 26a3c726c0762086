internal import CRMCore
internal import FoundationEssentials
internal import Logging

// Who is sent next, and under which conditions.
extension LaneRunner {
    func send(_ group: inout DiscardingTaskGroup) async throws(StoreError) {
        let limit = capacity
        // Whether there is a connection at all matters to rows that wait for their retry as well.
        guard limit > 0, !sendable(1).isEmpty || isValidationDue || !isConnected && !window.isEmpty else { return }
        guard let opened = try await openConnection() else { return }
        if case .suspected(let version) = doubt, version != opened.integration.credentialVersion { doubt = .none }
        if isValidationDue { return validate(opened, &group) }
        for row in sendable(limit) {
            let now = clock.wall()
            if configuration.retry.isExpired(acceptedAt: row.acceptedAt, now: now) {
                bury(row, .expired, "Not delivered within the time that deliveries are kept.")
                continue
            }
            if row.crashMarks >= configuration.retry.maximumCrashMarks {
                bury(row, .crashSuspect, "The process vanished each time this was sent.")
                continue
            }
            guard mayCall, takeSlot() else { return }
            if isCautious {
                guard try await mark(row) else { return }
                // That may have taken a while.
                guard mayCall else { return try await unmark(row) }
            }
            window.begin(row)
            start(row, opened, &group)
        }
    }

    /// How many calls may begin now.
    private var capacity: Int {
        let now = clock.wall()
        guard heldUntil(now) == nil, doubt != .validating else { return 0 }
        let alone = window.sendingCount == 0 ? 1 : 0
        if case .probe = breaker.admission(at: now) { return alone }
        return isCautious || doubt != .none ? alone : configuration.callsPerLane - window.sendingCount
    }

    private var isValidationDue: Bool {
        if case .suspected = doubt { window.sendingCount == 0 } else { false }
    }

    func sendable(_ limit: Int) -> [QueuedDelivery] {
        let now = clock.wall()
        return window.sendable(limit, at: now, resting: restingKinds(now))
    }

    /// Until when the whole lane rests: the CRM asked for it, or the breaker is open.
    func heldUntil(_ now: Timestamp) -> Timestamp? {
        var until = state.wait(for: nil, credentialVersion: credentialVersion, at: now)?.until
        if case .none(let opens) = breaker.admission(at: now) { until = max(until ?? opens, opens) }
        return until
    }

    func restingKinds(_ now: Timestamp) -> Set<DeliveryKind> {
        Set(
            state.waits.compactMap { wait in
                wait.holds(at: now, credentialVersion: credentialVersion) ? wait.kind : nil
            })
    }

    private var mayCall: Bool {
        lease.covers(configuration.callTimeout, from: clock.now(), margin: configuration.leaseMargin)
    }

    private func takeSlot() -> Bool {
        surroundings.slots.take(for: self) { [mailbox] in mailbox.post(.slot) }
    }

    private func mark(_ row: QueuedDelivery) async throws(StoreError) -> Bool {
        do {
            if try await surroundings.store.mark(row.sequence, crashMarks: row.crashMarks + 1, under: lane.claim) { return true }
        } catch {
            surroundings.slots.giveBack()
            throw error
        }
        surroundings.slots.giveBack()
        isLost = true
        return false
    }

    private func unmark(_ row: QueuedDelivery) async throws(StoreError) {
        surroundings.slots.giveBack()
        if try await !surroundings.store.mark(row.sequence, crashMarks: row.crashMarks, under: lane.claim) { isLost = true }
    }

    private func start(_ row: QueuedDelivery, _ opened: OpenedConnection, _ group: inout DiscardingTaskGroup) {
        let request = ProviderRequest(
            operation: row.kind == .contact ? .createOrUpdateContact : .sendEvent, credentials: opened.credentials,
            settings: opened.integration.settings, payload: [row.kind.rawValue: .object(row.payload)],
            idempotencyKey: row.idempotencyKey.uuidString.lowercased(), account: account,
            // Whether a process that vanished had sent it is not known either.
            attempt: row.attempts + 1, lookBeforeWrite: row.isAmbiguous || row.crashMarks > 0 || isCautious,
            timeout: configuration.callTimeout)
        let attempt = self.attempt(request, opened)
        let version = opened.integration.credentialVersion
        group.addTask { [mailbox, slots = surroundings.slots] in
            let outcome = await attempt.run()
            slots.giveBack()
            mailbox.post(.attempted(row, outcome, credentialVersion: version))
        }
    }

    /// A fresh login with the credentials that are stored now.
    private func validate(_ opened: OpenedConnection, _ group: inout DiscardingTaskGroup) {
        guard mayCall, takeSlot() else { return }
        doubt = .validating
        let request = ProviderRequest(
            operation: .validateCredentials, credentials: opened.credentials, settings: opened.integration.settings, payload: [:],
            idempotencyKey: lane.integration.description, account: account, timeout: configuration.callTimeout)
        let attempt = self.attempt(request, opened)
        group.addTask { [mailbox, slots = surroundings.slots] in
            let outcome = await attempt.run()
            slots.giveBack()
            mailbox.post(.validated(outcome))
        }
    }

    private var account: String { ProviderRequest.account(of: lane.key.merchant, lane.crmType) }

    private func attempt(_ request: ProviderRequest, _ opened: OpenedConnection) -> LaneAttempt {
        LaneAttempt(
            crmType: lane.crmType, connection: opened, request: request, catalog: surroundings.catalog,
            connections: surroundings.connections, logger: logger)
    }

    /// `nil`: there is nothing to send with, and what follows from that was done.
    private func openConnection() async throws(StoreError) -> OpenedConnection? {
        let now = clock.now()
        if let connection, now < connection.at + configuration.credentialLife { return connection.opened }
        connection = nil
        let found: OpenedConnection?
        do {
            found = try await surroundings.connections.open(lane.key.merchant, lane.crmType)
        } catch .undecryptable {
            logger.error("credentials do not decrypt", metadata: ["integration": "\(lane.integration)"])
            leave(notBefore: clock.wall() + .seconds(60))
            return nil
        }
        guard let found, found.integration.id == lane.integration else {
            cancelAll()
            return nil
        }
        guard found.integration.state != .paused, found.integration.state != .reauthRequired else {
            leave()
            return nil
        }
        isConnected = true
        connection = (found, now)
        credentialVersion = found.integration.credentialVersion
        return found
    }
}
