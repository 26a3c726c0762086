import CRMCore
import CRMServer
import FoundationEssentials
import Synchronization

/// The ports of the API in memory, and switches to let each of them fail.
final class MemoryService: Sendable {
    struct State {
        var merchants: [String: Merchant] = [:]
        var sessions: [String] = []
        var integrations: [Integration] = []
        var credentials: [IntegrationID: JSONValue] = [:]
        var deliveries: [Delivery] = []
        var accepted: [AcceptRequest] = []
        var idempotency: [String: (request: [UInt8], answer: AcceptAnswer)] = [:]
        var logs: [(entry: SyncLogEntry, merchant: MerchantID, contact: String?)] = []
        var filters: [SyncLogFilter] = []
        var providers: [ProviderDescription] = [MemoryService.klaviyo]
        var paused: Set<CRMType> = []
        var calls: [ProviderRequest] = []
        var outcome = ProviderOutcome(status: .ok, payload: ["account": ["id": "A1", "name": "Example"]], providerVersion: "1.0.0")
        /// Answered before `outcome`, each once.
        var firstOutcomes: [ProviderOutcome] = []
        var pauses: [Duration] = []
        var waiting: Waiting?
        var now = MemoryService.start
        var storeError: StoreError?
        var tokenError: IdentityError?
        var readiness = Readiness.ready
        var wakes = 0
        var counter: UInt64 = 0
    }

    private let state = Mutex(State())
    static let start = Timestamp(seconds: 1_790_000_000)

    func read<Value: Sendable>(_ body: (State) -> Value) -> Value { state.withLock { body($0) } }
    func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value { state.withLock { body(&$0) } }

    func random(_ count: Int) -> [UInt8] {
        change { state in
            state.counter += 1
            return (0..<count).map { UInt8(truncatingIfNeeded: (state.counter &* 0x9E37_79B9_7F4A_7C15) >> UInt64($0 % 8 * 8)) }
        }
    }

    func uuid() -> UUID { UUID.v7(at: Self.start, random: random(10)) }

    /// A stored write or read, unless the store is told to fail.
    private func stored<Value: Sendable>(_ body: (inout State) -> Value) throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = change { state in
            if let error = state.storeError { return .failure(error) }
            return .success(body(&state))
        }
        return try result.get()
    }

    static let type = CRMType("klaviyo").unsafelyNamed
    static let klaviyo = ProviderDescription(
        crmType: type, displayName: "Klaviyo", version: "1.0.0", capabilities: 0b1111,
        credentialSchema: [
            "type": "object",
            "properties": ["api_key": ["type": "string", "minLength": 8, "x-prefix": "pk_", "writeOnly": true]],
            "required": ["api_key"], "additionalProperties": false,
        ],
        settingsSchema: [
            "type": "object", "properties": ["list_id": ["type": "string", "maxLength": 8]], "additionalProperties": false,
        ],
        documentationURL: nil, sha256: "00")

    static func provider(_ name: String) -> ProviderDescription {
        var provider = klaviyo
        provider.crmType = CRMType(name).unsafelyNamed
        provider.displayName = name
        return provider
    }

    func merchant(of uid: String) -> MerchantID? { read { $0.merchants[uid]?.id } }

    /// Connects without the API.
    func connect(_ name: String, uid: String, state: IntegrationState = .active) {
        guard let merchant = merchant(of: uid) else { return }
        let id = IntegrationID(uuid())
        change { service in
            service.integrations.append(
                Integration(
                    id: id, merchant: merchant, crmType: CRMType(name).unsafelyNamed, label: nil, state: state, stateReason: nil,
                    account: [:], settings: [:], credentialFingerprint: "00", credentialVersion: 1, connectedAt: Self.start,
                    updatedAt: Self.start, lastValidatedAt: nil))
            service.credentials[id] = ["api_key": "pk_secret_key"]
        }
    }
}

extension CRMType? {
    /// For names written in tests.
    var unsafelyNamed: CRMType {
        guard let self else { preconditionFailure("not the name of a CRM") }
        return self
    }
}

extension MemoryService: TokenVerifying {
    /// A token is `token-` and a uid.
    func verify(bearer token: String) async throws(IdentityError) -> VerifiedIdentity {
        if let error = read(\.tokenError) { throw error }
        guard token.hasPrefix("token-") else { throw .invalid(clause: "V1") }
        let uid = String(token.dropFirst(6))
        return VerifiedIdentity(
            uid: uid, email: "\(uid)@example.com", emailVerified: true, name: nil, signInProvider: "password", authenticatedAt: Self.start,
            expiresAt: Self.start + .seconds(3_600))
    }
}

