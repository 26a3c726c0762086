import CRMCore
import Synchronization

/// Results of the last seconds by the hash of the token: clause V19. A page that calls ten routes costs one signature check.
final class VerifiedTokens: Sendable {
    static let lifetime = Duration.seconds(60)
    static let badSignatureLifetime = Duration.seconds(5)

    private struct Caches {
        var identities = ExpiringCache<[UInt8], VerifiedIdentity>(capacity: 10_000)
        // Apart, so that a flood of forgeries pushes out no identity.
        var badSignatures = ExpiringCache<[UInt8], Bool>(capacity: 1_024)
    }

    private let caches = Mutex(Caches())

    func identity(_ hash: [UInt8], at now: Timestamp) -> VerifiedIdentity? {
        caches.withLock { $0.identities.value(for: hash, at: now) }
    }

    func hasBadSignature(_ hash: [UInt8], at now: Timestamp) -> Bool {
        caches.withLock { $0.badSignatures.value(for: hash, at: now) != nil }
    }

    func remember(_ identity: VerifiedIdentity, for hash: [UInt8], at now: Timestamp) {
        let until = min(identity.expiresAt, now + Self.lifetime)
        guard until > now else { return }
        caches.withLock { $0.identities.insert(identity, for: hash, until: until, at: now) }
    }

    func rememberBadSignature(_ hash: [UInt8], at now: Timestamp) {
        caches.withLock { $0.badSignatures.insert(true, for: hash, until: now + Self.badSignatureLifetime, at: now) }
    }
}
