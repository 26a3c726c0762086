import CRMCore

/// A key set as it lies on disk, with the time to which its server had vouched for it.
struct SavedKeys {
    let keys: KeySet
    let expiresAt: Timestamp

    init(keys: KeySet, expiresAt: Timestamp) {
        self.keys = keys
        self.expiresAt = expiresAt
    }

    /// `nil` for what this type did not write, and for keys too old to be used.
    init?(_ bytes: [UInt8], at now: Timestamp) {
        guard bytes.count <= KeyDocument.maximumBytes * 2, let saved = try? JSONValue(parsing: bytes),
            let seconds = saved["expires_at"]?.intValue, (1...Self.latestSecond).contains(seconds),
            let keys = saved["jwks"].flatMap({ try? KeySet($0) })
        else { return nil }
        let expiresAt = Timestamp(seconds: Int64(seconds))
        // No answer lives longer than `longest`: a later time means that a clock was wrong when it was written.
        guard expiresAt <= now + KeyLifetime.longest, now < expiresAt + KeyCacheState.grace else { return nil }
        self.init(keys: keys, expiresAt: expiresAt)
    }

    var bytes: [UInt8] {
        let saved: JSONValue = ["expires_at": .integer(expiresAt.seconds), "jwks": keys.document]
        return saved.serialized()
    }

    /// The year 9999; what is beyond would overflow in microseconds.
    private static let latestSecond = 253_402_300_799
}
