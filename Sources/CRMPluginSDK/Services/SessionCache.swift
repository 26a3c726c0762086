internal import CRMPluginAPI

/// What a connection remembers between operations, in the host's memory: a session, an access token.
///
/// Keys are plain names, such as `session`. The host keeps the entries of each connection apart and forgets them when its credentials
/// change; it may forget them at any other time too.
public struct SessionCache: Sendable {
    /// A value and how long it is good for.
    public struct Made: Sendable {
        public var value: [UInt8]
        public var timeToLive: Duration

        public init(_ value: [UInt8], timeToLive: Duration) {
            self.value = value
            self.timeToLive = timeToLive
        }
    }

    private let service: HostTable<crm_cache_v1>?
    private let operationID: UInt64

    init(_ service: HostTable<crm_cache_v1>?, operationID: UInt64) {
        self.service = service
        self.operationID = operationID
    }

    /// The entry under `key`, or what `make` makes: of all operations that ask at once one makes it and the others wait.
    ///
    /// What `make` throws is thrown to its own caller, and the next one that waits makes the value. A host without this service
    /// remembers nothing: there `make` runs each time.
    public func value(_ key: String, make: () async throws -> Made) async throws -> [UInt8] {
        guard let service else { return try await make().value }
        try Task.checkCancellation()
        switch await acquire(key, flags: 0, service) {
        case .found(let value): return value
        case .mustMake(let ticket): return try await fulfil(ticket, service, make)
        case .cancelled: throw CancellationError()
        case .missing: return try await make().value
        }
    }

    /// The entry under `key`; `nil` when there is none, also while somebody is making it.
    public func look(_ key: String) async -> [UInt8]? {
        guard let service, case .found(let value) = await acquire(key, flags: CRM_CACHE_ONLY_LOOK, service) else { return nil }
        return value
    }

    /// Forgets the entry, if it still is `stale`: of many operations that find a session dead, the first removes it, and none removes
    /// the next one.
    public func remove(_ key: String, stale: [UInt8]) {
        guard let service = service?.table else { return }
        var texts = BorrowedTexts()
        let key = texts.append(key.utf8)
        let value = texts.append(stale)
        texts.storage.withUnsafeBytes { service.remove(service.ctx, operationID, $0.text(key), $0.bytes(value)) }
    }

    private func fulfil(_ ticket: UInt64, _ service: HostTable<crm_cache_v1>, _ make: () async throws -> Made) async throws -> [UInt8] {
        let table = service.table
        do {
            let made = try await make()
            made.value.withUnsafeBytes { table.put(table.ctx, ticket, $0.bytes(0..<$0.count), made.timeToLive.wholeMilliseconds) }
            return made.value
        } catch {
            table.give_up(table.ctx, ticket)
            throw error
        }
    }

    private func acquire(_ key: String, flags: UInt32, _ service: HostTable<crm_cache_v1>) async -> CacheAnswer {
        await HostCall<CacheAnswer>.answer(
            start: { user in
                let table = service.table
                Array(key.utf8).withUnsafeBytes { key in
                    table.acquire(table.ctx, operationID, key.text(0..<key.count), flags, user) { user, outcome, ticket, value in
                        HostCall<CacheAnswer>.finish(user, CacheAnswer(outcome, ticket, copying: value))
                    }
                }
                return 0
            },
            // The service knows no taking back: its answer comes when it comes, and nobody waits for it any more.
            cancel: { _ in .unheard(.cancelled) },
            unclaimed: { answer in
                if case .mustMake(let ticket) = answer { service.table.give_up(service.table.ctx, ticket) }
            })
    }
}

private enum CacheAnswer: Sendable {
    case found([UInt8])
    case missing
    case mustMake(ticket: UInt64)
    case cancelled

    init(_ outcome: Int32, _ ticket: UInt64, copying value: crm_bytes) {
        switch outcome {
        case CRM_CACHE_FOUND: self = .found(value.copy)
        case CRM_CACHE_MAKE: self = .mustMake(ticket: ticket)
        case CRM_CACHE_CANCELLED: self = .cancelled
        default: self = .missing
        }
    }
}

extension Duration {
    /// Rounded down, so that nothing lives longer than was said.
    fileprivate var wholeMilliseconds: Int64 { nanoseconds / 1_000_000 }
}
