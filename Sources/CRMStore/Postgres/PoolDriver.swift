internal import CRMCore
internal import Glibc
internal import Logging

/// Moves all connections of a pool, on one thread of its own: it polls their sockets and the inbox and never blocks elsewhere.
final class PoolDriver {
    private let inbox: PoolInbox
    private let connector: Connector
    private let options: PoolOptions
    private let logger: Logger

    private var connections: [Connection] = []
    private var waiting: [(request: Request, until: ContinuousClock.Instant)] = []
    private var opening = Opening()
    private var closing: [CheckedContinuation<Void, Never>?] = []

    /// At most one attempt to connect is under way; after a failure the next one waits.
    private struct Opening {
        static let firstPause = Duration.milliseconds(50)
        static let longestPause = Duration.milliseconds(1_000)

        var isUnderWay = false
        var failures = 0
        var notBefore = ContinuousClock.now

        mutating func failed() {
            isUnderWay = false
            failures += 1
            notBefore = .now + min(Self.longestPause, Self.firstPause * (1 << min(failures, 10)))
        }

        mutating func succeeded() {
            self = Opening()
        }
    }

    init(inbox: PoolInbox, source: DataSource, options: PoolOptions, logger: Logger) {
        self.inbox = inbox
        self.options = options
        self.logger = logger
        connector = Connector(source, options)
    }

    /// Returns when the pool is closed and what was under way has ended.
    func run() {
        while closing.isEmpty || connections.contains(where: { !$0.isFree }) {
            openIfNeeded()
            waitForSomething()
            for command in inbox.takeAll() { obey(command) }
            giveUpOnLate()
            serveWaiting()
        }
        connections = []
        for command in inbox.shut() { obey(command) }
        for (request, _) in waiting { request.continuation.resume(returning: .failure(.retrySoon)) }
        for continuation in closing { continuation?.resume() }
    }

    // MARK: Waiting

    private func waitForSomething() {
        let watched = connections
        var descriptors = [pollfd(fd: inbox.descriptor, events: Int16(POLLIN), revents: 0)]
        for connection in watched {
            let events = connection.wantsToWrite ? POLLIN | POLLOUT : POLLIN
            descriptors.append(pollfd(fd: connection.descriptor, events: Int16(events), revents: 0))
        }
        guard poll(&descriptors, nfds_t(descriptors.count), pollTimeout()) > 0 else { return }
        for (connection, descriptor) in zip(watched, descriptors.dropFirst()) where descriptor.revents != 0 {
            handle(connection.proceed(), of: connection)
        }
    }

    /// Until the first of all deadlines, in milliseconds, rounded up so that it has passed then.
    private func pollTimeout() -> Int32 {
        var moments = waiting.first.map { [$0.until] } ?? []
        moments += connections.compactMap { $0.exchange?.deadline }
        if wantsConnection && !opening.isUnderWay { moments.append(opening.notBefore) }
        guard let first = moments.min() else { return -1 }
        return Int32(clamping: max(0, (first - .now).milliseconds + 1))
    }

    private func giveUpOnLate() {
        let now = ContinuousClock.now
        // All wait equally long, so the first is the first to be late.
        let late = waiting.prefix { $0.until <= now }
        waiting.removeFirst(late.count)
        for (request, _) in late { request.continuation.resume(returning: .failure(.retrySoon)) }
        for connection in connections {
            guard let exchange = connection.exchange, exchange.deadline <= now else { continue }
            logger.warning("the database did not answer in time; the connection is closed")
            drop(connection)
        }
    }

    // MARK: Commands

    private func obey(_ command: PoolInbox.Command) {
        switch command {
        case .submit(let request): submit(request)
        case .cancel(let id): cancel(id)
        case .opened(.success(let handle)): opened(handle)
        case .opened(.failure(let failure)): couldNotOpen(failure)
        case .close(let continuation): closing.append(continuation)
        }
    }

    private func submit(_ request: Request) {
        if let transaction = request.session.transaction {
            guard let connection = connections.first(where: { $0.transaction == transaction }) else {
                request.continuation.resume(returning: .failure(.retrySoon))
                return
            }
            start(request, on: connection)
        } else if !closing.isEmpty || waiting.count >= options.maximumWaiting {
            request.continuation.resume(returning: .failure(.retrySoon))
        } else {
            waiting.append((request, .now + options.acquireTimeout))
        }
    }

    /// Only a request that nobody has begun: what the server has seen is finished, so that the connection stays in step.
    private func cancel(_ id: Request.ID) {
        guard let index = waiting.firstIndex(where: { $0.request.id == id }) else { return }
        waiting.remove(at: index).request.continuation.resume(returning: .failure(.retrySoon))
    }

    private func opened(_ handle: ConnectionHandle) {
        if opening.failures > 0 { logger.notice("the database can be reached again") }
        opening.succeeded()
        if closing.isEmpty { connections.append(Connection(handle, usesNames: options.namedStatements)) }
    }

    private func couldNotOpen(_ failure: ConnectFailure) {
        opening.failed()
        // Once per outage and then rarely: an outage of hours must not fill the log.
        guard opening.failures == 1 || opening.failures.isMultiple(of: 60) else { return }
        logger.warning("cannot connect to the database", metadata: ["reason": "\(failure.description)"])
    }

    // MARK: Connections

    private var wantsConnection: Bool {
        closing.isEmpty && connections.count < options.size && (connections.isEmpty || !waiting.isEmpty)
    }

    private func openIfNeeded() {
        guard wantsConnection, !opening.isUnderWay, opening.notBefore <= .now else { return }
        opening.isUnderWay = true
        connector.open { [inbox] result in inbox.post(.opened(result)) }
    }

    private func serveWaiting() {
        while !waiting.isEmpty, let connection = connections.last(where: \.isFree) {
            start(waiting.removeFirst().request, on: connection)
        }
    }

    private func start(_ request: Request, on connection: Connection) {
        if !connection.start(request, request.statements, deadline: .now + request.timeout + .seconds(1)) {
            drop(connection, failing: request)
        }
    }

    private func handle(_ event: Connection.Event, of connection: Connection) {
        switch event {
        case .nothing: break
        case .lost: drop(connection)
        case .finished(let exchange): finish(exchange, on: connection)
        }
    }

    private func finish(_ exchange: Exchange, on connection: Connection) {
        switch exchange.request?.session {
        case .begins(let transaction) where exchange.failure == nil: connection.transaction = transaction
        case .ends: connection.transaction = nil
        case .none?, .begins, .continues, nil: break
        }
        if connection.isSpoilt || (exchange.request == nil && connection.hasOpenTransaction) {
            drop(connection)
        } else if connection.transaction == nil && connection.hasOpenTransaction {
            // A statement between BEGIN and COMMIT failed.
            if !connection.start(nil, ["ROLLBACK"], deadline: .now + options.statementTimeout) { drop(connection) }
        }
        exchange.request?.continuation.resume(returning: exchange.answer)
    }

    /// `request` is one that could not even be sent. Whether anything happened at the server is unknown.
    private func drop(_ connection: Connection, failing request: Request? = nil) {
        connections.removeAll { $0 === connection }
        let request = request ?? connection.exchange?.request
        request?.continuation.resume(returning: .failure(.retrySoon))
    }
}
