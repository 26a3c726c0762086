import CRMCore

/// What one kind of call may do: a window of a second and one of a minute, both fixed.
struct KlaviyoLimit {
    let perSecond: Int
    let perMinute: Int
}

/// The windows of one account.
struct KlaviyoRateLimits {
    struct Window {
        var start: Int64 = 0
        var count = 0
    }

    /// What the headers of an answer say about the minute.
    struct Standing {
        let limit: Int
        let remaining: Int
        let reset: Int
    }

    private var windows: [KlaviyoOperation: (second: Window, minute: Window)] = [:]

    /// Counts a call, or refuses it with the seconds to wait; a refused call does not count.
    mutating func admit(_ operation: KlaviyoOperation, at now: Timestamp) throws(KlaviyoRefusal) -> Standing {
        let limit = operation.limit
        var (second, minute) = windows[operation] ?? (Window(), Window())
        let thisSecond = now.seconds
        let thisMinute = now.seconds - now.seconds % 60
        if second.start != thisSecond { second = Window(start: thisSecond) }
        if minute.start != thisMinute { minute = Window(start: thisMinute) }
        let toNextMinute = Int(thisMinute + 60 - thisSecond)
        if minute.count >= limit.perMinute { throw .throttled(retryAfter: toNextMinute) }
        if second.count >= limit.perSecond { throw .throttled(retryAfter: 1) }
        second.count += 1
        minute.count += 1
        windows[operation] = (second, minute)
        return Standing(limit: limit.perMinute, remaining: limit.perMinute - minute.count, reset: toNextMinute)
    }
}