extension MemoryService: MerchantStore {
    func merchant(ofUser uid: String) async throws(StoreError) -> Merchant? { try stored { $0.merchants[uid] } }

    func bootstrap(
        _ identity: VerifiedIdentity, profile: ProfileChange, _ context: RequestContext
    ) async throws(StoreError) -> (merchant: Merchant, created: Bool) {
        let made = Merchant(
            id: MerchantID(uuid()), profile: profile.applied(to: MerchantProfile()), email: identity.email,
            emailVerified: identity.emailVerified, isDisabled: false, createdAt: Self.start, updatedAt: Self.start, lastLoginAt: Self.start)
        return try stored { state in
            if let known = state.merchants[identity.uid] { return (known, false) }
            state.merchants[identity.uid] = made
            return (made, true)
        }
    }

    func noteSession(of merchant: MerchantID, _ identity: VerifiedIdentity, _ context: RequestContext) async throws(StoreError) {
        try stored { $0.sessions.append(identity.uid) }
    }

    func update(_ merchant: MerchantID, _ change: ProfileChange, _ context: RequestContext) async throws(StoreError) -> Merchant? {
        try stored { state in
            guard let (uid, found) = state.merchants.first(where: { $0.value.id == merchant }) else { return nil }
            var updated = found
            updated.profile = change.applied(to: found.profile)
            state.merchants[uid] = updated
            return updated
        }
    }
}

extension MemoryService: ProviderCatalog {
    var loaded: [ProviderDescription] { read { $0.providers.sorted { $0.crmType < $1.crmType } } }

    func provider(_ type: CRMType) -> ProviderDescription? { read { $0.providers.first { $0.crmType == type } } }

    func call(_ type: CRMType, _ request: ProviderRequest) async -> ProviderOutcome? {
        change { state in
            guard state.providers.contains(where: { $0.crmType == type }), !state.paused.contains(type) else { return nil }
            state.calls.append(request)
            return state.firstOutcomes.isEmpty ? state.outcome : state.firstOutcomes.removeFirst()
        }
    }

    func isPaused(_ type: CRMType) -> Bool { read { $0.paused.contains(type) } }
    func changes() -> AsyncStream<Void> { AsyncStream { $0.finish() } }
}

extension MemoryService: CursorSigner {
    /// Not a signature, but different for different bytes, which is what the cursors' users rely on.
    func sign(_ bytes: [UInt8]) -> [UInt8] {
        let hash = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * $0)) }
    }
}

extension MemoryService: ConnectionStore {
    func integrations(of merchant: MerchantID) async throws(StoreError) -> [Integration] {
        try stored { $0.integrations.filter { $0.merchant == merchant } }
    }

    func connect(
        _ connection: NewConnection, _ context: RequestContext
    ) async throws(StoreError) -> (integration: Integration, created: Bool) {
        let id = IntegrationID(uuid())
        let credentials = connection.credentials.withBytes { try? JSONValue(parsing: $0) } ?? .null
        return try stored { state in
            state.now = state.now + .milliseconds(1)
            let known = state.integrations.firstIndex { $0.merchant == connection.merchant && $0.crmType == connection.crmType }
            let integration = Integration(
                id: known.map { state.integrations[$0].id } ?? id, merchant: connection.merchant, crmType: connection.crmType,
                label: connection.label, state: .active, stateReason: nil, account: connection.account,
                settings: connection.settings ?? [:], credentialFingerprint: "0011223344556677", credentialVersion: 1,
                connectedAt: known.map { state.integrations[$0].connectedAt } ?? state.now, updatedAt: state.now, lastValidatedAt: state.now
            )
            if let known { state.integrations[known] = integration } else { state.integrations.append(integration) }
            state.credentials[integration.id] = credentials
            return (integration, known == nil)
        }
    }

    func integration(_ merchant: MerchantID, _ type: CRMType) async throws(StoreError) -> Integration? {
        try stored { state in state.integrations.first { $0.merchant == merchant && $0.crmType == type } }
    }

