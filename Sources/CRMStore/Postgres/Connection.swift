internal import CPostgres
internal import CRMCore

/// One session with the server, in pipeline mode, one exchange at a time. Lives on the driver's thread.
final class Connection {
    enum Event {
        case nothing
        case finished(Exchange)
        /// The connection is of no more use.
        case lost
    }

    /// More statements than this are not all worth keeping: somebody builds SQL text from data.
    private static let maximumNames = 512

    private let handle: ConnectionHandle
    private let usesNames: Bool
    private var names: [String: String] = [:]
    private var namesMade = 0
    private(set) var exchange: Exchange?
    private(set) var wantsToWrite = false
    private(set) var isSpoilt = false
    private var commitIsDoubtful = false
    var transaction: TransactionID?

    init(_ handle: ConnectionHandle, usesNames: Bool) {
        self.handle = handle
        self.usesNames = usesNames
        // Notices would go to stderr, with data in them.
        PQsetNoticeReceiver(
            handle.pointer,
            { context, result in
                guard let context, let result, Diagnosis(result).makesCommitDoubtful else { return }
                Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue().commitIsDoubtful = true
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit { PQsetNoticeReceiver(handle.pointer, { _, _ in }, nil) }

    private var pointer: OpaquePointer { handle.pointer }
    var descriptor: Int32 { PQsocket(pointer) }
    var isFree: Bool { exchange == nil && transaction == nil }
    var hasOpenTransaction: Bool { PQtransactionStatus(pointer) != PQTRANS_IDLE }

    /// Sends the statements in one pipeline; `false`: the connection is lost.
    func start(_ request: Request?, _ statements: [Statement], deadline: ContinuousClock.Instant) -> Bool {
        precondition(exchange == nil, "one exchange at a time")
        var expected: [Exchange.Expected] = []
        for (index, statement) in statements.enumerated() {
            guard send(statement, at: index, &expected) else { return false }
        }
        commitIsDoubtful = false
        exchange = Exchange(request: request, deadline: deadline, expected: expected)
        return PQpipelineSync(pointer) == 1 && flush()
    }

    private func send(_ statement: Statement, at index: Int, _ expected: inout [Exchange.Expected]) -> Bool {
        let parameters = statement.parameters
        let types = parameters.map(\.oid)
        let name = names[statement.sql]
        if usesNames, name == nil, !parameters.isEmpty, names.count < Self.maximumNames {
            namesMade += 1
            let new = "crm_\(namesMade)"
            guard PQsendPrepare(pointer, new, statement.sql, Int32(types.count), types) == 1 else { return false }
            names[statement.sql] = new
            expected.append(.prepared(sql: statement.sql))
        }
        expected.append(.rows(statement: index))
        return withPointers(to: parameters) { values, lengths in
            let count = Int32(parameters.count)
            let formats = [Int32](repeating: 1, count: parameters.count)
            return if let name = names[statement.sql] {
                PQsendQueryPrepared(pointer, name, count, values, lengths, formats, 1) == 1
            } else {
                PQsendQueryParams(pointer, statement.sql, count, types, values, lengths, formats, 1) == 1
            }
        }
    }

    /// All values in one buffer, so that they are at fixed places during the call.
    private func withPointers<Result>(
        to parameters: [Parameter], _ body: ([UnsafePointer<CChar>?], [Int32]) -> Result
    ) -> Result {
        // The byte at the end gives an empty value a place that is not NULL.
        let buffer = Array(parameters.map { $0.bytes ?? [] }.joined()) + [0]
        return buffer.withUnsafeBytes { buffer in
            var offset = 0
            let values = parameters.map { parameter in
                defer { offset += parameter.bytes?.count ?? 0 }
                guard parameter.bytes != nil, let start = buffer.baseAddress else { return UnsafePointer<CChar>?.none }
                return (start + offset).assumingMemoryBound(to: CChar.self)
            }
            return body(values, parameters.map { Int32($0.bytes?.count ?? 0) })
        }
    }

    private func flush() -> Bool {
        let state = PQflush(pointer)
        wantsToWrite = state == 1
        return state >= 0
    }

    /// Called when the socket is readable or writable.
    func proceed() -> Event {
        // Reads while it writes: a server that is itself blocked writing would never read the rest of our pipeline.
        guard PQconsumeInput(pointer) == 1, flush() else { return .lost }
        guard exchange != nil else { return PQstatus(pointer) == CONNECTION_OK ? .nothing : .lost }
        var previousWasEnd = false
        while PQisBusy(pointer) == 0 {
            guard let result = PQgetResult(pointer) else {
                // One NULL ends a statement's results; two mean that libpq expects nothing although we do.
                if previousWasEnd { return .lost }
                previousWasEnd = true
                continue
            }
            previousWasEnd = false
            if PQresultStatus(result) == PGRES_PIPELINE_SYNC {
                PQclear(result)
                return finish()
            }
            receive(result)
            if PQstatus(pointer) != CONNECTION_OK { return .lost }
        }
        return PQstatus(pointer) == CONNECTION_OK ? .nothing : .lost
    }

    private func receive(_ raw: OpaquePointer) {
        let status = PQresultStatus(raw)
        let result = QueryResult(raw)
        guard let current = exchange, current.received < current.expected.count else { return }
        exchange?.received += 1
        let succeeded = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
        if status == PGRES_FATAL_ERROR {
            let diagnosis = result.diagnosis
            isSpoilt = isSpoilt || diagnosis.spoilsConnection
            exchange?.failure = current.failure ?? StoreError(sqlState: diagnosis.sqlState, constraint: diagnosis.constraint)
        }
        switch current.expected[current.received] {
        case .prepared(let sql):
            if !succeeded { names[sql] = nil }
        case .rows(let statement):
            if succeeded && statement == current.request?.answer { exchange?.rows = Rows(result) }
            if result.commandTag == "ROLLBACK" && current.request?.statements[statement].sql == "COMMIT" {
                // The server's way to say that an earlier statement had failed.
                exchange?.failure = current.failure ?? .refused(sqlState: "25P02", constraint: nil)
            }
        }
    }

    private func finish() -> Event {
        guard var finished = exchange else { return .lost }
        exchange = nil
        if commitIsDoubtful { finished.failure = finished.failure ?? .retrySoon }
        return .finished(finished)
    }
}
