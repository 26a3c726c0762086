internal import CRMCore
internal import Logging

/// What reaches the owner of a lane from outside.
enum LaneEvent: Sendable {
    /// Rows may have been added.
    case work
    /// A call slot is free.
    case slot
    case attempted(QueuedDelivery, ProviderOutcome?, credentialVersion: Int64)
    case validated(ProviderOutcome?)
    /// The lane is still ours, and this is how its connection is.
    case held(HeldLane)
    case lost
    case stop
}

/// What all lanes of a process share.
struct LaneSurroundings: Sendable {
    let store: any LaneStore
    let connections: any ConnectionStore
    let catalog: any ProviderCatalog
    let configuration: DeliveryConfiguration
    let clock: DeliveryClock
    let random: RandomBytes
    let slots: CallSlots
    /// Lanes wait for a place in this process.
    let isContended: @Sendable () -> Bool
    let logger: Logger
}

/// Serves one lane for as long as it is ours: reads, sends in order, records, gives back.
///
/// Everything happens in the loop of `run()`, but for the calls themselves, which post their outcome to the mailbox.
actor LaneRunner {
    /// Whether the credentials still hold: the CRM refused them once.
    enum Doubt: Equatable {
        case none
        /// Refused under this version; a fresh login comes next, once no call is in flight.
        case suspected(version: Int64)
        case validating
        /// The login worked. One delivery shows whether it was that.
        case trial
    }

    nonisolated let lane: Lane
    nonisolated let lease: LaneLease
    nonisolated let mailbox = Mailbox<LaneEvent>()
    nonisolated let surroundings: LaneSurroundings

    var window = LaneWindow()
    var journal = LaneJournal()
    var state: LaneState
    var breaker: CircuitBreaker
    var doubt = Doubt.none
    var connection: (opened: OpenedConnection, at: ContinuousClock.Instant)?
    /// Of the credentials that are stored, as far as we know: waits about others are over.
    var credentialVersion: Int64?
    /// Rows are sent one at a time, each marked before: the last owner vanished, perhaps because of one of them.
    var isCautious: Bool
    var cleanRows = 0

    var isLost = false
    var isStopping = false
    var stopDeadline: ContinuousClock.Instant?
    /// Decided, and carried out when no call is in flight.
    var handBack: HandBack?
    /// Given up for a while, though it was not taken from us.
    var restsUntil: Timestamp?
    /// The connection was there when we looked first.
    var isConnected = false
    var mayHaveMore = true
    var nextRead: ContinuousClock.Instant
    var nextSweep: ContinuousClock.Instant
    var settleAgain: ContinuousClock.Instant?
    var emptySince: ContinuousClock.Instant?

    /// Why a lane is given back although it has rows, and when it may be taken again.
    struct HandBack: Equatable {
        var notBefore: Timestamp?
    }

    init(_ lane: Lane, asked: ContinuousClock.Instant, _ surroundings: LaneSurroundings) {
        self.lane = lane
        self.surroundings = surroundings
        lease = LaneLease(asked: asked, length: surroundings.configuration.lease)
        state = lane.state
        breaker = CircuitBreaker(opening: lane.state.breaker)
        isCautious = lane.uncleanCount > 0
        nextRead = asked
        nextSweep = asked + surroundings.configuration.sweepPeriod
    }

    var configuration: DeliveryConfiguration { surroundings.configuration }
    var clock: DeliveryClock { surroundings.clock }
    var logger: Logger { surroundings.logger }
    nonisolated var random: RandomBytes { surroundings.random }

    func run() async {
        await withDiscardingTaskGroup { group in
            await serve(&group)
        }
        // Cancellation is the hard way out: the lease runs out by itself.
        if !Task.isCancelled { await conclude() }
    }

    private func serve(_ group: inout DiscardingTaskGroup) async {
        while true {
            if isLost || Task.isCancelled { return }
            do {
                try await fill()
                if !isStopping, handBack == nil { try await send(&group) }
                try await settleIfDue()
                if try await isOver() { return }
            } catch {
                recover(from: error)
            }
            if isLost || Task.isCancelled { return }
            for event in await mailbox.next(until: nextMoment(), clock) { handle(event) }
            if let stopDeadline, clock.now() >= stopDeadline { group.cancelAll() }
        }
    }

    func handle(_ event: LaneEvent) {
        switch event {
        case .work: mayHaveMore = true
        case .slot: break
        case .attempted(let row, let outcome, let version):
            attempted(row, outcome, version)
        case .validated(let outcome): validated(outcome)
        case .held(let news): connectionIs(news)
        case .lost: isLost = true
        case .stop:
            isStopping = true
            stopDeadline = clock.now() + configuration.drain
        }
    }

    /// Decides that the lane is given back; the later of two times to rest holds.
    func leave(notBefore: Timestamp? = nil) {
        let present = handBack?.notBefore
        handBack = HandBack(notBefore: [present, notBefore].compactMap(\.self).max())
    }

    private func connectionIs(_ news: HeldLane) {
        credentialVersion = news.credentialVersion
        guard let opened = connection?.opened.integration else { return }
        let isSame =
            news.credentialVersion == opened.credentialVersion && news.integrationState == opened.state
            && news.updatedAt == opened.updatedAt
        if !isSame { connection = nil }
    }
}
