import CRMCore
import CRMCrypto
import CRMPluginAPI

extension InstanceHost {
    /// More than is kept may be handed to those that wait, up to here.
    private static let maximumHandedBytes = 1 << 20

    func acquireFromCache(
        _ operation: UInt64, _ name: crm_str, _ flags: UInt32, _ user: UnsafeMutableRawPointer?, _ answer: @escaping crm_cache_answer_fn
    ) {
        let user = ProviderPointer(user)
        let name = borrowedBytes(name, limit: SessionCacheState.maximumKeyBytes + 1)
        let onlyLook = flags & CRM_CACHE_ONLY_LOOK != 0
        let reply: SessionCacheState.Reply = { [self] in answerLater($0, user, answer) }
        // Asked under the ledger's lock, so that the operation's end, which takes back what it asked for, comes before or after. From here
        // on the instance is held open until the answer was given: the operation may end before that.
        update { ledger in
            guard ledger.pin() else { return }
            guard let scope = ledger.useCache(operation) else { return reply(.cancelled) }
            cache.acquire(scope.key(name, of: crmType), operation: operation, onlyLook: onlyLook, reply: reply)
        }
    }

    func putIntoCache(_ ticket: UInt64, _ value: crm_bytes, _ milliseconds: Int64) {
        guard value.len <= Self.maximumHandedBytes else {
            conduct.count(.wrongCall, ["cache_value_bytes": "\(value.len)"])
            return giveUpInCache(ticket)
        }
        let secret = Secret(UnsafeBufferPointer(start: value.ptr, count: value.ptr == nil ? 0 : value.len))
        let (life, overflow) = max(0, milliseconds).multipliedReportingOverflow(by: 1_000_000)
        cache.put(ticket: ticket, value: secret, life: overflow ? .max : life, isHolder: isOwn)
    }

    func giveUpInCache(_ ticket: UInt64) { cache.giveUp(ticket: ticket, isHolder: isOwn) }

    func removeFromCache(_ operation: UInt64, _ name: crm_str, _ stale: crm_bytes) {
        guard let scope = read({ $0.operations[operation]?.cacheScope }) else { return }
        let name = borrowedBytes(name, limit: SessionCacheState.maximumKeyBytes + 1)
        // No longer value was ever kept.
        guard stale.len <= SessionCacheState.maximumValueBytes else { return }
        let bytes = Secret(UnsafeBufferPointer(start: stale.ptr, count: stale.ptr == nil ? 0 : stale.len))
        cache.remove(scope.key(name, of: crmType), stale: bytes)
    }

    private func isOwn(_ operation: UInt64) -> Bool { InstanceDirectory.instance(number, owns: operation) }

    /// On a worker, and under the pin that `acquireFromCache` took: what is owed to a provider comes before its `close`.
    private func answerLater(_ answer: SessionCacheState.Answer, _ user: ProviderPointer, _ receive: @escaping crm_cache_answer_fn) {
        threads.workers.submit { [self] in
            switch answer {
            case .found(let value):
                value.withBytes { bytes in
                    bytes.withUnsafeBufferPointer {
                        receive(user.address, CRM_CACHE_FOUND, 0, crm_bytes(ptr: $0.baseAddress, len: $0.count))
                    }
                }
            case .missing: receive(user.address, CRM_CACHE_MISS, 0, crm_bytes())
            case .make(let ticket): receive(user.address, CRM_CACHE_MAKE, ticket, crm_bytes())
            case .cancelled: receive(user.address, CRM_CACHE_CANCELLED, 0, crm_bytes())
            }
            update { $0.release() }
        }
    }
}

/// Whose entries an operation finds.
struct CacheScope: Sendable {
    let account: String
    let credentials: Secret

    /// The digest is made when it is needed: most operations never ask.
    func key(_ name: [UInt8], of type: CRMType) -> SessionCacheState.Key {
        SessionCacheState.Key(
            crmType: type, account: account, credentials: credentials.withBytes { SHA256.hash($0) }, name: name)
    }
}
