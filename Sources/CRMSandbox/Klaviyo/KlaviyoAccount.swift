import CRMCore
import CRMCrypto

/// One Klaviyo account: its profiles, what it knows of its events, its jobs and its quota. All keys of a merchant share it.
final class KlaviyoAccount {
    let email: String
    /// Six letters and digits, as Klaviyo's public keys are; the same for the same address on every start.
    let id: String

    private(set) var profiles: [String: KlaviyoProfile] = [:]
    /// In the order in which they came into being.
    private(set) var profileIDs: [String] = []
    private var owners: [KlaviyoProfileKey: String] = [:]
    private var seenEvents: Set<Fingerprint> = []
    private(set) var eventCount = 0
    var jobs: [String: KlaviyoImportJob] = [:]
    var limits = KlaviyoRateLimits()
    var settings = KlaviyoAccountSettings()

    private let serials: SerialNumbers

    init(email: String, serials: SerialNumbers) {
        self.email = email
        self.serials = serials
        let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789")
        id = String(SHA256.hash(Array("klaviyo:\(email)".utf8)).prefix(6).map { alphabet[Int($0) % alphabet.count] })
    }

    // MARK: Profiles

    /// The profiles that a request names, strongest identifier first, each once.
    func matches(_ input: KlaviyoProfileInput) -> [String] {
        var found: [String] = []
        if let id = input.id, profiles[id] != nil { found.append(id) }
        for key in input.keys {
            if let id = owners[key], !found.contains(id) { found.append(id) }
        }
        return found
    }

    func owner(of key: KlaviyoProfileKey) -> String? { owners[key] }

    func create(_ input: KlaviyoProfileInput, at now: Timestamp) -> KlaviyoProfile {
        let id = serials.next(at: now)
        profileIDs.append(id)
        var profile = KlaviyoProfile(id: id, created: now)
        profile.apply(input, at: now)
        replace(profile)
        return profile
    }

    /// `keeping` names identifiers that the profile may not take because another one has them.
    func update(_ id: String, _ input: KlaviyoProfileInput, at now: Timestamp, keeping kept: Set<String> = []) -> KlaviyoProfile? {
        guard var profile = profiles[id] else { return nil }
        profile.apply(input, at: now, keeping: kept)
        replace(profile)
        return profile
    }

    func changeConsent(of id: String, at now: Timestamp, _ change: (inout KlaviyoConsent) -> Void) {
        profiles[id]?.applyConsent(change, at: now)
    }

    private func replace(_ profile: KlaviyoProfile) {
        let old = profiles[profile.id]?.keys ?? []
        let new = profile.keys
        if old != new {
            for key in old { owners[key] = nil }
            for key in new { owners[key] = profile.id }
        }
        profiles[profile.id] = profile
    }

    // MARK: Events

    func hasEvent(_ event: KlaviyoEventInput, of profileID: String) -> Bool {
        seenEvents.contains(Fingerprint(profileID, event.metric, event.repetitionKey))
    }

    /// False for a repetition, which changes nothing.
    func record(_ event: KlaviyoEventInput, of profileID: String) -> Bool {
        guard seenEvents.insert(Fingerprint(profileID, event.metric, event.repetitionKey)).inserted else { return false }
        eventCount += 1
        if let last = profiles[profileID]?.lastEvent, last >= event.time { return true }
        profiles[profileID]?.lastEvent = event.time
        return true
    }
}

/// 128 bits in place of the three texts that make an event unique: an account of a million events stays small, and a collision is
/// out of the question.
private struct Fingerprint: Hashable {
    let high: Int
    let low: Int

    init(_ profileID: String, _ metric: String, _ key: String) {
        func hash(_ salt: UInt8) -> Int {
            var hasher = Hasher()
            hasher.combine(salt)
            hasher.combine(profileID)
            hasher.combine(metric)
            hasher.combine(key)
            return hasher.finalize()
        }
        high = hash(0)
        low = hash(1)
    }
}

/// Ids in the form of ULIDs: a time, then a number that never repeats.
final class SerialNumbers {
    private var last: UInt64 = 0

    func next(at now: Timestamp) -> String {
        last += 1
        return Self.crockford(UInt64(clamping: now.milliseconds), digits: 10) + Self.crockford(last, digits: 16)
    }

    /// In the form of a UUID, for the ids of errors.
    func nextErrorID() -> String {
        last += 1
        let digits = String(last, radix: 16)
        return "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    private static func crockford(_ number: UInt64, digits: Int) -> String {
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
        var rest = number
        var text: [UInt8] = []
        for _ in 0..<digits {
            text.append(alphabet[Int(rest % 32)])
            rest /= 32
        }
        return String(decoding: text.reversed(), as: UTF8.self)
    }
}