    func change(
        _ merchant: MerchantID, _ type: CRMType, _ change: ConnectionChange, _ context: RequestContext
    ) async throws(StoreError) -> Integration? {
        let result: Result<Integration?, StoreError> = try stored { state in
            guard let index = state.integrations.firstIndex(where: { $0.merchant == merchant && $0.crmType == type }) else {
                return .success(nil)
            }
            if let settings = change.settings {
                guard state.integrations[index].settings == settings.old else { return .failure(.conflict) }
                state.integrations[index].settings = settings.new
            }
            if let label = change.label { state.integrations[index].label = label }
            if let isPaused = change.isPaused { state.integrations[index].state = isPaused ? .paused : .active }
            return .success(state.integrations[index])
        }
        return try result.get()
    }

    func disconnect(
        _ merchant: MerchantID, _ type: CRMType, _ context: RequestContext
    ) async throws(StoreError) -> (at: Timestamp, cancelled: Int)? {
        try stored { state in
            guard let index = state.integrations.firstIndex(where: { $0.merchant == merchant && $0.crmType == type }) else { return nil }
            state.integrations.remove(at: index)
            return (Self.start, 2)
        }
    }

    func status(_ merchant: MerchantID, _ type: CRMType) async throws(StoreError) -> ConnectionStatus? {
        try stored { state in
            state.integrations.first { $0.merchant == merchant && $0.crmType == type }.map {
                ConnectionStatus(
                    integration: $0, lastSuccessAt: Self.start, lastFailure: (Self.start, "klaviyo.down", "It was away."), pending: 3,
                    dead: 1, waiting: state.waiting, succeeded24h: 10, failed24h: 2)
            }
        }
    }

    func open(_ merchant: MerchantID, _ type: CRMType) async throws(StoreError) -> OpenedConnection? {
        try stored { state in
            guard let found = state.integrations.first(where: { $0.merchant == merchant && $0.crmType == type }) else { return nil }
            return OpenedConnection(integration: found, credentials: Secret((state.credentials[found.id] ?? .null).serialized()))
        }
    }

    func replaceCredentials(of integration: Integration, with credentials: Secret) async throws(StoreError) {
        let value = credentials.withBytes { try? JSONValue(parsing: $0) }
        try stored { $0.credentials[integration.id] = value }
    }
}

extension MemoryService: DeliveryStore {
    func accept(_ request: AcceptRequest) async throws(StoreError) -> AcceptAnswer {
        let ids = request.items.map { _ in DeliveryID(uuid()) }
        return try stored { state in
            let key = request.idempotency.map { request.merchant.description + $0.key }
            if let key, let known = state.idempotency[key] {
                return known.request == request.idempotency?.canonicalRequest ? known.answer : .idempotencyMismatch
            }
            if request.items.isEmpty { return .accepted(requestID: request.requestID, []) }
            state.accepted.append(request)
            let principals = zip(request.items, ids).filter(\.0.isPrincipal)
            for (item, id) in principals {
                state.deliveries.append(
                    Delivery(
                        id: id, requestID: request.requestID, crmType: item.crmType, kind: item.kind, state: .queued, attempts: 0,
                        acceptedAt: Self.start))
            }
            let answer = AcceptAnswer.accepted(
                requestID: request.requestID,
                principals.map { AcceptedDelivery(index: $0.0.index, crmType: $0.0.crmType, id: $0.1, isDuplicate: false) })
            if let key { state.idempotency[key] = (request.idempotency?.canonicalRequest ?? [], answer) }
            return answer
        }
    }

    func delivery(_ merchant: MerchantID, _ id: DeliveryID) async throws(StoreError) -> Delivery? {
        try stored { state in
            state.deliveries.first { $0.id == id && state.accepted.contains { $0.merchant == merchant } }
        }
    }
}

extension MemoryService: SyncLogStore {
    func record(_ entry: SyncLogEntry, of merchant: MerchantID, contactIdentity: String?) async throws(StoreError) {
        try stored { $0.logs.append((entry, merchant, contactIdentity)) }
    }

    func syncLogs(
        of merchant: MerchantID, _ filter: SyncLogFilter, after cursor: PageCursor?, limit: Int
    ) async throws(StoreError) -> Page<SyncLogEntry> {
        try stored { state in
            state.filters.append(filter)
            let all = state.logs.filter { $0.merchant == merchant }.map(\.entry).reversed()
            let rest = Array(cursor.map { cursor in all.drop { $0.id != cursor.id }.dropFirst() } ?? all[...])
            let page = Array(rest.prefix(limit))
            let next = rest.count > limit ? page.last.map { PageCursor(at: $0.at, id: $0.id) } : nil
            return Page(elements: page, next: next)
        }
    }
}
