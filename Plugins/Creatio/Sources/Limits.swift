internal import CRMPluginSDK

/// What a site stands. Creatio documents no limits and sends no headers about them: a 429 can only come from what stands in front of
/// a site, and the pause that it names is all that is known.
enum Limits {
    /// Parts of one `$batch`.
    static let batch = 100
    /// Refusals of named columns after which a record is no longer sent once more without them.
    static let refusals = 10
    /// Columns that are sent one by one when a site does not say which of them it refuses.
    static let singleColumns = 25
    /// What a call of a batch needs at least before the deadline; below it none is begun.
    static let reserve = Duration.seconds(1)
    /// Calls under way at once, of one host to all sites.
    static let concurrency = 16
}
